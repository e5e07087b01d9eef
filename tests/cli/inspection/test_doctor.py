"""`planlake doctor`: every check, when all is well and when it fails, each with what to do about it."""

import json
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib.util import find_spec

import pytest

from commands import planlake
from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY
from planlake.simulator.faults import Rule

CHECKS = ["configuration", "catalogue", "lake catalogue", "warehouse", "keys", "API", "signature", "clock"]
KEYS = {"TASCOMI_PUBLIC_KEY": PUBLIC_KEY, "TASCOMI_PRIVATE_KEY": PRIVATE_KEY}


def findings(said):
    return {finding["check"]: finding for finding in json.loads(said.out)}


@pytest.fixture
def examined(typed, feed):
    """The exit status and the findings of a doctor who looks at the configuration of `feed`."""

    def look():
        said = typed("doctor", "--json", "--config", feed.file)
        return said.status, findings(said)

    return look


def served_date(minutes):
    return format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)


def test_where_all_is_well_every_check_is_ok_and_the_exit_status_0(examined):
    status, found = examined()
    assert status == 0
    assert list(found) == CHECKS
    assert {finding["verdict"] for finding in found.values()} == {"ok"}
    assert "70 records" in found["API"]["seen"]


def test_the_checks_are_shown_as_a_table_and_advice_goes_to_standard_error(feed):
    said = planlake("doctor", "--config", feed.file, **KEYS)
    assert (said.status, said.err) == (0, "")
    assert [line.split("  ")[0].strip() for line in said.out.splitlines() if "+ ok" in line] == CHECKS


def test_wrong_keys_fail_the_signature_and_not_the_api(examined, monkeypatch):
    monkeypatch.setenv("TASCOMI_PRIVATE_KEY", "mistyped-key")
    status, found = examined()
    assert status == 3
    assert (found["API"]["verdict"], found["signature"]["verdict"]) == ("ok", "failed")
    assert "keys are wrong" in found["signature"]["seen"]
    assert "ask the supplier" in found["signature"]["advice"]
    assert "clock" not in found["signature"]["advice"]
    assert "mistyped-key" not in json.dumps(found)


def test_a_key_that_is_missing_is_named_with_the_places_looked_at(examined, monkeypatch):
    monkeypatch.delenv("TASCOMI_PRIVATE_KEY")
    status, found = examined()
    assert status == 2
    assert found["keys"]["verdict"] == "failed"
    assert "variable TASCOMI_PRIVATE_KEY (not set)" in found["keys"]["seen"]
    assert {found[check]["verdict"] for check in ("API", "signature", "clock")} == {"skipped"}


@pytest.mark.parametrize(("minutes", "words"), [(-10, "ahead of the API's"), (10, "behind the API's")])
def test_a_clock_that_is_minutes_wrong_fails_even_while_signatures_are_accepted(examined, feed, minutes, words):
    feed.fail(Rule(headers={"Date": served_date(minutes)}, times=None))
    status, found = examined()
    assert status == 3
    assert (found["signature"]["verdict"], found["clock"]["verdict"]) == ("ok", "failed")
    assert words in found["clock"]["seen"]
    assert "NTP" in found["clock"]["advice"]


def test_a_clock_that_is_half_a_minute_wrong_is_a_warning(examined, feed):
    feed.fail(Rule(headers={"Date": served_date(0.5)}, times=None))
    status, found = examined()
    assert (status, found["clock"]["verdict"]) == (0, "warning")


def test_a_signature_refused_because_of_the_clock_says_clock(examined, feed):
    feed.fail(Rule(status=401, headers={"Date": served_date(10)}, times=None))
    status, found = examined()
    assert status == 3
    assert "clock" in found["signature"]["seen"]
    assert "keys are wrong" not in found["signature"]["seen"]


def test_an_api_that_cannot_be_reached_fails_within_seconds_and_the_rest_is_skipped(typed, feed):
    feed.file.write_text(feed.file.read_text().replace(feed.simulator.url, "http://127.0.0.1:9/rest/v1"))
    start = time.monotonic()
    said = typed("doctor", "--json", "--config", feed.file)
    assert time.monotonic() - start < 10
    found = findings(said)
    assert said.status == 3
    assert "connection refused" in found["API"]["seen"]
    assert found["API"]["advice"] == "check api.base_url, the network and a proxy"
    assert found["configuration"]["seen"].endswith(" 1 environment")
    assert list(found) == CHECKS
    assert {found[check]["verdict"] for check in ("signature", "clock")} == {"skipped"}


def test_a_firewall_that_answers_in_place_of_the_api_fails_with_advice(examined, feed):
    names = ("X-Number-Of-Results", "X-Results-Per-Page", "X-Page-Number")
    feed.fail(Rule(body=b"<html>Checking your browser</html>", drop_headers=names, times=None))
    status, found = examined()
    assert status == 3
    assert found["API"]["verdict"] == "failed"
    assert "an HTML page answered, not the API" in found["API"]["seen"]
    assert "firewall" in found["API"]["advice"]


def test_an_api_that_has_moved_fails_with_where_to_and_what_to_set(examined, feed):
    feed.fail(Rule(status=301, headers={"Location": "https://new.example/rest/v1/fees?page=1"}, times=None))
    status, found = examined()
    assert (status, found["API"]["verdict"]) == (3, "failed")
    assert "said to be at https://new.example/rest/v1; set api.base_url" in found["API"]["seen"]


