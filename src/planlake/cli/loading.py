"""Reading the configuration for a command; its name is remembered for the hints that follow, flags before it."""

from pathlib import Path

from planlake.config import Config, load_config

_NAMED: list[Path] = []
_FLAGS: dict[str, str] = {}


def configuration(file: Path | None) -> Config:
    """The configuration a command works with."""
    if file is not None:
        _NAMED.append(file)
    return load_config(file, flags=_FLAGS)


def set_flag(setting: str, value: str) -> None:
    """A setting given on the command line, which wins over variable and file."""
    _FLAGS[setting] = value


def named_file() -> Path | None:
    """The file named on the command line, None where the usual one is used."""
    return _NAMED[-1] if _NAMED else None
