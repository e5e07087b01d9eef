"""Records no catalogue foresees: no run fails, no table stays behind, every value is kept where it can be found."""

from datetime import datetime

import pytest

from conftest import feeding, table_of
from flow.tables import DAY_1, DAY_2, named, names, put, settings_of, table_name, thing, troubles
from planlake.simulator.dataset import Dataset

PLAIN, LAST = thing(1, "plain", colour="red"), thing(3, "last")

DEEP = b'[{"a":' * 1000 + b'"x"' + b"}]" * 1000

# What is served; the values that must stand in the row of id 2, whatever their columns are called.
KEPT = {
    "keys that differ only in case": (b'{"id":"2","Note":"upper","note":"lower"}', {"upper", "lower"}),
    "a key that differs in case from a declared one": (b'{"id":"2","Amount":"much"}', {"much"}),
    "a key that differs in case from another record's": (b'{"id":"2","COLOUR":"blue"}', {"blue"}),
    "a key that differs in case from the id": (b'{"id":"2","ID":"other"}', {"other"}),
    "a key of Planlake's own": (
        b'{"id":"2","batch":"mine","is_deleted":"yes","import_date":"never"}',
        {"mine", "yes", "never"},
    ),
    "a key of Planlake's own beside a numbered one": (b'{"id":"2","batch":"mine","batch_2":"too"}', {"mine", "too"}),
    "names used inside": (b'{"id":"2","api_response":"r","parsed":"p","row":"w","won":"g"}', set("rpwg")),
    "the name of a partition": (b'{"id":"2","id_range":"g"}', {"g"}),
    "a key with a dot": (b'{"id":"2","a b-c.":"dotted"}', {"dotted"}),
    "names used inside beside a number": (b'{"id":"2","api_response":"r","record_hash":"h","n":1}', {"r", "h", "1"}),
    "a key with a quote": (rb'{"id":"2","say \"x\"":"quoted"}', {"quoted"}),
    "a key with a single quote": (b'{"id":"2","officer\'s":"quoted"}', {"quoted"}),
    "a key with a backslash": (rb'{"id":"2","a\\b":"slashed"}', {"slashed"}),
    "a key with a line break": (rb'{"id":"2","a\nb":"broken"}', {"broken"}),
    "an empty key": (b'{"id":"2","":"nameless"}', {"nameless"}),
    "a key of one blank": (b'{"id":"2"," ":"blank"}', {"blank"}),
    "a key beyond the basic plane": ('{"id":"2","\U0001f333":"tree"}'.encode(), {"tree"}),
    "a key said twice": (b'{"id":"2","name":"first","name":"last"}', {"last"}),
    "a key said twice and another left out": (b'{"id":"2","colour":"first","colour":"last"}', {"last"}),
    "names the views add": (
        b'{"id":"2","snapshot_date":"mine","valid_from":"always","valid_to":"never"}',
        {"mine", "always", "never"},
    ),
    "a bare number": (b'{"id":2,"name":1.50,"extra":1e3}', {"1.50", "1e3"}),
    "a number longer than any type": (
        b'{"id":"2","name":123456789012345678901234567890}',
        {"123456789012345678901234567890"},
    ),
    "bare booleans": (b'{"id":"2","name":true,"flag":false}', {"true", False}),
    "a nested object": (b'{"id":"2","name":{"a":1.50,"b":["x",null]}}', {'{"a":1.50,"b":["x",null]}'}),
    "a nested array": (b'{"id":"2","name":[1, 2.0, "x"]}', {'[1, 2.0, "x"]'}),
    "a lone surrogate": (rb'{"id":"2","name":"a\ud800b"}', {"a\ufffdb"}),
    "lone surrogates in keys": (
        rb'{"id":"2","x\ud800":"half","x\ud801":"other half","x\ufffd":"none"}',
        {"half", "other half", "none"},
    ),
    "a surrogate pair": (rb'{"id":"2","name":"\ud83c\udf33"}', {"\U0001f333"}),
    "a NUL": (rb'{"id":"2","name":"a\u0000b"}', {"a\0b"}),
    "a NUL in a key": (rb'{"id":"2","a\u0000b":"zero"}', {"zero"}),
    "an escaped backslash before u0000": (rb'{"id":"2","name":"a\\u0000b"}', {r"a\u0000b"}),
    "bytes that are no UTF-8": (b'{"id":"2","name":"caf\xe9"}', {"caf\xe9"}),
    "escapes that need none": (rb'{"id":"2","name":"a\/b\u0041","colour":"\u00e9"}', {"a/bA", "é"}),
    "the map image first": (b'{"gis_map_image_base64":"QUJD","id":"2","name":"x"}', {"x"}),
    "the map image last": (b'{"id":"2","name":"x","gis_map_image_base64":"QUJD"}', {"x"}),
    "the map image in a text": (
        rb'{"id":"2","name":",\"gis_map_image_base64\":\"x\""}',
        {',"gis_map_image_base64":"x"'},
    ),
    "a map image that is an object": (b'{"id":"2","name":"x","gis_map_image_base64":{"a":[1]}}', {"x"}),
    "a map image that is an array": (b'{"gis_map_image_base64":["QUJD",1],"id":"2","name":"x"}', {"x"}),
    "a map image that is a number": (b'{"id":"2","gis_map_image_base64":1e9,"name":"x"}', {"x"}),
    "a map image spelt with escapes": (rb'{"id":"2","\u0067is_map_image_base64":"QUJD","name":"x"}', {"x"}),
    "a map image said twice": (
        b'{"gis_map_image_base64":"QUJD","id":"2","name":"x","gis_map_image_base64":"QUJD"}',
        {"x"},
    ),
    "a map image and a number": (b'{"id":2,"name":"x","gis_map_image_base64":"QUJD"}', {"x"}),
    "a map image and a lone surrogate": (rb'{"id":"2","gis_map_image_base64":"QUJD","name":"\ud800x"}', {"\ufffdx"}),
    "a map image and blanks": (b'{ "id" : "2" , "gis_map_image_base64" : { "a" : "QUJD" } , "name" : "x" }', {"x"}),
    "nothing but a map image and the id": (b'{"gis_map_image_base64":"QUJD","id":"2"}', {2}),
    "a map image within a value before it": (
        b'{"id":"2","name":{"gis_map_image_base64":"inner"},"gis_map_image_base64":"QUJD"}',
        {'{"gis_map_image_base64":"inner"}'},
    ),
    "a map image within a value behind it": (
        b'{"gis_map_image_base64":"QUJD","id":"2","name":[{"a":1,"gis_map_image_base64":null}]}',
        {'[{"a":1,"gis_map_image_base64":null}]'},
    ),
    "a map image within a value alone": (
        b'{"id":"2","name":{"a":"b","gis_map_image_base64":"inner"}}',
        {'{"a":"b","gis_map_image_base64":"inner"}'},
    ),
    "the map image's name in a list before it": (
        b'{"id":"2","name":["x","gis_map_image_base64"],"gis_map_image_base64":"QUJD"}',
        {'["x","gis_map_image_base64"]'},
    ),
    "the map image's name as a value": (
        b'{"name":"gis_map_image_base64","gis_map_image_base64":"QUJD","id":"2"}',
        {"gis_map_image_base64"},
    ),
    "a key that differs in case from the map image": (b'{"id":"2","GIS_map_image_base64":"other"}', {"other"}),
    "2,000 levels in a text": (b'{"id":"2","name":%s}' % DEEP, {DEEP.decode()}),
    "2,000 levels under a key nobody declared": (b'{"id":"2","name":"x","more":%s}' % DEEP, {"x", DEEP.decode()}),
    "100,000 levels": (b'{"id":"2","name":%s1%s}' % (b"[" * 10**5, b"]" * 10**5), {"[" * 10**5 + "1" + "]" * 10**5}),
    "2,000 levels beside a map image": (
        b'{"id":"2","name":%s,"gis_map_image_base64":"QUJD"}' % DEEP,
        {DEEP.decode()},
    ),
    "5,000 digits in a text": (b'{"id":"2","name":%s}' % (b"7" * 5000), {"7" * 5000}),
    "5,000 digits under a key nobody declared": (b'{"id":"2","name":"x","more":-%s.5}' % (b"7" * 5000), {"x"}),
    "5,000 digits in an object": (b'{"id":"2","name":{"a":%s}}' % (b"7" * 5000), {'{"a":%s}' % ("7" * 5000)}),
    "an id said twice": (b'{"id":"5","name":"x","id":"2"}', {2, "x"}),
    "an id said twice, once in escapes": (rb'{"id":"5","name":"x","\u0069d":"2"}', {2, "x"}),
    "a key said twice, once with a number": (b'{"id":"2","name":7,"name":"x"}', {"x"}),
    "no number and no text": (b'{"id":"2","name":NaN}', {"NaN"}),
    "blanks between everything": (b' { "id" : "2" , "name" : "x" } ', {"x"}),
    "no value but the id": (b'{"id":"2"}', {2}),
    "empty texts": (b'{"id":"2","name":"","amount":"","flag":"","at":"","whole":""}', {""}),
}


