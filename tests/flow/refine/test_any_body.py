"""Any body: no run ends badly, no neighbour of an odd record is lost, every value arrives or is accounted for.

What must be held is what plain Python makes of the same bytes. `PLANLAKE_SOAK=1` (`make soak`) makes it 1,000 bodies in
a lake and 20,000 by themselves.
"""

import os
import shutil
from collections import Counter
from datetime import datetime

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from conftest import feeding, table_of
from flow.refine.bodies import GOOD, TYPED, bodies, characters, nested, number, parsed, values, written
from flow.tables import DAY_1, settings_of
from planlake.simulator.dataset import Dataset
from planlake.sources.encoding import in_utf_8
from planlake.sources.records import Shape, read_records, texts_of

IS_SOAK = os.environ.get("PLANLAKE_SOAK", "0") != "0"
TABLES = [f"of_{place}" for place in range(20)]
LAKES, PAGES = (50, 20_000) if IS_SOAK else (2, 300)
PHASES = [Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if "PLANLAKE_SHRINK" in os.environ else [])]
QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": not IS_SOAK}
MAP_IMAGE = "gis_map_image_base64"


def expected(body):
    """The elements of a body; None where it is no page."""
    if characters(body).strip(" \t\n\r\x0b\x0c") in ("", "null"):
        return []
    try:
        return parsed(body)
    except ValueError:
        return None


def sent(record):
    """What the values of a record must be, by key."""
    return {key: value for key, value in values(record).items() if key != MAP_IMAGE and value is not None}


def is_same(text, value):
    """Whether a text says the same as a value that was sent: itself, or as JSON where it is nested."""
    return nested(text) == value if isinstance(value, dict | list) else text == value


# ---------------------------------------------------------------- a page by itself


@settings(max_examples=PAGES, **QUIET)
@given(body=bodies, is_learnt=st.booleans())
@example(body=written(list(GOOD)).replace(b"\xc2\xa3", b"\xa3"), is_learnt=True)
def test_every_value_of_a_page_is_what_plain_python_makes_of_it(body, is_learnt):
    shape = Shape("id", (MAP_IMAGE,))
    if is_learnt:
        read_records(written(list(GOOD)), shape)
    text, encoding = in_utf_8(body, {})
    try:
        found = read_records(text, shape, encoding)
    except ValueError:
        assert expected(body) is None
        return
    page = expected(body)
    assert page is not None
    assert len(found) == len(page)
    for text, element in zip(found.texts.to_pylist(), page, strict=True):
        held = texts_of(text)
        if held is None:
            assert not is_object(element)
            continue
        there = {key: value for key, value in held.items() if value is not None}
        assert there.keys() == sent(element).keys()
        assert all(is_same(there[key], value) for key, value in sent(element).items())


def is_object(element):
    return type(element).__name__ == "Pairs"


# ---------------------------------------------------------------- a lake


class Serving(Dataset):
    """A data set that serves one body for each resource, whatever that is."""

    def __init__(self):
        super().__init__({name: {} for name in TABLES}, now=datetime.fromisoformat(DAY_1))
        self.bodies = {}

    def page(self, resource, filters, page_number):
        body = self.bodies[resource]
        is_asked = page_number == 1 and not filters
        return (len(expected(body) or GOOD), body) if is_asked and body else (0, b"")


@pytest.fixture(scope="module")
def feed(tmp_path_factory):
    with feeding(
        Serving(), tmp_path_factory.mktemp("bodies"), settings_of([str(place) for place in range(len(TABLES))])
    ) as made:
        yield made


@settings(max_examples=LAKES, phases=PHASES, **QUIET)
@given(served=st.lists(bodies, min_size=len(TABLES), max_size=len(TABLES)))
def test_whatever_an_api_sends_its_good_records_are_held_and_all_others_accounted_for(feed, served):
    shutil.rmtree(feed.config.folder / "lake", ignore_errors=True)
    feed.close()
    feed.data.bodies = dict(zip(TABLES, served, strict=True))
    result = feed.run_at(DAY_1, *TABLES, accepts_gaps=True)
    assert result.exit_code in (0, 1)
    for table, body in feed.data.bodies.items():
        assert table_of(result, table).outcome != "failed", (body, table_of(result, table).message)
        check(feed, table, body)


def check(feed, table, body):
    page = expected(body)
    ledger = feed.rows(f"select error, total_results from api_requests where resource = '{table}' and event = 'page'")
    if page is None:
        assert all(row["error"] for row in ledger), body
        return
    assert not ledger[-1]["error"], body
    if not page:
        return
    assert (ledger[-1]["total_results"] is None) == any(not is_object(one) for one in page), body
    records = [sent(one) if is_object(one) else None for one in page]
    ids = Counter(number((record or {}).get("id")) for record in records)
    held = {row["id"]: row for row in feed.rows(f"select * from {table}")}
    assert held.keys() == ids.keys() - {None}, body
    rejected = {str(records[row["position"]]) for row in findings(feed, table, "position", "rejected")}
    assert rejected == {str(one) for one in records if number((one or {}).get("id")) is None}, body
    bad = {(row["position"], row["column"]) for row in findings(feed, table, 'position, "column"', "uncastable")}
    for place, record in enumerate(records):
        identity = number((record or {}).get("id"))
        if identity is not None and ids[identity] == 1:
            check_row(record, held[identity], bad, place)


def findings(feed, table, columns, name):
    return feed.rows(f"select {columns} from {name} where resource = '{table}'")


def check_row(record, row, bad, place):
    """Every value stands in its column, or in another where its key is none; what did not cast is told."""
    for key, value in record.items():
        if key in TYPED:
            is_told = (place, key) in bad
            assert (row[key] is not None) != is_told or value == "", (key, value, row)
        elif key in row:
            assert row[key] == value or any(one_is(value, cell) for cell in row.values()), (key, value, row)
        else:
            assert any(one_is(value, cell) for cell in row.values()), (key, value, row)


def one_is(value, cell):
    """Whether a cell holds a value that was sent."""
    if not isinstance(cell, str):
        return False
    try:
        return is_same(cell, value)
    except ValueError:
        return False
