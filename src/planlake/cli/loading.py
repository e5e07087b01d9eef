"""Reading the configuration for a command, and remembering its name for the hints that follow."""

from pathlib import Path

from planlake.config import Config, load_config

_NAMED: list[Path] = []


def configuration(file: Path | None) -> Config:
    """The configuration a command works with."""
    if file is not None:
        _NAMED.append(file)
    return load_config(file)


def named_file() -> Path | None:
    """The file named on the command line, None where the usual one is used."""
    return _NAMED[-1] if _NAMED else None
