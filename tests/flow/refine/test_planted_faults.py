"""Faults planted among 2,500 wide records: each is found, kept and counted, and nothing else is.

`PLANLAKE_SOAK=1` (`make soak`) makes it twenty thousand, the same faults farther apart.
"""

import json
import os
from datetime import datetime

import pytest

from conftest import feeding, table_of
from flow.tables import DAY_1, DAY_2, put, settings_of, thing
from planlake.engines.duckdb.connection import connected
from planlake.flow.refine.store_findings import StoredResource, findings
from planlake.lake.open_lake import open_lake
from planlake.simulator.dataset import Dataset
from planlake.sources.catalogue import load_catalogue

IS_SOAK = os.environ.get("PLANLAKE_SOAK", "0") != "0"
RECORDS, CONTRADICTING = 20_000 if IS_SOAK else 2_500, 10
APART = (397, 983, 1501) if IS_SOAK else (47, 113, 181)  # cells that do not cast, elements, contradictions
FIRST = 60_001  # the id at the first place
COLUMNS = load_catalogue("tascomi").resources["applications"].columns
CELLS = {
    "integer": "12",
    "long": "533001",
    "float": "302.25",
    "double": "7.5",
    "boolean": "f",
    "timestamp": "2024-05-06 00:00:00",
    "text": "Two storey side extension &amp; loft",
}
BAD_CELLS = {
    "integer": ("12.7", "n/a", "2147483648", "1,000"),
    "long": ("12.7", "9223372036854775808"),
    "float": ("approx. 2", "302,219"),
    "double": ("1.5d", "NaN"),
    "boolean": ("yes", "truex"),
    "timestamp": ("0000-00-00 00:00:00", "2023-02-29", "01/02/2024", "12:30"),
}
EARLY, LATE, BAD_DATE = "2026-11-15 09:00:00", "2026-11-16 10:00:00", "2026-11-16 25:00:00"
# The dates of two records of one id, in the order of their pages, and which of them wins: rule 3.
PAIRS = (
    ((EARLY, LATE), 1),
    ((LATE, EARLY), 0),
    ((None, EARLY), 1),
    ((EARLY, None), 0),
    ((EARLY, EARLY), 1),
    ((None, None), 1),
)


def wide_texts():
    """A few records of all columns, one cell in eight filled, with a place for the id."""
    keys = [name for name in COLUMNS if name not in ("id", "last_updated")]
    for start in range(8):
        cells = dict.fromkeys(keys)
        for name in ("application_reference_number", *keys[start::8]):
            cells[name] = CELLS[COLUMNS[name]]
        yield json.dumps({"id": "@", "last_updated": EARLY, **cells}).encode()


