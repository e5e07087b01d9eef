"""How a request is signed; the expected hashes were worked out with `openssl dgst` and `base64` on a command line."""

from datetime import datetime, timedelta, timezone

import pytest

from planlake.config import load_config
from planlake.sources.secrets import Keys
from planlake.sources.tascomi.signing import signed_headers, signer

KEYS = Keys(public="public-7Q", private="private-é-9Z")
# The hash of each minute on London's clock.
HASH_OF_MINUTE = {
    "2026-01-15 13:37": "MWZjYjA1N2M0NDQ1NGZiNDEyNzUyNTM3YzE0MDEzY2Q3ZjE0OWM2ZDY1MTJlNDJmODZkYzQ4NTc0YTFjMmZkZg==",
    "2026-07-15 14:37": "NGJmNzA1ODZhMDBjNDM1MTJkMjA2ODhkYjc1ZDQ1MjY4MjQ4MzYxYTc3MmJiYWMyZGQ3YmQ4NTQwZWExZjAzMg==",
    "2026-03-29 00:59": "ZGMyYmY3NjM1YTBkOWJmODU3YjY4NTliMDFkMDViZGZlOWYxZjZiYTc3ZmVhZTVkZTRlZjE2ZDc1Zjk2MjgxZg==",
    "2026-03-29 02:00": "NzQxNjgwNDMzYjMzZDMxMGQ2MDk0MmJjOTY3MDliNTY3NjQyM2YxNDBiNDNhZWJjZTFmZTgxNTIzM2FiMTZmMg==",
    "2026-10-25 01:59": "ODk4YWJmODJlZWQzMTBhYmEyNjgxMmFlZmQzMTYxNjJjMWIyYmQ5ODI5ZmE0YTg3MjNhOTNhMWQyZTZhY2RjNw==",
    "2026-10-25 01:00": "MzE0MGY4MmU1YjY5YTQ3OWM2NjNjMDJhYmE2ZTNhYzVjNjUzMDQ3NDA2NDFiMmU4ZWVlZTcwNDFkYmVlYTI3OQ==",
    "2026-12-31 23:59": "Mjc3NjZkODNlMTgyZDdjNzBmNTA2YmI0NmNjM2U2ODI1ODYyYWU1NmRhZDg2MjVjNzlmOWZiNWRkNzE4MDZkOQ==",
    "2027-01-01 00:00": "ZjJhY2M4YjQ2NmU3YmI0NTc3NTM0ZDRjNTFlZmM3MmMyNjRkMDBiNTM3NTEwZTNlYTU2ZTU2Nzg1OTllNTMwMQ==",
}


def hash_at(instant):
    return signed_headers(KEYS, datetime.fromisoformat(instant))["X-Hash"]


@pytest.mark.parametrize(
    ("instant", "minute"),
    [
        pytest.param("2026-01-15T13:37:59Z", "2026-01-15 13:37", id="winter: the minute of UTC"),
        pytest.param("2026-07-15T13:37:00Z", "2026-07-15 14:37", id="summer: an hour ahead of UTC"),
        pytest.param("2026-03-29T00:59:59Z", "2026-03-29 00:59", id="the last minute of winter time"),
        pytest.param("2026-03-29T01:00:00Z", "2026-03-29 02:00", id="the first minute of summer time"),
        pytest.param("2026-10-25T00:59:59Z", "2026-10-25 01:59", id="the last minute of summer time"),
        pytest.param("2026-10-25T01:00:00Z", "2026-10-25 01:00", id="the first minute of winter time, an hour again"),
        pytest.param("2026-10-25T00:00:00Z", "2026-10-25 01:00", id="the same minute an hour before, in summer time"),
        pytest.param("2026-12-31T23:59:59.999Z", "2026-12-31 23:59", id="the last minute of the year"),
        pytest.param("2027-01-01T00:00:00Z", "2027-01-01 00:00", id="the first minute of the year"),
    ],
)
def test_the_hash_names_the_minute_on_londons_clock(instant, minute):
    assert hash_at(instant) == HASH_OF_MINUTE[minute]


def test_the_zone_an_instant_is_given_in_makes_no_difference():
    tokyo = datetime.fromisoformat("2026-07-15T13:37:00Z").astimezone(timezone(timedelta(hours=9)))
    assert signed_headers(KEYS, tokyo)["X-Hash"] == HASH_OF_MINUTE["2026-07-15 14:37"]


def test_every_second_of_a_minute_has_the_same_hash_and_the_next_minute_another():
    assert hash_at("2026-01-15T13:37:00Z") == hash_at("2026-01-15T13:37:59Z") != hash_at("2026-01-15T13:38:00Z")


def test_the_headers_are_the_public_key_and_the_hash_and_nothing_of_the_private_key():
    headers = signed_headers(KEYS, datetime.fromisoformat("2026-01-15T13:37:00Z"))
    assert headers == {"X-Public": "public-7Q", "X-Hash": HASH_OF_MINUTE["2026-01-15 13:37"]}
    assert KEYS.private not in str(headers)


def test_planlake_now_does_not_move_the_hash(tmp_path, monkeypatch):
    monkeypatch.setenv("PLANLAKE_NOW", "2020-02-02T02:02:02")
    monkeypatch.setenv("TASCOMI_PUBLIC_KEY", KEYS.public)
    monkeypatch.setenv("TASCOMI_PRIVATE_KEY", KEYS.private)
    file = tmp_path / "planlake.yaml"
    file.write_text("api: {base_url: 'https://council.example/rest/v1'}")
    sign = signer(load_config(file))
    assert sign(datetime.fromisoformat("2026-07-15T13:37:00Z"))["X-Hash"] == HASH_OF_MINUTE["2026-07-15 14:37"]
