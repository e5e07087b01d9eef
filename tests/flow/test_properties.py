"""Whatever the text: reading a record and taking it apart agree with plain Python."""

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planlake.engines.duckdb.connection import connected
from planlake.engines.duckdb.parsing import parse_records
from planlake.sources.records import Record, Shape, read_records, split_page, texts_of
from planlake.sources.scanning import _end_of_deep

MAP_IMAGE = "gis_map_image_base64"


@pytest.fixture(scope="module")
def connection():
    with connected(300) as opened:
        yield opened


# ---------------------------------------------------------------- records

keys = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), min_size=1, max_size=8)
values = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
records = st.dictionaries(keys, values, max_size=6).map(lambda found: {"id": "7"} | found | {"id": "7", "last": "x"})


def written(record, *, order, ascii_only, nulls, image):
    """JSON of the same record: keys in another order, escaped or not, more nulls, with or without a map picture."""
    pairs = list(record.items()) + [(f"null {number}", None) for number in range(nulls)]
    pairs += [(MAP_IMAGE, image)] if image is not False else []
    order.shuffle(pairs)
    return json.dumps(dict(pairs), ensure_ascii=ascii_only).encode()


def text_of(record):
    """The JSON of a record as text, whichever way it is carried."""
    return record.text.decode() if isinstance(record.text, bytes) else record.text


def read_record(raw, shape):
    """One record, as a page of its own."""
    read = read_records(b"[%b]" % bytes(raw), shape)
    return Record(read.texts[0].as_py().encode(), read.ids[0], read.hashes[0], read.regular[0], read.deleted[0])


def is_case_unique(record):
    return len({key.lower() for key in record}) == len(record)


@settings(max_examples=25, deadline=None)
@given(
    records,
    st.randoms(use_true_random=False),
    st.booleans(),
    st.integers(0, 2),
    st.sampled_from([False, None, "QUJD", 'QU\\J"D']),
)
def test_a_records_hash_is_the_same_whichever_way_it_is_read_and_however_it_is_written(
    record, order, ascii_only, nulls, image
):
    plain = json.dumps(record, ensure_ascii=False).encode()
    other = written(record, order=order, ascii_only=ascii_only, nulls=nulls, image=image)
    learnt, slow = Shape("id", (MAP_IMAGE,)), Shape("id", (MAP_IMAGE,), keys={"ID", "LAST"})
    first = read_record(plain, learnt)
    read = [
        first,
        read_record(plain, learnt),
        read_record(other, learnt),
        read_record(other, Shape("id", (MAP_IMAGE,))),
    ]
    read += [read_record(plain, slow), read_record(other, slow)]
    assert not read[-1].is_regular
    assert len({each.hash for each in read}) == 1
    assert {each.id for each in read} == {"7"}
    for each in read:
        held = {key: value for key, value in texts_of(text_of(each)).items() if value is not None}
        assert held == {key: value for key, value in record.items() if value is not None}


@settings(max_examples=25, deadline=None)
@given(records, keys, st.text(st.characters(exclude_categories=["Cs"]), max_size=5))
def test_a_record_that_differs_in_one_value_has_another_hash(record, key, text):
    changed = {**record, key: text}
    shape = Shape("id")
    hashes = {read_record(json.dumps(each).encode(), shape).hash for each in (record, changed)}
    assert len(hashes) == (1 if changed == record else 2)


@settings(max_examples=25, deadline=None)
@given(st.lists(records.filter(is_case_unique), min_size=1, max_size=5), st.booleans())
def test_records_of_a_page_come_apart_into_the_very_texts(connection, page, ascii_only):
    body = json.dumps(page, ensure_ascii=ascii_only).encode()
    shape = Shape("id")
    read = [read_record(raw, shape) for raw in split_page(body)]
    assert [texts_of(text_of(each)) for each in read] == page
    regular = [(text_of(each), record) for each, record in zip(read, page, strict=True) if each.is_regular]
    names = {key: f"c{number}" for number, key in enumerate({key: None for _, record in regular for key in record})}
    if len({key.lower() for key in names}) < len(names) or not names:
        return  # DuckDB knows no two keys that differ in case only; such records take the other way
    connection.register(
        "page", pa.table({"is_regular": [True] * len(regular), "api_response": [text for text, _ in regular]})
    )
    held = parse_records(connection, "page", names).to_pylist()
    assert held == [{column: record.get(key) for key, column in names.items()} for _, record in regular]


