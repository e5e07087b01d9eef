"""Opens the Iceberg catalogue of an environment by its type; what each needs is imported only then."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from planlake.config import Catalog as Given
from planlake.errors import ConfigurationError, LakeError
from planlake.lake.aws.clients import check_sendable, is_secret
from planlake.lake.metadata.read_catalogue import ReadCatalogue

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from requests import Session

CATALOG_NAME = "planlake"  # Spark must call the same catalogue by the same name
CONNECT_SECONDS, READ_SECONDS = 4, 60
DELEGATION = "X-Iceberg-Access-Delegation"


def open_catalogue(given: Given, file: Path | None) -> "Catalog":
    """The catalogue itself; `file` is that of SQLite. A ConfigurationError where a library for it is missing.

    Or where a key or token among its properties cannot be sent.
    """
    from planlake.lake.tables.pyiceberg_fixes import read_lists_safely  # noqa: PLC0415 - who reads may need no pyiceberg
    from planlake.lake.tables.pyiceberg_speedups import share_parts, share_readers  # noqa: PLC0415

    read_lists_safely()
    share_readers()
    share_parts()
    for name, value in given.properties.items():
        if is_secret(name):
            check_sendable(f"catalog.properties.{name}", value)
    if given.type == "glue":
        return _open_glue(given)
    return _open_rest(given) if given.type == "rest" else _open_sql(given, file)


def catalogue_to_read(given: Given, file: Path | None) -> "Catalog | None":
    """A catalogue's file for who only reads tables that lie on this machine; None where pyiceberg is to open it."""
    if file is None:
        return None
    properties = {"uri": given.uri, **given.properties}
    found = ReadCatalogue(CATALOG_NAME, file, properties, opened=partial(open_catalogue, given, file))
    return cast("Catalog", found) if found.is_usual() else None


def is_rest(catalog: "Catalog") -> bool:
    """Whether it is an Iceberg REST catalogue, which writes metadata itself."""
    return type(catalog).__name__ == "PatientRestCatalog"


def _open_sql(given: Given, file: Path | None) -> "Catalog":
    if file is not None:
        from planlake.lake.sqlite_catalogue import SqliteCatalogue  # noqa: PLC0415

        return SqliteCatalogue(CATALOG_NAME, file, **given.properties)
    from pyiceberg.catalog.sql import SqlCatalog  # noqa: PLC0415 - brings SQLAlchemy

    try:
        return SqlCatalog(CATALOG_NAME, uri=given.uri, **given.properties)
    except ModuleNotFoundError as error:
        facts = {"catalog.uri": given.uri.partition(":")[0] + ":..."}
        raise ConfigurationError(f"the catalogue's driver is not installed: {error.name}", facts=facts) from None


def _open_glue(given: Given) -> "Catalog":
    try:
        from pyiceberg.catalog.glue import GlueCatalog  # noqa: PLC0415 - brings boto3

        from planlake.lake.aws.clients import client  # noqa: PLC0415
        from planlake.lake.aws.glue_comments import shorten_comments  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError("a Glue catalogue needs AWS's libraries", hint="pip install 'planlake[aws]'") from None
    shorten_comments()
    catalog = GlueCatalog(CATALOG_NAME, client("glue", given.properties), **given.properties)
    catalog._get_glue_table = partial(_typed, catalog._get_glue_table)  # type: ignore[method-assign]
    catalog._is_s3tables_database = cache(catalog._is_s3tables_database)  # type: ignore[method-assign] # else: each commit
    return catalog


def _typed(get: Callable[..., Any], **named: str) -> Any:  # noqa: ANN401 - types of a library that only AWS has
    """An entry of Glue; a view, or a table without a type, is no Iceberg table, where pyiceberg calls it broken."""
    found = get(**named)
    return {**found, "Parameters": {"table_type": "none", **found.get("Parameters", {})}}


def _open_rest(given: Given) -> "Catalog":
    from pyiceberg.catalog.rest import RestCatalog  # noqa: PLC0415 - brings requests

    class PatientRestCatalog(RestCatalog):
        """pyiceberg's own, which waits for no answer for ever and opens files with keys of ours.

        Keys that a catalogue hands out are of one table and end within the hour; a lease, housekeeping and DuckDB read
        and write beside tables.
        """

        def _config_headers(self, session: "Session") -> None:  # called first, before anything is asked
            super()._config_headers(session)
            if f"header.{DELEGATION}" not in given.properties:
                session.headers.pop(DELEGATION)
            session.request = partial(session.request, timeout=(CONNECT_SECONDS, READ_SECONDS))  # type: ignore[method-assign]

    try:
        return PatientRestCatalog(CATALOG_NAME, uri=given.uri, **given.properties)
    except ValidationError:  # an answer, but of something else
        hint = "catalog.uri is the address up to what comes before /v1/config"
        raise LakeError(f"{given.uri} is not an Iceberg REST catalogue", hint=hint) from None
