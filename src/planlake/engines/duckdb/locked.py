"""A locked DuckDB: a connection that reads the files it was given through our own file system and can do nothing else.

Whatever SQL is carried out on it, nobody's file is written, none is read that was not given a name, no network is
reached, no setting changes. This is the boundary for SQL that users write; what is refused beforehand is manners.
`allowed_directories` would not do: DuckDB writes there, too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from planlake.engines.duckdb.connection import KEPT_SIDES, Connection
from planlake.engines.duckdb.ctrl_c import as_ctrl_c

if TYPE_CHECKING:
    from planlake.engines.duckdb.named_files import NamedFiles, Opened


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a query may work, in seconds, and how much memory it may take; it has no temporary files.

    `allowed_by` is the setting that allows more time.
    """

    seconds: float
    megabytes: int
    allowed_by: str = "query_seconds"


@dataclass(frozen=True, slots=True)
class Locked:
    """A connection that only reads, and the files it may read."""

    connection: Connection
    files: "NamedFiles"


@contextmanager
def locked(opened: "Opened", limits: Limits) -> Iterator[Locked]:
    """A database of its own, in memory, that opens files by `opened` and only under names it was given."""
    from planlake.engines.duckdb.named_files import NamedFiles  # noqa: PLC0415 - only where users' SQL is carried out

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{limits.megabytes}MB",
        "temp_directory": "",
        "python_enable_replacements": False,
        "autoload_known_extensions": False,
        "autoinstall_known_extensions": False,
        "allow_community_extensions": False,
        "allow_unsigned_extensions": False,
        "allow_persistent_secrets": False,
        "disabled_optimizers": KEPT_SIDES,
    }
    files = NamedFiles(opened)
    with as_ctrl_c(), duckdb.connect(config=settings) as connection:
        connection.register_filesystem(files)
        connection.execute(f"""
            set disabled_filesystems = 'LocalFileSystem';
            set allowed_directories = ['{files.folder}'];
            set enable_external_access = false;
            set lock_configuration = true""")
        yield Locked(connection, files)
