"""Records of more keys than a table can have columns: each is refused by itself, and no table grows without end."""

import pytest

from conftest import feeding, table_of
from flow.ingest.served import DAY_1, DAY_2, DAY_3, fill, record, served, settings_of
from planlake.sources.records import MOST_KEYS, Shape, read_records

WIDE, GROWING, WIDEST = "wide", "growing", "widest"


def of_keys(identity, count, name="key", value="v"):
    """A record of so many keys in all."""
    return record(identity, **{f"{name} {number}": value for number in range(count - 5)})


@pytest.fixture(scope="module")
def three_runs(tmp_path_factory):
    """A table with records of 20,000 and 100,000 keys, one of keys that differ, and one as wide as may be."""
    data = served([WIDE, GROWING, WIDEST], page_size=4)
    for table in (WIDE, GROWING):
        fill(data, table, 6)
    data.put(WIDE, of_keys(3, 20_000))
    data.put(WIDE, of_keys(5, 100_000, value=7))
    data.put(WIDEST, of_keys(1, MOST_KEYS))
    settings = settings_of([WIDE, GROWING, WIDEST], timeout_seconds=60).replace("timeout_seconds: 2, ", "")
    with feeding(data, tmp_path_factory.mktemp("wide"), settings) as feed:
        runs = [feed.run_at(DAY_1)]
        refused = feed.rows("select reason, length(api_response) > 100000 as is_whole from rejected")
        for identity in range(1, 5):
            data.put(GROWING, of_keys(identity, 1000, name=f"of {identity}") | {"last_updated": "2026-11-17 09:00:00"})
        data.put(WIDE, record(3, "2026-11-17 09:00:00"))
        runs += feed.run_at(DAY_2), feed.run_at(DAY_3, WIDE, is_full=True)
        yield feed, runs, refused


def test_a_record_of_too_many_keys_is_refused_and_its_neighbours_are_there(three_runs):
    feed, runs, refused = three_runs
    assert [table_of(runs[0], name).outcome for name in (WIDE, WIDEST)] == ["loaded", "loaded"]
    assert refused == [{"reason": "more than 2,000 keys", "is_whole": True}] * 2
    assert len(feed.rows(f"select * from {WIDE} limit 1")[0]) < 50


def test_it_is_a_row_once_it_is_mended_and_is_not_taken_for_deleted_before(three_runs):
    feed, runs, _ = three_runs
    assert feed.rows(f"select id::int as id from {WIDE} order by id") == [{"id": one} for one in (1, 2, 3, 4, 6)]
    assert table_of(runs[2], WIDE).ingest.deleted == 0


def test_a_record_just_as_wide_as_may_be_is_a_row(three_runs):
    feed, _, _ = three_runs
    assert feed.rows(f'select "key 0", "key {MOST_KEYS - 6}" from {WIDEST}') == [
        {"key 0": "v", f"key {MOST_KEYS - 6}": "v"}
    ]


def test_keys_that_differ_from_record_to_record_leave_their_table_as_it_was_with_a_clear_sentence(three_runs):
    feed, runs, _ = three_runs
    result = table_of(runs[1], GROWING)
    assert (runs[1].exit_code, result.outcome) == (1, "failed")
    assert result.message.startswith("new keys would make more than 3,000 columns (table=growing, columns=")
    assert feed.rows(f"select count(*)::int as n, count(name)::int as names from {GROWING}") == [{"n": 6, "names": 6}]
    assert feed.rows(f"select count(*)::int as n from api_responses where resource = '{GROWING}'") == [{"n": 10}]


def test_a_shape_learns_no_more_keys_than_a_record_may_have():
    shape = Shape("id")
    for number in range(10):
        body = b'[{"id": "%d", %s}]' % (number, b", ".join(b'"%d-%d": "x"' % (number, one) for one in range(900)))
        read = read_records(body, shape)
        assert (list(read.ids), list(read.regular)) == ([str(number)], [number < 2])
    assert len(shape.keys) <= MOST_KEYS