def odd_lake(folder, cases, **accepting):
    """A lake with a table for each case: the odd record among others on the first day, read again on the second."""
    data = Dataset({table_name(name): {"id": "integer"} for name in cases}, now=datetime.fromisoformat(DAY_1))
    with feeding(data, folder, settings_of(cases)) as feed:
        for name, (body, *_) in cases.items():
            for place, record in enumerate((PLAIN, body, LAST), start=1):
                put(feed, place, record, resource=table_name(name))
        first = feed.run_at(DAY_1, **accepting)
        for name in cases:
            put(feed, 4, thing(4, "new", "2026-11-17 12:00:00", shade="dark"), resource=table_name(name))
        return feed, first, feed.run_at(DAY_2, *map(table_name, cases), is_full=True, **accepting)


RAW_VIEWS = (
    "keys that differ only in case",
    "a key of Planlake's own",
    "names used inside beside a number",
    "a key with a quote",
    "an empty key",
    "a bare number",
    "a nested object",
    "a lone surrogate",
    "lone surrogates in keys",
    "bytes that are no UTF-8",
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return odd_lake(tmp_path_factory.mktemp("kept"), KEPT)


@named(KEPT)
def test_a_record_is_kept_with_every_value_with(kept, name):
    feed, first, second = kept
    table, (_, values) = table_name(name), KEPT[name]
    assert not troubles(first, table) + troubles(second, table)
    assert table_of(second, table).ingest.stored == 1
    rows = {row["id"]: row for row in feed.rows(f"select * from {table}")}
    assert rows.keys() == {1, 2, 3, 4}
    assert (rows[1]["colour"], rows[2]["batch"], rows[4]["shade"]) == ("red", 1, "dark")
    assert values <= set(rows[2].values())


def test_a_key_of_the_api_never_stands_in_for_the_snapshots_date(kept):
    feed, _, _ = kept
    table = table_name("names the views add")
    latest = f"select id from {table} where snapshot_date = (select max(snapshot_date) from {table})"
    assert {row["id"] for row in feed.rows(latest)} == {1, 2, 3, 4}


def test_no_odd_record_is_rejected_and_no_map_picture_kept(kept):
    feed, _, _ = kept
    assert feed.rows("select resource, reason from rejected") == []
    assert feed.rows("select resource from api_responses where contains(api_response, 'QUJD')") == []


@named(RAW_VIEWS)
def test_the_parsed_view_of_raw_holds_a_record_with(kept, name):
    feed, _, _ = kept
    rows = feed.rows(f'select * from "tascomi-raw-zone".{table_name(name)}')
    assert len(rows) == 4
    (row,) = [row for row in rows if row["id"] == "2"]
    assert {str(value).lower() for value in KEPT[name][1]} <= {str(value).lower() for value in row.values()}


# What is served, the id and the reason it is rejected for.
REJECTED = {
    "a number": (b"17", None, "not a JSON object"),
    "a text": (b'"x"', None, "not a JSON object"),
    "null": (b"null", None, "not a JSON object"),
    "an array": (b'[{"id":"2"}]', None, "not a JSON object"),
    "no id": (b'{"name":"x"}', None, "no id"),
    "an id of null": (b'{"id":null,"name":"x"}', None, "no id"),
    "an empty id": (b'{"id":"","name":"x"}', "", "id is no integer"),
    "an id that is no number": (b'{"id":"12.7","name":"x"}', "12.7", "id is no integer"),
    "an id out of range": (b'{"id":"2147483648","name":"x"}', "2147483648", "id is no integer"),
    "an id beyond every range": (b'{"id":"%s","name":"x"}' % (b"9" * 40), "9" * 40, "id is no integer"),
    "an id with blanks": (b'{"id":" 2 ","name":"x"}', " 2 ", "id is no integer"),
}


@pytest.fixture(scope="module")
def rejecting(tmp_path_factory):
    return odd_lake(tmp_path_factory.mktemp("rejected"), REJECTED, accepts_gaps=True)


@named(REJECTED)
def test_a_record_is_rejected_with_its_bytes_that_is_or_has(rejecting, name):
    feed, first, second = rejecting
    table, (body, identity, reason) = table_name(name), REJECTED[name]
    assert not troubles(first, table) + troubles(second, table)
    assert table_of(first, table).refine.rejected == 1
    assert names(feed, table).keys() == {1, 3, 4}
    query = f"""select id, reason, api_response, page_number, position from rejected
                where resource = '{table}' and batch = 1"""
    assert [tuple(row.values()) for row in feed.rows(query)] == [(identity, reason, body.decode(), 1, 1)]
    query = f"""select id, "column", raw_value, wanted_type from uncastable where resource = '{table}' and batch = 1"""
    expected = [(identity, "id", identity, "integer")] if identity else []
    assert [tuple(row.values()) for row in feed.rows(query)] == expected


@named(("a number", "no id", "an id that is no number"))
def test_a_rejected_record_said_again_is_not_stored_again_where_it_is_or_has(rejecting, name):
    feed, _, second = rejecting
    assert table_of(second, table_name(name)).ingest.stored == 1
    query = f"select count(*) as n from rejected where resource = '{table_name(name)}'"
    assert feed.rows(query) == [{"n": 1}]


@pytest.fixture
def feed(tmp_path):
    data = Dataset({"things": {"id": "integer"}}, now=datetime.fromisoformat(DAY_1))
    with feeding(data, tmp_path, settings_of(["things"])) as made:
        yield made


def test_cells_that_do_not_cast_are_null_and_reported_also_of_odd_records(feed):
    put(feed, 1, thing(1, "x", amount="12,5", whole="12.7", flag="yes", at="2023-02-29"))
    put(feed, 2, b'{"id":2,"whole":1.0,"amount":1.50,"flag":1,"at":20240101,"name":{"a":1}}')
    assert feed.run_at(DAY_1).exit_code == 0
    rows = feed.rows('select amount, whole, flag, "at" from things order by id')
    assert [tuple(row.values()) for row in rows] == [(None, None, None, None), (1.5, None, True, None)]
    found = feed.rows("""select id, "column", raw_value, wanted_type from uncastable order by id, "column" """)
    assert [tuple(row.values()) for row in found] == [
        ("1", "amount", "12,5", "double"),
        ("1", "at", "2023-02-29", "timestamp"),
        ("1", "flag", "yes", "boolean"),
        ("1", "whole", "12.7", "integer"),
        ("2", "at", "20240101", "timestamp"),
        ("2", "whole", "1.0", "integer"),
    ]


def test_numbers_of_any_length_cost_their_cell_and_nothing_else(feed):
    digits = "7" * 5000
    put(feed, 1, f'{{"id":1,"whole":{digits},"amount":{digits},"name":"x"}}'.encode())
    put(feed, 2, b'{"id":2,"whole":1e400,"amount":1e400,"flag":%s,"name":"y"}' % digits.encode())
    put(feed, 3, thing(3, "z", whole=digits, amount="9" * 400))
    assert feed.run_at(DAY_1).exit_code == 0
    assert names(feed) == {1: "x", 2: "y", 3: "z"}
    found = feed.rows("""select id, "column", raw_value from uncastable order by id, "column" """)
    assert [tuple(row.values()) for row in found] == [
        ("1", "amount", digits),
        ("1", "whole", digits),
        ("2", "amount", "1e400"),
        ("2", "flag", digits),
        ("2", "whole", "1e400"),
        ("3", "amount", "9" * 400),
        ("3", "whole", digits),
    ]


def test_ids_written_differently_are_one_id_and_stored_once(feed):
    put(feed, 1, thing("007", "a"))
    put(feed, 2, thing("+8", "b"))
    feed.run_at(DAY_1)
    assert names(feed) == {7: "a", 8: "b"}
    again = feed.run_at(DAY_2, "things", is_full=True)
    assert table_of(again, "things").ingest.stored == 0


def test_a_personal_value_that_does_not_cast_is_reported_without_being_shown(tmp_path):
    data = Dataset({"contacts": {"id": "integer"}}, now=datetime.fromisoformat(DAY_1))
    data.put("contacts", {"id": "5", "title_id": "Ms Example", "last_updated": None})
    data.put("contacts", {"id": "6", "surname": "Example"}, body=b'{"surname":"Example"}')
    with feeding(data, tmp_path, "source: tascomi\ntables: {daily: [contacts]}\n") as feed:
        assert feed.run_at(DAY_1).exit_code == 0
        assert feed.rows("select id, raw_value from uncastable") == [
            {"id": "5", "raw_value": "[personal, 10 characters]"}
        ]
        assert feed.rows("select api_response from rejected") == [{"api_response": "[personal, 21 characters]"}]
