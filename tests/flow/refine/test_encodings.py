"""Bytes that are no UTF-8: each text is read by itself, its neighbours arrive as sent, what came can be got back."""

import json
from base64 import b64decode
from contextlib import contextmanager
from datetime import datetime

import pytest

from conftest import feeding, table_of
from flow.tables import DAY_1, DAY_2, named, put, settings_of, table_name, thing, troubles
from planlake.simulator.dataset import Dataset
from planlake.simulator.faults import Rule

IMAGE = b'"gis_map_image_base64":{"a":"QUJD"}'
GOOD = '"note":"Leïla £5 € 🌳"'.encode()


def odd(name, more=GOOD):
    return b'{"id":"2","name":"%b",%b}' % (name, more)


# The charset that is declared, the odd record, and what its name is read as.
READ_AS = {
    "one bad byte": ("", odd(b"caf\xe9"), "café"),
    "half a character": ("", odd(b"x\xc3"), "xÃ"),
    "quotation marks of Windows": ("", odd(b"\x93x\x94 \x80"), "“x” €"),
    "bytes Windows has no character for": ("", odd(b"\x81\x8d\x8f\x90\x9d"), "\x81\x8d\x8f\x90\x9d"),
    "escapes beside it": ("", odd(rb"\u00e9\"\\" + b"\xe9"), 'é"\\é'),
    "a control character beside it": ("", odd(b"a\tb\xe9"), "a\tbé"),
    "a number beside it": ("", odd(b"caf\xe9", b'"whole":7,' + GOOD), "café"),
    "a nested value beside it": ("", odd(b"caf\xe9", '"more":{"a":"Zoë","b":[1.50]},'.encode() + GOOD), "café"),
    "a dropped key beside it": ("", odd(b"caf\xe9", IMAGE + b"," + GOOD), "café"),
    "UTF-8 declared": ("UTF-8", odd(b"caf\xe9"), "café"),
    "Central European declared": ("ISO-8859-2", odd(b"\xb3\xf3d\xbc"), "łódź"),
    "Cyrillic declared and in quotes": ('"windows-1251"', odd(b"\xcc\xe8\xf0"), "Мир"),
    "Japanese declared": ("shift_jis", odd(b"\x93\xfa\x96\x7b"), "日本"),
    "what a declared charset has no character for": ("iso-8859-7", odd(b"\xd2\xe9"), "Òé"),
    "Latin-1 declared and Windows meant": ("iso-8859-1", odd(b"\x93x\x94"), "“x”"),
    "ASCII declared": ("us-ascii", odd(b"caf\xe9"), "café"),
    "a charset nobody knows": ("x-unknown", odd(b"caf\xe9"), "café"),
    "a codec that is no charset": ("base64", odd(b"caf\xe9"), "café"),
    "a charset that takes signs for others": ("utf-7", odd(b"caf\xe9 +AGE-"), "café +AGE-"),
    "UTF-16 declared and not sent": ("utf-16", odd(b"caf\xe9"), "café"),
}
UTF_8_MARK = b"\xef\xbb\xbf"
# What is made of a page, and how each of its records came.
WHOLE = {
    "a byte order mark": (lambda body: UTF_8_MARK + body, None),
    "UTF-16": (lambda body: body.decode().encode("utf-16"), "utf-16-le"),
    "UTF-16, the high byte first": (lambda body: b"\xfe\xff" + body.decode().encode("utf-16-be"), "utf-16-be"),
    "UTF-16 without a mark": (lambda body: body.decode().encode("utf-16-le"), "utf-16-le"),
    "UTF-32": (lambda body: body.decode().encode("utf-32"), "utf-32-le"),
}
FIRST, LAST = thing(1, "Zoë £", note="🌳"), thing(3, "Ünal")
ODD_IN_WHOLE = '{"id":"2","name":"Zoë","gis_map_image_base64":["QUJD"],"whole":7,"note":"€"}'.encode()


