"""How the files of a lake are opened, here and on another machine, and how DuckDB reads those that lie elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.io import FileIO
    from pyiceberg.table import Table

Properties = tuple[tuple[str, str], ...]
# What another machine needs to open files: no other property goes along, as whatever is not known may be a secret.
PORTABLE = {
    *("py-io-impl", "client.region", "client.role-arn", "client.role-session-name", "s3.endpoint", "s3.region"),
    *("s3.force-virtual-addressing", "s3.resolve-region", "s3.request-timeout", "s3.connect-timeout", "s3.anonymous"),
    *("s3.role-arn", "s3.role-session-name", "gcs.endpoint", "gcs.project-id", "gcs.default-bucket-location"),
    *("gcs.version-aware", "adls.account-name", "adls.account-host", "hdfs.host", "hdfs.port", "hdfs.user"),
}


@dataclass(frozen=True, slots=True)
class FileAccess:
    """The properties of a file system. Pickled, it has no key: whoever opens files elsewhere has a role of its own."""

    properties: Properties = field(default=(), repr=False)

    def __reduce__(self) -> tuple[type["FileAccess"], tuple[Properties]]:
        """Without secrets; an address with a password in it is one."""
        known = tuple((name, value) for name, value in self.properties if name in PORTABLE and "@" not in value)
        return FileAccess, (known,)

    @property
    def io(self) -> "FileIO":
        """What opens files, in this process."""
        return _file_io(self.properties)

    def let_duckdb_read(self, locations: Iterable[str], *, is_new: bool = False) -> None:
        """DuckDB in this process reads what lies beside these locations; files on this machine it reads anyway.

        What is known already is left as it is, unless the access `is_new`.
        """
        for location in locations:
            if "://" not in location or location.startswith("file://"):
                continue
            from pyiceberg.io.pyarrow import PyArrowFileIO  # noqa: PLC0415

            from planlake.engines.duckdb.remote_files import is_known, know  # noqa: PLC0415 - brings fsspec

            scheme, host, _ = PyArrowFileIO.parse_location(location)
            if isinstance(self.io, PyArrowFileIO) and (is_new or not is_known(scheme, host)):
                know(scheme, host, self.io.fs_by_scheme(scheme, host))


def access_of(table: "Table") -> FileAccess:
    """How the files of a table are opened."""
    return FileAccess(tuple(sorted(table.io.properties.items())))


def access_by(catalog: "Catalog") -> FileAccess:
    """How the files of a catalogue's tables are opened."""
    return FileAccess(tuple(sorted(catalog.properties.items())))


@cache
def _file_io(properties: Properties) -> "FileIO":
    from pyiceberg.io import load_file_io  # noqa: PLC0415 - who only reads on this machine needs none of it

    return load_file_io(dict(properties))
