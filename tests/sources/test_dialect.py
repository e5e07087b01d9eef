"""How an API is spoken to, in words of its catalogue: queries, totals, envelopes, tokens."""

from dataclasses import replace

import pytest

from planlake.config import Api, Config
from planlake.errors import ConfigurationError
from planlake.sources.catalogue import load_catalogue
from planlake.sources.dialect import Dialect, Totals, day_query, opened, page_query
from planlake.sources.records import Shape, read_records
from planlake.sources.signing import signer_of

TASCOMI = Dialect()
REGISTER = replace(load_catalogue("public_register").dialect, page_size=2)
HEADERS = {"x-number-of-results": "120", "x-results-per-page": "50", "x-page-number": "3"}


def test_the_defaults_are_tascomis():
    assert load_catalogue("tascomi").dialect == TASCOMI
    assert page_query(TASCOMI, 3) == {"page": 3}
    assert day_query(TASCOMI, "last_updated", "2026-07-01") == {"last_updated": "2026-07-01"}
    assert opened(TASCOMI, {"page": 3}, headers=HEADERS, body=b"[]").totals == Totals(120, 50, 3)


def test_a_page_is_an_offset_and_a_limit_where_the_catalogue_says_so():
    assert page_query(REGISTER, 3) == {"offset": 4, "limit": 2}
    assert page_query(replace(REGISTER, always={"sort": "id"}), 1) == {"offset": 0, "limit": 2, "sort": "id"}


@pytest.mark.parametrize(
    ("zone", "form", "day", "asked"),
    [
        ("Europe/London", "%Y-%m-%dT%H:%M:%S", "2026-07-01", "2026-07-01T00:00:00"),
        ("UTC", "%Y-%m-%dT%H:%M:%SZ", "2026-07-01", "2026-06-30T23:00:00Z"),
        ("UTC", "%Y-%m-%dT%H:%M:%SZ", "2026-12-01", "2026-12-01T00:00:00Z"),
        ("UTC", "%Y-%m-%dT%H:%M:%SZ", "2026-03-29", "2026-03-29T00:00:00Z"),
        ("UTC", "%Y-%m-%dT%H:%M:%SZ", "2026-03-30", "2026-03-29T23:00:00Z"),
    ],
)
def test_a_lower_bound_is_londons_midnight_on_the_apis_clock(zone, form, day, asked):
    dialect = replace(REGISTER, time_zone=zone, day_format=form)
    assert day_query(dialect, "modified", day) == {"modified_since": asked}


def test_records_are_taken_out_of_their_envelope_byte_by_byte():
    body = b'{"total": 3, "items": [{"a": 1.50}, {"a":"\xc3\xa9"} ], "limit": 2, "offset": 2}'
    found = opened(REGISTER, {"offset": 2, "limit": 2}, headers={}, body=body)
    assert (found.totals, found.records) == (Totals(3, 2, 2), b'[{"a": 1.50}, {"a":"\xc3\xa9"} ]')


def test_an_envelope_may_lie_deeper_and_say_no_more_than_its_total():
    dialect = replace(REGISTER, records="data.list", total="body:data.meta.count", size="", place="")
    body = b'{"data": {"list": [1], "meta": {"count": "3"}}}'
    found = opened(dialect, {"offset": 2}, headers={}, body=body)
    assert (found.totals, found.records) == (Totals(3, 2, 2), b"[1]")


def test_a_total_may_stand_in_a_header_and_the_records_alone_in_the_body():
    dialect = replace(REGISTER, records="", total="header:X-Total-Count", size="", place="")
    assert opened(dialect, {"offset": 0}, headers={"x-total-count": "7"}, body=b"[{}]").totals == Totals(7, 2, 1)


