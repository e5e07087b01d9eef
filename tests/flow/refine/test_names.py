"""Names of any kind: whatever a key or a resource is called, every value is found again, or the file is refused.

Every example is a lake of eight tables, each with up to nine keys of its own; `PLANLAKE_SOAK=1` (`make soak`) makes it
480 tables instead of 24.
"""

import os
import shutil

import duckdb
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, given, settings

from conftest import feeding
from flow.refine import naming
from flow.refine.naming import DAY_1, DAY_2, columns_of
from planlake.report.exports.export import export
from planlake.report.exports.targets import ExportTarget

IS_SOAK = os.environ.get("PLANLAKE_SOAK", "0") != "0"
EXAMPLES = 60 if IS_SOAK else 2
PHASES = [Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if "PLANLAKE_SHRINK" in os.environ else [])]


def quoted(*names):
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def served(folder, sent):
    """A lake of these tables, with a record of each at the API."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "names.toml").write_text(naming.catalogue_text(sent), encoding="utf-8")
    return feeding(naming.data_of(sent), folder, naming.settings_of(sent))


def load(feed, sent):
    """Load a record of each table on the first day and another one, with the late keys, on the second."""
    first = feed.run_at(DAY_1)
    assert not [(one.table, one.message) for one in first.tables if one.outcome != "loaded"]
    for one in sent:
        naming.put(feed.data, one, 2, "2026-11-17 09:00:00", is_late=True)
    second = feed.run_at(DAY_2)
    assert not [(one.table, one.message) for one in second.tables if one.outcome != "loaded"]


def by_identity(rows, column):
    return {int(row[column]): row for row in rows}


def shows_all(one, rows):
    """Every value of both records stands in these rows, in the same columns; what they are."""
    found = by_identity(rows, one.key)
    assert found.keys() == {1, 2}, one
    early = columns_of(one, found[1], identity=1, is_late=False)
    late = columns_of(one, found[2], identity=2, is_late=True)
    assert late.items() >= early.items(), (one, early, late)
    assert {row["import_date"] for row in rows} == {"20261117", "20261118"}
    return late


def is_whole(feed, folder, sent):
    """Every value of every table is found in every view, on both days, and in what is exported."""
    parquet, database = folder / "parquet", folder / "all.duckdb"
    files = {one.table: one.file for one in export(feed.config, [], ExportTarget(parquet, "parquet")).tables}
    assert files.keys() == {one.name for one in sent}
    export(feed.config, [], ExportTarget(database, "duckdb"))
    for one in sent:
        refined = "names-refined-zone"
        shown = feed.rows(f"select * from {quoted(one.name)}")
        columns = shows_all(one, shown)
        for name in (one.name, f"current_{one.name}", f"increment_{one.name}", f"history_{one.name}"):
            assert shows_all(one, feed.rows(f"select * from {quoted(refined, name)}")) == columns
        assert shows_all(one, feed.rows(f"select * from {quoted('names-raw-zone', one.name)}")).keys() == columns.keys()
        received = feed.rows(
            f"select {quoted(one.name)} as sent from {quoted('names-raw-zone', f'api_response_{one.name}')}"
        )
        assert len(received) == 2, one
        (before,) = feed.rows(f"select * from {quoted(one.name)}", as_of="2026-11-17")
        early = columns_of(one, before, identity=1, is_late=False)
        assert columns.items() >= early.items()
        assert by_identity(pq.read_table(parquet / files[one.name]).to_pylist(), one.key) == by_identity(shown, one.key)
        with duckdb.connect(str(database), read_only=True) as connection:
            rows = connection.sql(f"select * from main.{quoted(one.name)}").to_arrow_table().to_pylist()
        assert by_identity(rows, one.key) == by_identity(shown, one.key)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=PHASES,
    derandomize=not IS_SOAK,
)
@given(sent=naming.tables)
def test_every_value_is_found_whatever_its_key_and_its_table_are_called(tmp_path_factory, sent):
    folder = tmp_path_factory.mktemp("names")
    with served(folder, sent) as feed:
        load(feed, sent)
        is_whole(feed, folder, sent)
    shutil.rmtree(folder)