def bad_cells():
    """Fifty cells that do not cast: place, column, value and type wanted, no two in one record or column."""
    columns = [
        (name, kind) for name, kind in COLUMNS.items() if kind in BAD_CELLS and name not in ("id", "last_updated")
    ]
    chosen = columns[:: len(columns) // 50][:50]
    for number, (name, kind) in enumerate(chosen):
        yield 31 + APART[0] * number, name, BAD_CELLS[kind][number % len(BAD_CELLS[kind])], kind


def malformed():
    """Twenty elements that are no usable records, by place, each with the reason it is refused for."""
    kinds = (
        (b"%d", "not a JSON object"),
        (b'"text %d"', "not a JSON object"),
        (b'["id", %d]', "not a JSON object"),
        (b'{"application_reference_number": "%d"}', "no id"),
        (b'{"id": null, "ward": "%d"}', "no id"),
    )
    return {17 + APART[1] * number: (kinds[number % 5][0] % number, kinds[number % 5][1]) for number in range(20)}


def contradictions():
    """Ten ids that come a second time with other contents, half of them on the same page: two places, two records."""
    for number in range(CONTRADICTING):
        first, second = 203 + APART[2] * number, 203 + APART[2] * number + (1 if number % 2 else 151)
        dates, winner = PAIRS[number % len(PAIRS)]
        records = [
            {"id": str(FIRST + first), "last_updated": date, "application_reference_number": f"{number}/{place}"}
            for place, date in enumerate(dates)
        ]
        yield (first, second), records, winner


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A lake that has read the records once; pages that hold no records were accepted as gaps."""
    data = Dataset({"applications": dict(COLUMNS)}, now=datetime.fromisoformat(DAY_1))
    texts = list(wide_texts())
    bodies = [texts[place % 8].replace(b'"@"', b'"%d"' % (FIRST + place), 1) for place in range(RECORDS)]
    for place, column, value, _ in bad_cells():
        bodies[place] = json.dumps(json.loads(bodies[place]) | {column: value}).encode()
    for place, (body, _) in malformed().items():
        bodies[place] = body
    for places, records, _ in contradictions():
        for place, record in zip(places, records, strict=True):
            bodies[place] = json.dumps(json.loads(bodies[place]) | record).encode()
    for place, body in enumerate(bodies):
        data.put("applications", {"id": str(place), "last_updated": EARLY}, body=body)
    settings = "source: tascomi\ntables: {daily: [applications]}\n"
    with feeding(data, tmp_path_factory.mktemp("planted"), settings) as feed:
        yield feed, table_of(feed.run_at(DAY_1, accepts_gaps=True), "applications")


pytestmark = pytest.mark.slow


def test_every_id_is_shown_once(planted):
    feed, result = planted
    assert result.outcome == "loaded", result.message
    shown = RECORDS - 20 - CONTRADICTING
    assert result.snapshot.rows == shown
    for table in ("current_applications", "applications"):
        assert feed.rows(f"select count(*) as n, count(distinct id) as ids from {table}") == [
            {"n": shown, "ids": shown}
        ]


def test_ids_that_come_twice_are_counted_and_records_without_one_are_none_of_them(planted):
    _, result = planted
    assert result.ingest.repeated == CONTRADICTING
    assert (result.refine.uncastable, result.refine.rejected) == (50, 20)


def test_every_record_is_stored_once(planted):
    feed, result = planted
    assert (result.ingest.stored, result.refine.rows) == (RECORDS, RECORDS - 20)
    for table, count in {"api_responses": RECORDS, "increment_applications": RECORDS - 20}.items():
        assert feed.rows(f"select count(*) as n from {table}") == [{"n": count}], table


def test_every_cell_that_does_not_cast_is_null_and_reported_and_no_other_is(planted):
    feed, _ = planted
    found = feed.rows('select id, "column", raw_value, wanted_type from uncastable order by id::int')
    cells = list(bad_cells())
    assert [tuple(row.values()) for row in found] == [
        (str(FIRST + place), column, value, kind) for place, column, value, kind in cells
    ]
    filled = " + ".join(f'("{column}" is not null and id = {FIRST + place})::int' for place, column, _, _ in cells)
    places = ", ".join(str(FIRST + place) for place, *_ in cells)
    query = f"select count(*) as n, sum({filled}) as filled from applications where id in ({places})"
    assert feed.rows(query) == [{"n": 50, "filled": 0}]


def test_every_malformed_record_is_kept_with_its_bytes_and_reason_and_no_other_is_rejected(planted):
    feed, _ = planted
    place = '(page_number - 1) * 50 + "position"'
    found = feed.rows(f"select {place} as place, reason, api_response as shown from rejected order by place")
    told = [(place, reason, len(body)) for place, (body, reason) in malformed().items()]
    shown = [(place, reason, f"[personal, {length} characters]") for place, reason, length in told]
    assert [tuple(row.values()) for row in found] == shown
    kept = f"""select {place} as place, api_response from rejected
        join (select request_id, "position", api_response from api_responses) as raw using (request_id, "position")
        order by place"""
    kept = kept.replace("api_response from rejected", "raw.api_response from rejected")
    assert [tuple(row.values()) for row in feed.rows(kept)] == [
        (one, body.decode()) for one, (body, _) in malformed().items()
    ]


def test_duckdb_is_not_asked_for_findings_of_a_table_that_has_none(planted):
    lake = open_lake(planted[0].config)
    no_connection = StoredResource(lake, None, "fees")
    assert [len(findings(no_connection, name, "*")) for name in ("uncastable", "rejected")] == [0, 0]
    with connected(100) as connection:
        stored = StoredResource(lake, connection, "applications")
        assert len(findings(stored, "rejected", "*")) == len(malformed())


def test_of_contradicting_records_both_are_kept_and_rule_3_says_which_is_shown(planted):
    feed, _ = planted
    versions = feed.rows("""select distinct id, application_reference_number as said from increment_applications
        where id in (select id from increment_applications group by id having count(*) > 1) order by id, said""")
    pairs = list(contradictions())
    assert [tuple(row.values()) for row in versions] == [
        (int(one["id"]), one["application_reference_number"]) for _, records, _ in pairs for one in records
    ]
    shown = feed.rows(f"""select id, application_reference_number as said from applications
        where id in ({", ".join(records[0]["id"] for _, records, _ in pairs)}) order by id""")
    assert [tuple(row.values()) for row in shown] == [
        (int(records[0]["id"]), records[winner]["application_reference_number"]) for _, records, winner in pairs
    ]


def test_records_with_no_fault_are_as_they_were(planted):
    feed, _ = planted
    places = {place for place, *_ in bad_cells()} | malformed().keys()
    places |= {place for both, *_ in contradictions() for place in both}
    query = "select id from applications"
    assert len(places) == 50 + 20 + 2 * CONTRADICTING
    held = {row["id"] - FIRST for row in feed.rows(query)}
    assert set(range(RECORDS)) - places <= held


# ---------------------------------------------------------------- what the user sees


@pytest.mark.parametrize("element", [b"17", b'"text"', b"null", b'["id", 2]'])
def test_a_first_load_with_an_element_that_is_no_record_stays_open_until_gaps_are_accepted(tmp_path, element):
    data = Dataset({"things": {}}, now=datetime.fromisoformat(DAY_1), page_size=2)
    with feeding(data, tmp_path, settings_of(["things"])) as feed:
        for place, record in enumerate((thing(1, "a"), thing(2, "b"), element, thing(4, "d")), start=1):
            put(feed, place, record)
        first = feed.run_at(DAY_1)
        assert (first.exit_code, table_of(first, "things").outcome) == (1, "open")
        assert "page 2: holds something that is no record" in table_of(first, "things").message
        second = feed.run_at(DAY_2, accepts_gaps=True)
        assert (second.exit_code, table_of(second, "things").outcome) == (1, "loaded")
        assert [row["id"] for row in feed.rows("select id from things order by id")] == [1, 2, 4]
        gaps = feed.rows("""select "window", page, reason from gaps""")
        assert gaps == [{"window": "full", "page": 2, "reason": "holds something that is no record"}]
        assert feed.rows("select count(*) as n from rejected") == [{"n": 1}]
