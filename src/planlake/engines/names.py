"""Names that SQL has to tell apart: those that are Planlake's own, and a name for each key of an API beside them.

SQL takes names that differ only in case for one and the same, so everything here is compared in lower case.
"""

import re
from collections.abc import Iterable

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\ufffe\uffff]")  # Glue takes neither of the last two
LONGEST_COLUMN = 255  # bytes: what Glue takes, and Athena

# Columns that every table or view of a resource has, what steps call their own columns, and how ids are partitioned.
IMPORTED = (
    *("page_number", "import_api_url_requested", "import_api_status_code", "import_exception_thrown"),
    *("import_datetime", "import_timestamp", "import_year", "import_month", "import_day", "import_date"),
)
REFINED = ("import_request_id", "import_position", "record_hash", "batch", "is_deleted")
SHOWN = ("snapshot_year", "snapshot_month", "snapshot_day", "snapshot_date", "valid_from", "valid_to")
ID_RANGE, ID_BUCKET = "planlake_id_range", "planlake_id_bucket"
IS_FILLED, PLACE = "planlake is filled", "planlake place"
OWN_COLUMNS = frozenset((*IMPORTED, *REFINED, *SHOWN, ID_RANGE, ID_BUCKET, IS_FILLED, PLACE))

# Tables and views of Planlake's own, and how the names of those begin that it makes of each resource.
OWN_TABLES = frozenset(
    (
        *("api_responses", "api_requests", "gaps", "snapshot_dates", "planlake_export"),
        *("runs", "published", "checks", "journal", "drift", "previewed", "documented", "uncastable", "rejected"),
        "forgotten",
    )
)
# DuckDB's own, which no query may read, and how those begin.
CATALOGUES = frozenset(("information_schema", "pg_catalog", "sqlite_master", "sqlite_schema", "sqlite_temp_master"))
OF_CATALOGUES = ("duckdb_", "pg_", "pragma_")
BEGINNINGS = ("increment_", "current_", "history_", "api_response_")


def is_own_column(name: str) -> bool:
    """Whether a column of this name would stand for one of Planlake's own."""
    return name.lower() in OWN_COLUMNS


def column_names(keys: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """A column name for each new key of the API, the key itself wherever that is free.

    Names that differ only in case from a taken one, or that are Planlake's own, get a number. None has more than
    LONGEST_COLUMN bytes.
    """
    used = {*OWN_COLUMNS, *(name.lower() for name in taken)}
    names: dict[str, str] = {}
    for key in keys:
        plain = shortened(CONTROL_CHARACTERS.sub("_", key), LONGEST_COLUMN)
        name, number = plain, 2
        while name.lower() in used or not name:
            ending = f"_{number}"
            name, number = shortened(plain, LONGEST_COLUMN - len(ending)) + ending, number + 1
        used.add(name.lower())
        names[key] = name
    return names


def shortened(text: str, longest: int) -> str:
    """The beginning of a text that has at most so many bytes; no character is cut in two."""
    if 4 * len(text) <= longest:
        return text
    written = text.encode(errors="surrogatepass")
    return text if len(written) <= longest else written[:longest].decode(errors="ignore")
