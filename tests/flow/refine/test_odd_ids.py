"""Ids as no catalogue foresees them: told apart as their type writes them, wherever they are compared."""

import shlex
from contextlib import contextmanager
from datetime import datetime

import pytest

from commands import typed_in_process
from conftest import feeding, table_of
from flow.tables import DAY_1, DAY_2, named, names, put, settings_of, table_name, thing, troubles
from planlake.changes.forget import forget
from planlake.runs.reconcile import reconcile
from planlake.simulator.dataset import Dataset

DIGITS = b"9" * 5001
# The id as JSON has it, and as an integer key holds it; None where it cannot.
WRITTEN = {
    "two signs": (b'"++8"', None),
    "a minus before a plus": (b'"-+8"', None),
    "5,001 digits": (b'"%s"' % DIGITS, None),
    "5,001 digits and no quotes": (DIGITS, None),
    "5,001 zeros before it": (b'"%s7"' % (b"0" * 5001), None),
    "a plus and full-width digits": ('"+\uff17"'.encode(), None),
    "full-width digits": ('"\uff17"'.encode(), None),
    "an exponent": (b'"1e3"', None),
    "an exponent and no quotes": (b"1e3", None),
    "a decimal point": (b'"1.0"', None),
    "a decimal point and no quotes": (b"1.0", None),
    "blanks around it": (b'" 7 "', None),
    "a hexadecimal number": (b'"0x7"', None),
    "a number beyond the type": (b'"2147483648"', None),
    "true": (b"true", None),
    "an object": (b'{"a":7}', None),
    "null": (b"null", None),
    "leading zeros": (b'"007"', 7),
    "leading zeros and a minus": (b'"-007"', -7),
    "a plus": (b'"+7"', 7),
    "a minus and zero": (b'"-0"', 0),
    "a minus and zero and no quotes": (b"-0", 0),
    "no quotes": (b"7", 7),
}


@contextmanager
def served_by(folder, cases):
    data = Dataset({table_name(name): {"id": "integer"} for name in cases}, now=datetime.fromisoformat(DAY_1))
    with feeding(data, folder, settings_of(cases)) as feed:
        for name, (written, _) in cases.items():
            put(feed, 1, thing(1, "first"), resource=table_name(name))
            put(feed, 2, b'{"id":%s,"name":"odd"}' % written, resource=table_name(name))
            put(feed, 3, thing(3, "last"), resource=table_name(name))
        yield feed


@pytest.fixture(scope="module")
def read_twice(tmp_path_factory):
    """A table for each way to write an id, read in full on two days, and compared with the API."""
    with served_by(tmp_path_factory.mktemp("ids"), WRITTEN) as feed:
        tables = [*map(table_name, WRITTEN)]
        first, second = feed.run_at(DAY_1), feed.run_at(DAY_2, *tables, is_full=True)
        yield feed, first, second, {one.table: one for one in reconcile(feed.config, tables, is_deep=True)}


@named(WRITTEN)
def test_an_id_stops_no_neighbour_and_is_held_or_refused_written_with(read_twice, name):
    feed, first, second, _ = read_twice
    table, (_, held) = table_name(name), WRITTEN[name]
    assert not troubles(first, table) + troubles(second, table)
    odd = {} if held is None else {held: "odd"}
    assert names(feed, table) == {1: "first", 3: "last"} | odd
    refused = feed.rows(f"select position from rejected where resource = '{table}'")
    assert refused == ([{"position": 1}] if held is None else [])


@named(WRITTEN)
def test_a_full_reading_of_what_stayed_as_it_is_brings_nothing_written_with(read_twice, name):
    _, _, second, _ = read_twice
    ingest = table_of(second, table_name(name)).ingest
    assert (ingest.stored, ingest.deleted, ingest.repeated) == (0, 0, 0)


@named(WRITTEN)
def test_a_sweep_finds_only_what_is_so_written_with(read_twice, name):
    _, _, _, found = read_twice
    one, is_refused = found[table_name(name)], WRITTEN[name][1] is None
    assert (one.missing, one.extra, one.changed, one.refused) == ((), (), (), int(is_refused))
    assert (one.is_equal, one.error) == (not is_refused, "")