@settings(max_examples=50, deadline=None)
@given(st.lists(records, min_size=1, max_size=6), st.lists(st.booleans(), min_size=6, max_size=6), st.booleans())
def test_a_page_read_at_once_is_what_its_records_are_one_by_one(page, has_image, ascii_only):
    page = [{**record, "id": str(number)} for number, record in enumerate(page)]
    shown = [record | ({MAP_IMAGE: "QUJD"} if image else {}) for record, image in zip(page, has_image, strict=False)]
    body = json.dumps(shown, ensure_ascii=ascii_only).encode()
    learnt = Shape("id", (MAP_IMAGE,))
    for _ in range(2):  # the second time the shape is known
        at_once = read_records(body, learnt)
    one_by_one = [read_record(raw, Shape("id", (MAP_IMAGE,))) for raw in split_page(body)]
    assert list(at_once.ids) == [one.id for one in one_by_one] == [record["id"] for record in page]
    assert list(at_once.hashes) == [one.hash for one in one_by_one]
    assert at_once.texts.to_pylist() == [one.text.decode() for one in one_by_one]


@settings(max_examples=25, deadline=None)
@given(st.one_of(st.integers(), st.floats(), st.decimals(allow_nan=False, allow_infinity=False), st.booleans()))
def test_a_bare_value_is_kept_in_the_digits_it_was_written_with(value):
    digits = str(value).lower() if isinstance(value, bool) else str(value)
    if digits in ("nan", "inf", "-inf"):
        return
    digits = digits.replace("E", "e")
    record = read_record(f'{{"id":{digits},"a":{digits}}}'.encode(), Shape("id"))
    assert (record.id, record.is_regular) == (digits, False)
    assert texts_of(text_of(record)) == {"id": digits, "a": digits}


@pytest.mark.parametrize(
    "text", [r"a\ud800", r"\udc00b", r"a\ud800b", r"\ud800\ud800", r"\ud83c\udf33", r"\ud800\u0041"]
)
def test_lone_surrogates_split_and_read(text):
    body = f'[{{"id":"1","a":"{text}"}},{{"id":"2"}}]'.encode()
    records = [read_record(raw, Shape("id")) for raw in split_page(body)]
    assert [record.id for record in records] == ["1", "2"]


def test_one_bad_byte_garbles_no_other_record_of_its_page():
    good, tab, bad = '{"id":"1","name":"Leïla £5"}'.encode(), b'{"id":"5","name":"a\tb"}', b'{"id":"2","name":"x\xff"}'
    read = read_records(b"[%b,%b,%b]" % (good, tab, bad), Shape("id"))
    assert read.texts[0].as_py() == good.decode()
    assert [texts_of(text)["name"] for text in read.texts.to_pylist()] == ["Leïla £5", "a\tb", "xÿ"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(json_values, st.integers(0, 3), st.booleans(), st.data())
def test_a_value_of_any_depth_ends_where_pythons_own_reader_says(value, spaces, ascii_only, data):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=spaces or None)
    assert _end_of_deep(text, 0) == len(text)
    place = data.draw(st.integers(0, len(text)))
    other = text[:place] + data.draw(st.sampled_from([*'[]{},:"\\0-.e n', "", "null", '""'])) + text[place + 1 :]
    other = other.lstrip(" \n")
    try:
        end = json.JSONDecoder(strict=False).raw_decode(other)[1]
    except ValueError:
        with pytest.raises(ValueError, match="malformed"):
            _end_of_deep(other, 0)
    else:
        assert _end_of_deep(other, 0) == end


@pytest.mark.parametrize("name", ["[" * 3000 + "]" * 3000, '{"a":' * 3000 + "1" + "}" * 3000])
def test_nesting_deeper_than_python_reads_costs_nothing(name):
    texts = [b'{"id":"1","name":"x"}', b'{"id":"2","name":%b}' % name.encode(), b'{"id":"3"}']
    read = read_records(b"[%b]" % b",".join(texts), Shape("id"))
    assert [text.encode() for text in read.texts.to_pylist()] == texts
    assert (list(read.ids), texts_of(read.texts[1].as_py())["name"]) == (["1", "2", "3"], name)


@pytest.mark.parametrize("name", ["[" * 3000 + "]" * 2999, "[" * 3000 + "}" * 3000, "[" * 3000 + ",1" + "]" * 3000])
def test_deep_nesting_that_is_no_json_is_no_page(name):
    with pytest.raises(ValueError, match="malformed"):
        read_records(b'[{"id":"1","name":%b}]' % name.encode(), Shape("id"))


def test_every_key_that_is_dropped_goes():
    read = read_records(b'[{"id":"1","pic":"QUJD","map":"QUJD","n":"x"}]', Shape("id", ("pic", "map")))
    assert texts_of(read.texts[0].as_py()) == {"id": "1", "n": "x"}