@pytest.mark.parametrize("odd", [b'"\\ud800"', b'"\xff"', b'"\x01"', b"1e999", b'"}],[{"'])
def test_one_odd_record_does_not_spoil_its_envelope(odd):
    body = b'{"items": [{"id": 1, "a": %b}, {"id": 2}], "total": 2, "offset": 0, "limit": 2}' % odd
    found = opened(REGISTER, {"offset": 0}, headers={}, body=body)
    assert found.records == b'[{"id": 1, "a": %b}, {"id": 2}]' % odd
    assert list(read_records(found.records, Shape("id")).ids) == ["1", "2"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[]", "not a JSON object"),
        (b"<html>", "not a JSON object"),
        (b'{"items": [', "not a JSON object"),
        (b'{"total": 3, "offset": 2, "limit": 2}', 'has no "items"'),
        (b'{"items": [], "offset": 2, "limit": 2}', "figures are missing"),
        (b'{"items": [], "total": "many", "offset": 2, "limit": 2}', "figures are missing"),
        (b'{"items": [], "total": -1, "offset": 2, "limit": 2}', "make no sense"),
        (b'{"items": [], "total": 3, "offset": 2, "limit": 0}', "make no sense"),
        (b'{"items": [], "total": 3, "offset": 2, "limit": 1}', "gives 1 records a page"),
        (b'{"items": [], "total": 3, "offset": 0, "limit": 2}', "from 2 on were asked for, the answer says 0"),
        (b'{"items": [], "total": 1e9, "offset": 2, "limit": 2}', 'total is "1e9"'),
        (b'{"items": [], "total": 3.0, "offset": 2, "limit": 2}', 'total is "3.0"'),
        (b'{"items": [], "total": null, "offset": 2, "limit": 2}', 'total is "null"'),
        (b'{"items": [], "total": {"a": 1}, "offset": 2, "limit": 2}', "total is something else"),
        (b'{"items": [], "total": 2147483648, "offset": 2, "limit": 2}', "total is 2147483648, above 2,147,483,647"),
        (b'{"items": [], "total": 3, "offset": 9223372036854775808, "limit": 2}', "offset is 9223372036854775808"),
        (b'{"items": [], "total": 3, "offset": -2, "limit": 2}', "from 2 on were asked for, the answer says -2"),
        (b'{"items": [], "total": 3, "offset": 2, "limit": 99999999999}', "limit is 99999999999, above"),
        (b'{"items": [], "total": %b, "offset": 2, "limit": 2}' % (b"9" * 5001), "total is 9{24}, above"),
    ],
)
def test_an_answer_that_is_not_as_the_catalogue_says_is_refused_with_the_reason(body, said):
    with pytest.raises(ValueError, match=said):
        opened(REGISTER, {"offset": 2, "limit": 2}, headers={}, body=body)


@pytest.mark.parametrize(
    ("dialect", "headers", "body"),
    [
        pytest.param(TASCOMI, {**HEADERS, "x-page-number": "1"}, b"[]", id="in a header"),
        pytest.param(
            replace(TASCOMI, records="items", place="body:paging.page"),
            HEADERS,
            b'{"items": [], "paging": {"page": 1}}',
            id="in the body",
        ),
    ],
)
def test_a_page_that_says_it_is_another_than_the_one_asked_for_is_refused_with_both_numbers(dialect, headers, body):
    with pytest.raises(ValueError, match="page 3 was asked for, the answer says it is page 1"):
        opened(dialect, {"page": 3}, headers=headers, body=body)
    assert opened(dialect, {"page": 1}, headers=headers, body=body).totals.page == 1
    unnamed = opened(dialect, {"id": "8"}, headers=headers, body=body)
    assert unnamed.totals.page == 1  # who names no page is given the first


def test_where_no_place_is_said_the_page_asked_for_is_believed():
    dialect = replace(TASCOMI, place="")
    headers = {**HEADERS, "x-page-number": "0"}
    assert opened(dialect, {"page": 3}, headers=headers, body=b"[]").totals == Totals(120, 50, 3)


# ---------------------------------------------------------------- tokens


def signed(monkeypatch, token, address="https://council.example/api", **api):
    monkeypatch.setenv("PLANLAKE_API_TOKEN", token)
    return signer_of(Config(api=Api(base_url=address, **api)), REGISTER)(None)


def test_a_token_is_sent_as_a_bearers(monkeypatch):
    assert signed(monkeypatch, "t0ken") == {"Authorization": "Bearer t0ken"}


def test_a_token_may_be_kept_in_a_file(monkeypatch, tmp_path):
    monkeypatch.delenv("PLANLAKE_API_TOKEN", raising=False)
    (tmp_path / "token").write_text("from-a-file\n")
    config = Config(api=Api(base_url="https://council.example", token="file:token"), folder=tmp_path)
    assert signer_of(config, REGISTER)(None) == {"Authorization": "Bearer from-a-file"}


@pytest.mark.parametrize("token", ["two words", "a\nline", "café"])
def test_what_is_no_token_is_refused_and_not_shown(monkeypatch, token):
    with pytest.raises(ConfigurationError, match=r"not a token|neither a key nor a token") as raised:
        signed(monkeypatch, token)
    assert token not in str(raised.value)


def test_a_token_is_not_sent_unencrypted_to_another_machine(monkeypatch):
    with pytest.raises(ConfigurationError, match="over https only"):
        signed(monkeypatch, "t0ken", "http://council.example/api")
    assert signed(monkeypatch, "t0ken", "http://127.0.0.1:8642/api")


def test_a_missing_token_is_said_with_the_places_looked_at(monkeypatch):
    for name in ("NO_SUCH_TOKEN", "PLANLAKE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(
        ConfigurationError, match=r"api\.token is missing; looked at variable PLANLAKE_API_TOKEN .* NO_SUCH"
    ):
        signer_of(Config(api=Api(base_url="https://council.example", token="${NO_SUCH_TOKEN}")), REGISTER)


def test_a_token_itself_is_refused_in_the_file():
    with pytest.raises(ValueError, match="must say where the key is kept") as raised:
        Api(base_url="https://council.example", token="t0ken-itself")
    assert "t0ken-itself" not in str(raised.value)
