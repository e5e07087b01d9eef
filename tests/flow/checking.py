"""Comparing what a lake holds with what the oracle says, row by row and cell by cell."""

from datetime import UTC
from zoneinfo import ZoneInfo

IMPORTED = ("import_datetime", "import_timestamp", "import_api_url_requested")
OWN = ("import_request_id", "import_position", "record_hash", "is_deleted")
SNAPSHOT = ("snapshot_year", "snapshot_month", "snapshot_day", "snapshot_date")


def assert_same_rows(actual, expected, order="id"):
    """Equal lists of dictionaries; what differs is named by row and column."""

    def place(row):
        return [row[name] for name in (order if isinstance(order, tuple) else (order,))]

    actual, expected = sorted(actual, key=place), sorted(expected, key=place)
    assert [place(row) for row in actual] == [place(row) for row in expected]
    differing = [
        (place(wanted), column, row.get(column, "no such column"), wanted.get(column, "no such column"))
        for row, wanted in zip(actual, expected, strict=True)
        if row != wanted or list(map(type, row.values())) != [type(wanted.get(name)) for name in row]
        for column in {**row, **wanted}
        if (row.get(column, "absent"), type(row.get(column)))
        != (wanted.get(column, "absent"), type(wanted.get(column)))
    ]
    assert not differing, f"{len(differing)} cells differ: (id, column, held, expected) {differing[:5]}"


def assert_table_equals(feed, table, *, published):
    """The view, `current_`, `increment_` and `uncastable` of one resource hold exactly what the oracle says."""
    columns = table.columns()
    latest = [table.row(version, columns) for version in table.latest().values()]
    shown = feed.rows(f"select * from {table.name}")
    snapshot = dict(zip(SNAPSHOT, (published[:4], published[4:6], published[6:], published), strict=True))
    assert_same_rows(imports_checked(feed, shown), [{**row, **snapshot} for row in latest])
    current = feed.rows(f"select * from current_{table.name}")
    assert {row["is_deleted"] for row in current} <= {False}
    positions = {table.cell(v.record, "id"): (v.position, v.page) for v in table.latest().values()}
    assert {row["id"]: (row["import_position"], row["page_number"]) for row in current} == positions
    without_own = [{name: value for name, value in row.items() if name not in OWN} for row in current]
    assert_same_rows(imports_checked(feed, without_own), latest)
    assert_versions_equal(feed, table)
    assert_uncastable_equal(feed, table)


def assert_versions_equal(feed, table):
    """`increment_` holds every version received, and no other row."""
    rows = feed.rows(f"select * from increment_{table.name}")
    assert len(rows) == len(table.versions)
    columns = table.columns()
    shown = [{name: value for name, value in row.items() if name not in OWN} for row in rows]
    expected = [table.row(version, columns) for version in table.versions]
    assert_same_rows(imports_checked(feed, shown), expected, order=("id", "batch", "query", "page_number"))


def assert_uncastable_equal(feed, table):
    """`uncastable` holds exactly the cells that do not cast, of all versions received."""
    query = f"""select batch, id, "column", raw_value, wanted_type from uncastable where resource = '{table.name}'"""
    assert sorted(tuple(row.values()) for row in feed.rows(query)) == table.uncastable()


def imports_checked(feed, rows):
    """The rows with the import columns that hold instants and addresses checked and reduced to the query asked."""
    base = feed.config.api.base_url
    return [_checked(dict(row), base) for row in rows]


def _checked(row, base):
    at, stamp, url = (row.pop(name) for name in IMPORTED)
    instant = at.replace(tzinfo=UTC)
    assert float(stamp) == instant.timestamp()
    assert row["import_date"] == instant.astimezone(ZoneInfo("Europe/London")).strftime("%Y%m%d")
    path, row["query"] = url.split("?")
    assert path.startswith(base)
    return row