@contextmanager
def loaded_twice(folder, cases):
    """A table for each case; its page is read on two days, the second time in full."""
    data = Dataset({table_name(name): {"id": "integer"} for name in cases}, now=datetime.fromisoformat(DAY_1))
    with feeding(data, folder, settings_of(cases)) as feed:
        rules = []
        for name, (charset, body, change) in cases.items():
            for place, record in enumerate((FIRST, body, LAST), start=1):
                put(feed, place, record, resource=table_name(name))
            headers = {"Content-Type": f"application/json; charset={charset}"} if charset else {}
            rules.append(Rule(resource=table_name(name), headers=headers, mutate=change, times=None))
        feed.fail(*rules)
        yield feed, feed.run_at(DAY_1), feed.run_at(DAY_2, *map(table_name, cases), is_full=True)


@pytest.fixture(scope="module")
def read_as(tmp_path_factory):
    cases = {name: (charset, body, None) for name, (charset, body, _) in READ_AS.items()}
    with loaded_twice(tmp_path_factory.mktemp("read_as"), cases) as found:
        yield found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    cases = {name: ("", ODD_IN_WHOLE, change) for name, (change, _) in WHOLE.items()}
    with loaded_twice(tmp_path_factory.mktemp("whole"), cases) as found:
        yield found


@named(READ_AS)
def test_a_text_that_is_no_utf_8_is_read_by_itself_with(read_as, name):
    feed, first, second = read_as
    assert not troubles(first, table_name(name)) + troubles(second, table_name(name))
    rows = {row["id"]: row for row in feed.rows(f"select * from {table_name(name)}")}
    assert (rows[1]["name"], rows[1]["note"], rows[3]["name"]) == ("Zoë £", "🌳", "Ünal")
    assert (rows[2]["name"], rows[2]["note"]) == (READ_AS[name][2], "Leïla £5 € 🌳")
    assert rows[2].get("more") in (None, '{"a":"Zoë","b":[1.50]}')


def raw_rows(feed, table):
    query = f"""select record_id, api_response, api_response_base64 from api_responses
                where resource = '{table}' order by position"""
    return [tuple(row.values()) for row in feed.rows(query)]


@named(READ_AS)
def test_raw_has_the_bytes_of_such_a_record_and_no_others_with(read_as, name):
    (_, first, kept_1), (_, text, kept_2), (_, last, kept_3) = raw_rows(read_as[0], table_name(name))
    assert (json.loads(first), json.loads(last)) == (FIRST, LAST)
    assert (kept_1, kept_3) == (None, None)
    assert b64decode(kept_2) == READ_AS[name][1].replace(IMAGE + b",", b"")
    assert json.loads(text, strict=False)["name"] == READ_AS[name][2]


@named(READ_AS)
def test_that_a_text_is_no_utf_8_is_told_once_with(read_as, name):
    feed, first, second = read_as
    checks = [table_of(run, table_name(name)).checks for run in (first, second)]
    told = [[one for one in found if one.check == "encoding"] for found in checks]
    assert ([(one.verdict, one.figure) for one in told[0]], told[1]) == ([("warning", 1.0)], [])
    assert table_of(second, table_name(name)).ingest.stored == 0
    where = f""" "check" = 'encoding' and resource = '{table_name(name)}' """
    (row,) = feed.rows(f"select run, message from checks where {where}")
    query = row["message"].partition(": ")[2]
    assert (row["run"], feed.rows(query)[0]["record_id"]) == (1, "2")


@named(WHOLE)
def test_a_page_is_read_that_came_with_or_as(whole, name):
    feed, first, second = whole
    table = table_name(name)
    assert not troubles(first, table) + troubles(second, table)
    rows = feed.rows(f"select id, name, note, whole from {table} order by id")
    assert [tuple(row.values()) for row in rows] == [
        (1, "Zoë £", "🌳", None), (2, "Zoë", "€", 7), (3, "Ünal", None, None),
    ]  # fmt: skip
    assert table_of(second, table).ingest.stored == 0


@named(WHOLE)
def test_raw_has_the_bytes_of_every_record_of_a_page_that_came_with_or_as(whole, name):
    wide = WHOLE[name][1]
    for _, text, kept in raw_rows(whole[0], table_name(name)):
        assert (None if kept is None else b64decode(kept).decode(wide)) == (text if wide else None)


def test_good_records_have_no_bytes_beside_them(read_as):
    assert read_as[0].rows("""select count(*) as n from api_responses
        where api_response_base64 is not null and record_id <> '2'""") == [{"n": 0}]
