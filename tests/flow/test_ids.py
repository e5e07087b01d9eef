"""Ids as they come: any number of the key's type, any text; each is told apart, found again and asked for as it is."""

import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType

from conftest import feeding, table_of
from flow.tables import DAY_1, DAY_2, DAY_3
from histories import TEXTS, Shown
from planlake.flow.snapshot.ranges import spec_of
from planlake.sources.catalogue import Resource
from report.showing import Showing

NUMBERS = ("-5", "+8", "007", "0", "300", "250001", "2000000001")
LONGS = (*NUMBERS, "-9223372036854775808", "9223372036854775807")
FAR_APART = tuple(str(number * 1_000_003) for number in range(40))  # each in a range of its own
KEYS = {
    "numbers": ("integer", NUMBERS),
    "longs": ("long", LONGS),
    "texts": ("text", TEXTS),
    "far_apart": ("long", FAR_APART),
}
SETTINGS = "settings: {deletion_limit_percent: 100, dropped_rows_percent: 100}\n"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A table of each kind of key, read whole each time and once already."""
    declared = "".join(f'  {name}: {{changed: "", columns: {{id: {kind}}}}}\n' for name, (kind, _) in KEYS.items())
    settings = f"source: tascomi\nresources:\n{declared}tables: {{daily: [{', '.join(KEYS)}]}}\n{SETTINGS}"
    with feeding(Showing(KEYS, page_size=50), tmp_path_factory.mktemp("loaded"), settings) as made:
        made.data.shown = {name: Shown(name, changed="", ids=ids) for name, (_, ids) in KEYS.items()}
        for shown in made.data.shown.values():
            for number in range(len(shown.ids)):
                shown.put(number, 1, "")
        assert made.run_at(DAY_1).exit_code == 0
        yield made, made.remembered()


@pytest.mark.parametrize("columns", [1, 40, 41, 766, 767, 9000])
def test_ranges_of_ids_end_where_the_type_of_the_key_ends(columns):
    fields = [NestedField(number, f"text_{number}", StringType()) for number in range(2, columns + 1)]
    schema = Schema(NestedField(1, "id", LongType(), required=False), *fields)
    width = spec_of(Resource("things", {"id": "long"}), schema).fields[0].transform.width
    assert 2**63 % width == 0


@pytest.mark.parametrize("cells", [1, 300, 10**9], ids=["one at a time", "some at a time", "all at once"])
def test_of_many_ranges_those_that_changed_are_written_anew_and_no_other(feed, monkeypatch, cells):
    monkeypatch.setattr("planlake.flow.snapshot.ranges.UNIT_CELLS", cells)

    def files():
        return [*feed.config.folder.rglob("current_far_apart/data/*.parquet")]

    shown, before = feed.data.shown["far_apart"], len(files())
    for number in range(0, 40, 2):
        shown.put(number, 2, "")
    for number in (1, 3):
        shown.delete(number, 0, "")
    result = table_of(feed.run_at(DAY_2), "far_apart")
    assert (before, result.snapshot.changed, result.snapshot.ranges_written, len(files())) == (40, 22, 22, 62)
    held = {str(row["id"]): row["name"] for row in feed.rows("select id, name from far_apart")}
    assert held == {record["id"]: record["name"] for record in shown.records({})}


def live(feed, name):
    return {str(row["id"]) for row in feed.rows(f"select id from {name}")}


@pytest.mark.parametrize("name", KEYS)
def test_a_record_that_stays_as_it_is_is_not_stored_again_whatever_its_id(feed, name):
    kind, ids = KEYS[name]
    assert live(feed, name) == {identity if kind == "text" else str(int(identity)) for identity in ids}
    assert table_of(feed.run_at(DAY_2), name).ingest.stored == 0


@pytest.mark.parametrize("name", KEYS)
def test_a_record_equal_to_the_one_that_won_over_another_is_not_stored_again_whatever_its_id(feed, name):
    shown = feed.data.shown[name]
    for number in range(len(shown.ids)):
        shown.contradict(number, 1, "")
    assert table_of(feed.run_at(DAY_2), name).ingest.stored == 2 * len(shown.ids)
    for number in range(len(shown.ids)):
        shown.places[number, 0] = shown.places[number, 1]
        shown.stop_repeating(number, 0, "")
    assert table_of(feed.run_at(DAY_3), name).ingest.stored == 0


def test_a_text_that_differs_from_another_in_leading_zeros_only_is_an_id_of_its_own(feed):
    shown = feed.data.shown["texts"]
    for identity in ("7", "+7"):
        del shown.places[TEXTS.index(identity), 0]
    result = table_of(feed.run_at(DAY_2), "texts")
    assert (result.ingest.deleted, result.ingest.repeated) == (2, 0)
    assert live(feed, "texts") == set(TEXTS) - {"7", "+7"}


def test_a_record_that_only_the_list_does_not_show_is_asked_for_by_its_very_id(feed):
    shown = feed.data.shown["texts"]
    everything = shown.records

    def records(filters):
        return everything(filters) if "id" in filters else everything(filters)[:1]

    shown.records = records
    feed.simulator.requests.clear()
    result = table_of(feed.run_at(DAY_2), "texts")
    asked = {request.query["id"] for request in feed.simulator.requests if "id" in request.query}
    assert asked == set(TEXTS) - {TEXTS[0]}
    assert result.ingest.deleted == 0
    assert live(feed, "texts") == set(TEXTS)
