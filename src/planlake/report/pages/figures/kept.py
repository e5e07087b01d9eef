"""What was worked out of versions of tables, which never change, so that it is worked out once, and what was written.

A report keeps it in a file of its own folder: whoever deletes that waits a little longer for the next report.
"""

import hashlib
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeVar

import duckdb
import msgspec
import pyarrow as pa

from planlake.errors import LakeError

KEPT_FILE = "data/kept.json"
Figures = TypeVar("Figures")
DayChange = tuple[date, int, int, int]  # the day, and how many records were added, changed and deleted on it


@dataclass(frozen=True, slots=True)
class Counted:
    """In how many rows a column holds something, and its most common values with their rows, the first most often."""

    filled: int
    common: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """The rows that one version of a table shows, and what was counted of each of its columns."""

    rows: int
    columns: Mapping[str, Counted]


@dataclass(frozen=True, slots=True)
class Kept:
    """Figures by the version of the table that they are of, and the versions that were asked for.

    `files` are those of the report, each with a hash of its bytes.
    """

    profiles: dict[str, Profile] = field(default_factory=dict)
    changes: dict[str, tuple[DayChange, ...]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def of(self, kept: MutableMapping[str, Figures], version: str, work_out: Callable[[], Figures]) -> Figures:
        """The figures of a version out of one of the two mappings, worked out where they are not there yet."""
        self.used.add(version)
        if version not in kept:
            kept[version] = work_out()
        return kept[version]


def read_kept(folder: Path) -> Kept:
    """What an earlier report kept in its folder; nothing where there is none, or it cannot be read."""
    try:
        found = msgspec.json.decode((folder / KEPT_FILE).read_bytes(), type=Kept)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return Kept()
    found.used.clear()
    return found


def unless_damaged(work: Callable[[], Figures], otherwise: Figures) -> Figures:
    """Figures of a table; `otherwise` where its files are damaged, which its verdict says."""
    try:
        return work()
    except (LakeError, duckdb.Error, pa.ArrowException, OSError):
        return otherwise


def kept_text(kept: Kept, made: Mapping[str, bytes]) -> bytes:
    """The file for the next report: what this one asked for and made, and nothing of earlier versions."""
    profiles = {version: one for version, one in kept.profiles.items() if version in kept.used}
    changes = {version: one for version, one in kept.changes.items() if version in kept.used}
    files = {file: hash_of(content) for file, content in made.items()}
    return msgspec.json.encode(Kept(profiles, changes, files), order="deterministic") + b"\n"


def hash_of(content: bytes) -> str:
    """By what a file is known again."""
    return hashlib.sha256(content).hexdigest()[:32]
