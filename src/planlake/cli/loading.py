"""Reading the configuration for a command; its name is remembered for the hints that follow, flags before it."""

from pathlib import Path

from planlake.config import Config, load_config

_NAMED: list[Path] = []
_LOADED: list[Config] = []
_FLAGS: dict[str, str] = {}
_CHOSEN: list[str] = []


def configuration(file: Path | None) -> Config:
    """The configuration a command works with."""
    if file is not None:
        _NAMED.append(file)
    _LOADED[:] = [load_config(file, flags=_FLAGS)]
    return _LOADED[0]


def loaded_configuration() -> Config | None:
    """The configuration the command works with; None before it was read."""
    return _LOADED[0] if _LOADED else None


def set_flag(setting: str, value: str) -> None:
    """A setting given on the command line, which wins over variable and file."""
    _FLAGS[setting] = value


def set_flag_unless_given(setting: str, value: str) -> None:
    """A setting as a command has it where nobody gives another on the command line."""
    _FLAGS.setdefault(setting, value)


def named_file() -> Path | None:
    """The file named on the command line, None where the usual one is used."""
    return _NAMED[-1] if _NAMED else None


def remember_environment(name: str | None) -> str | None:
    """Keep the environment a command was told to work with."""
    if name is not None:
        _CHOSEN.append(name)
    return name


def chosen_environment() -> str | None:
    """The environment named on the command line or by PLANLAKE_ENV, None where the first of the file is used."""
    return _CHOSEN[-1] if _CHOSEN else None