def test_an_html_page_with_paging_headers_is_not_taken_for_records(examined, feed):
    feed.fail(Rule(body=b"<html>Checking your browser</html>", times=None))
    status, found = examined()
    assert (status, found["API"]["verdict"]) == (3, "failed")


def test_a_server_error_does_not_call_the_signature_accepted(examined, feed):
    feed.fail(Rule(status=404, times=None))
    status, found = examined()
    assert (status, found["API"]["verdict"], found["signature"]["verdict"]) == (3, "failed", "skipped")
    assert "404" in found["API"]["seen"]


def test_nothing_is_made_where_nothing_was_loaded_yet(examined, tmp_path):
    before = sorted(tmp_path.iterdir())
    status, found = examined()
    assert (status, sorted(tmp_path.iterdir())) == (0, before)
    assert {found[check]["seen"] for check in ("lake catalogue",)} == {"not made yet: the first run makes it"}


def test_a_warehouse_that_cannot_be_written_fails_with_advice(typed, feed, tmp_path):
    (tmp_path / "blocked").write_text("a file where a folder should be")
    feed.file.write_text(feed.file.read_text() + "environments: {local: {warehouse: blocked/lake}}\n")
    said = typed("doctor", "--json", "--config", feed.file)
    found = findings(said)
    assert (said.status, found["warehouse"]["verdict"]) == (3, "failed")
    assert "writable" in found["warehouse"]["advice"]
    assert found["API"]["verdict"] == "ok"


def test_a_catalogue_file_that_is_none_fails_with_advice(typed, feed, tmp_path):
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake/catalog.db").write_bytes(b"this is no database" * 100)
    said = typed("doctor", "--json", "--config", feed.file)
    found = findings(said)
    assert (said.status, found["lake catalogue"]["verdict"]) == (3, "failed")
    assert "catalogue" in found["lake catalogue"]["seen"]
    assert found["lake catalogue"]["advice"] == "planlake recover"
    assert found["warehouse"]["verdict"] == "ok"
    assert found["API"]["verdict"] == "ok"


@pytest.mark.slow  # SQLite waits for the lock
def test_a_catalogue_that_another_process_holds_says_so(typed, feed, tmp_path):
    assert typed("tables", "--config", feed.file).status == 0  # which makes it
    with sqlite3.connect(tmp_path / "lake/catalog.db") as held:
        held.execute("begin exclusive")
        said = typed("doctor", "--json", "--config", feed.file)
        held.rollback()
    found = findings(said)
    assert (said.status, found["lake catalogue"]["verdict"]) == (3, "failed")
    assert "locked" in found["lake catalogue"]["seen"]
    assert found["lake catalogue"]["advice"] == "wait for the process that holds it"


@pytest.mark.parametrize("what", ["lake/catalog.db", "lake"])
def test_the_doctor_never_sends_to_the_doctor(typed, feed, tmp_path, what, monkeypatch):
    at = tmp_path / what
    at.parent.mkdir(exist_ok=True)
    at.mkdir() if what.endswith(".db") else at.write_text("a file where a folder should be")
    said = typed("doctor", "--config", feed.file)
    assert said.status == 3
    assert "hint: " in said.err
    assert "planlake doctor" not in said.err


def test_a_resource_of_ones_own_is_asked_for_and_the_api_that_answers_is_named(typed, feed):
    own = "resources: {building_notes: {path: fees, columns: {id: integer}}}\n"
    feed.file.write_text(feed.file.read_text().replace("[fees]", "[building_notes]") + own)
    found = findings(typed("doctor", "--json", "--config", feed.file))
    assert f"{feed.simulator.url} has 70 records of building_notes" in found["API"]["seen"]


@pytest.mark.skipif(find_spec("boto3") is not None, reason="the libraries for AWS are installed")
@pytest.mark.parametrize("command", ["doctor", "tables"])
def test_a_lake_on_aws_without_its_libraries_says_what_to_install(typed, feed, command):
    glue = 'environments: {stg: {catalog: {type: glue}, warehouse: "s3://bucket/lake"}}\n'
    feed.file.write_text(feed.file.read_text() + glue)
    said = typed(command, "--config", feed.file)
    assert said.status in (2, 3), said.err
    assert "planlake[aws]" in said.err


def test_a_misspelt_table_fails_the_catalogue_and_the_other_checks_are_made(typed, feed):
    feed.file.write_text(feed.file.read_text().replace("[fees]", "[feees]"))
    said = typed("doctor", "--json", "--config", feed.file)
    found = findings(said)
    assert said.status == 2
    assert found["catalogue"]["verdict"] == "failed"
    assert "did you mean fees" in found["catalogue"]["advice"]
    assert list(found) == CHECKS


def test_a_configuration_without_an_api_fails_with_advice(typed, tmp_path):
    (tmp_path / "planlake.yaml").write_text("tables: {daily: [fees]}\n")
    said = typed("doctor", "--json", "--config", tmp_path / "planlake.yaml")
    found = findings(said)
    assert said.status == 2
    assert "no api section" in found["keys"]["seen"]
    assert list(found) == CHECKS


def test_a_configuration_that_cannot_be_read_is_one_clear_line(typed, tmp_path):
    said = typed("doctor", "--config", tmp_path / "absent.yaml")
    assert (said.status, said.out, len(said.errors)) == (2, "", 1)
