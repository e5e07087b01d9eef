"""Finds and reads the configuration that a caller of the library means."""

import os
from collections.abc import Mapping
from pathlib import Path

from planlake.config import DEFAULT_FILE, Config, load_config

Place = str | os.PathLike[str]


def find_file(config: Place | None) -> Path:
    """The whole path of the configuration that is meant: of a folder the file in it, of nothing what commands take."""
    named = config if config is not None else os.environ.get("PLANLAKE_CONFIG") or DEFAULT_FILE
    file = Path(named).expanduser().absolute()  # so that it is found wherever the program goes later
    return file / DEFAULT_FILE if file.is_dir() else file


def read_configuration(config: Place | None, settings: Mapping[str, object] | None) -> Config:
    """The configuration with settings that win over the file's; a ConfigurationError says what is wrong with either."""
    return load_config(find_file(config), flags=settings)