FORGOTTEN = ("5,001 digits", "leading zeros", "a minus and zero", "full-width digits")


def test_a_record_is_forgotten_by_its_id_however_that_is_written(tmp_path):
    with served_by(tmp_path, {name: WRITTEN[name] for name in FORGOTTEN}) as feed:
        feed.run_at(DAY_1)
        for name in FORGOTTEN:
            forget(feed.config, table_name(name), WRITTEN[name][0].decode().strip('"'), confirm=lambda _: True)
            left = feed.rows(f"select api_response from api_responses where resource = '{table_name(name)}'")
            assert not [row for row in left if "odd" in row["api_response"]]
        assert not feed.rows("select id from rejected")


def test_ids_of_a_run_that_was_killed_are_those_the_table_would_hold(tmp_path, monkeypatch):
    case = {"an exponent": (b'"1e3"', None)}
    with served_by(tmp_path, case) as feed:
        with monkeypatch.context() as killing, pytest.raises(KeyboardInterrupt):
            killing.setattr("planlake.runs.table_run.refine", interrupted)
            feed.run_at(DAY_1)
        feed.data.delete("of_an_exponent", 3)
        ingest = table_of(feed.run_at(DAY_2, "of_an_exponent", is_full=True), "of_an_exponent").ingest
        assert (ingest.deleted, names(feed, "of_an_exponent")) == (1, {1: "first"})


def interrupted(*_, **__):
    raise KeyboardInterrupt


# ---------------------------------------------------------------- what reconcile says of it


@pytest.fixture
def typed(monkeypatch, capfd):
    return lambda *arguments: typed_in_process(monkeypatch, capfd, arguments)


def test_records_that_cannot_become_rows_are_told_and_not_repaired_for_ever(tmp_path, typed):
    with served_by(tmp_path, {"null": WRITTEN["null"]}) as feed:
        feed.run_at(DAY_1)
        options = ("--config", tmp_path / "planlake.yaml")
        feed.simulator.requests.clear()
        said = typed("reconcile", "--deep", "--repair", *options)
        assert (said.status, len(feed.simulator.requests)) == (1, 1)
        assert "1 without a usable id" in said.out
        (hint,) = [line for line in said.err.splitlines() if line.startswith("hint: planlake sql ")]
        found = typed(*shlex.split(hint.removeprefix("hint: planlake ")))
        assert (found.status, "no id" in found.out) == (0, True)


def test_a_repair_ends_well_only_where_the_table_then_equals_the_api(tmp_path, typed):
    with served_by(tmp_path, {"no quotes": WRITTEN["no quotes"], "null": WRITTEN["null"]}) as feed:
        feed.run_at(DAY_1)
        options = ("--config", tmp_path / "planlake.yaml")
        for table in ("of_no_quotes", "of_null"):
            put(feed, 9, thing(9, "back-dated", "2001-01-01 00:00:00"), resource=table)
        said = typed("reconcile", "of_no_quotes", "--deep", "--repair", *options)
        assert (said.status, "x missing 9" in said.out, "= equal" in said.out) == (0, True, True)
        said = typed("reconcile", "of_null", "--deep", "--repair", *options)
        assert (said.status, names(feed, "of_null")[9]) == (1, "back-dated")
        assert "1 of 1 tables differ from the API" in said.err


def test_a_repair_that_lands_nothing_says_so_with_its_exit_status(tmp_path, typed):
    with served_by(tmp_path, {"no quotes": WRITTEN["no quotes"]}) as feed:
        feed.run_at(DAY_1)
        for identity in (1, 2):
            feed.data.delete("of_no_quotes", identity)  # more deletions than are believed at once
        said = typed("reconcile", "--deep", "--repair", "--config", tmp_path / "planlake.yaml")
        assert said.status == 1
        assert "1 of 1 tables differ from the API" in said.err
