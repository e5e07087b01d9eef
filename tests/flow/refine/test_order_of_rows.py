"""Raw rows are read in the order in which they were received, those of requests that failed left out."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import feeding
from flow.ingest.served import DAY_1, fill, served, settings_of
from planlake.engines.duckdb.connection import connected
from planlake.lake.aws.file_access import FileAccess
from planlake.lake.state import raw
from planlake.lake.state.raw import RawRows
from planlake.lake.tables.columns import API_RESPONSES, schema_of
from planlake.lake.tables.parquet import Target, write_rows

SCHEMA = schema_of(API_RESPONSES)
REQUESTS = st.sets(st.integers(1, 60), min_size=1)


@pytest.fixture(scope="module")
def connection():
    with connected(200) as opened:
        yield opened


def raw_file(folder, requests):
    """A file of raw with three records of each request."""
    rows = [{"resource": "things", "batch": 1, "request_id": one, "position": n} for one in requests for n in range(3)]
    empty = {field.name: None for field in SCHEMA.fields}
    access = FileAccess((("py-io-impl", "pyiceberg.io.pyarrow.PyArrowFileIO"),))
    target = Target(f"file://{folder}", access, SCHEMA, 0)
    return write_rows(target, pa.Table.from_pylist([{**empty, **row} for row in rows]), partition=("things",))


def as_ranges(requests):
    """Requests in order, as ranges of one each: what the ledger may say at worst."""
    return tuple((one, one) for one in sorted(requests))


@settings(max_examples=20, deadline=None)
@given(received=REQUESTS, good=REQUESTS, most=st.integers(0, 8))
def test_rows_of_good_requests_come_in_order_however_many_ranges_of_requests_there_are(
    connection, tmp_path_factory, received, good, most
):
    ordered, folder = sorted(received), tmp_path_factory.mktemp("raw")
    halves = [half for half in (ordered[: len(ordered) // 2], ordered[len(ordered) // 2 :]) if half]
    files = tuple(raw_file(folder, half) for half in halves)
    rows = RawRows(files, SCHEMA, "things", 0, (), as_ranges(good), FileAccess())
    few = raw._with_few_ranges(connection, rows)
    assert len(few.requests) <= len(rows.requests)
    expected = [(one, position) for one in ordered if one in good for position in range(3)]
    columns = ("resource", "batch", "request_id", "position")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(raw, "MOST_CONDITIONS", 100)
        assert connection.execute(f"select request_id, position from {few.sql(columns)}").fetchall() == expected
        monkeypatch.setattr(raw, "MOST_CONDITIONS", most)  # beyond them the requests are joined, and the order is any
        for one in (rows, few):
            found = connection.execute(f"select request_id, position from {one.sql(columns)}").fetchall()
            assert sorted(found) == expected


def test_what_many_small_checkpoints_brought_lies_in_increment_and_current_in_the_order_of_its_ids(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("planlake.flow.ingest.step.MEGABYTE", 10)
    data = served(["things"])
    fill(data, "things", 40)
    with feeding(data, tmp_path, settings_of(["things"], concurrency=1)) as feed:
        assert feed.run_at(DAY_1).exit_code == 0
        assert len([*tmp_path.rglob("api_responses/data/*.parquet")]) > 3
        for name in ("increment_things", "current_things"):
            (file,) = tmp_path.rglob(f"{name}/data/*.parquet")
            assert pq.read_table(file)["id"].to_pylist() == [*range(1, 41)], name
