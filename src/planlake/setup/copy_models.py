"""Puts the models that Planlake ships into the user's folder, and says how those there differ from them."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from planlake.config import Config
from planlake.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Differing:
    """A file of models, shipped or the user's: what about it, and the lines that differ, as `diff -u` has them."""

    file: str
    state: Literal["changed", "missing", "own"]
    lines: tuple[str, ...] = ()


def copy_models(config: Config) -> list[Path]:
    """Write the shipped models and mappings; what is there already is left as it is. The files that were written."""
    folder, written = config.folder / config.models.folder, []
    try:
        for name, text in _shipped():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists() and not file.is_symlink():  # a link that leads nowhere is the user's too
                file.write_text(text, encoding="utf-8", newline="\n")
                written.append(file)
    except OSError as error:
        raise ConfigurationError(f"models cannot be written: {error.strerror}", facts={"folder": folder}) from None
    return written


def differing_models(config: Config) -> list[Differing]:
    """What differs between the shipped models and the user's: files that are the same on both sides are left out."""
    folder, shipped = config.folder / config.models.folder, dict(_shipped())
    own = {str(file.relative_to(folder)) for kind in ("*.sql", "mappings/*.csv") for file in folder.glob(kind)}
    found = [Differing(name, "missing") for name in shipped if name not in own]
    found += [Differing(name, "own") for name in sorted(own - set(shipped))]
    for name in sorted(own & set(shipped)):
        before, after = shipped[name].splitlines(), _lines(folder / name)
        lines = tuple(
            difflib.unified_diff(before, after, f"shipped/{name}", f"{config.models.folder}/{name}", lineterm="")
        )
        if lines:
            found.append(Differing(name, "changed", lines))
    return found


def _lines(file: Path) -> list[str]:
    """The lines of the user's file; where it cannot be read, one that says why."""
    try:
        return file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        return [f"this cannot be read: {error.strerror}"]
    except ValueError:
        return ["this is not UTF-8 text"]


def _shipped() -> Iterator[tuple[str, str]]:
    folder = Path(str(files("planlake").joinpath("models")))
    for kind in ("*.sql", "mappings/*.csv"):
        for file in sorted(folder.glob(kind)):
            yield str(file.relative_to(folder)), file.read_text(encoding="utf-8")
