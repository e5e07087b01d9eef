"""Speaking to the API, over HTTP to the simulator: whatever comes back is a record; what ends a run is raised."""

import asyncio
import itertools
import socket
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from planlake.config import Api, Config, Settings
from planlake.errors import SourceRefused, SourceUnreachable
from planlake.simulator.app import PUBLIC_KEY
from planlake.simulator.faults import Rule
from planlake.sources.http.client import Totals, clock_skew, open_source
from planlake.sources.records import Records
from planlake.sources.secrets import Keys
from planlake.sources.tascomi.signing import signed_headers
from sources.asking import KEYS, fail, is_ok, read, records_in

HTML = b"<!DOCTYPE html><html><body>Checking your browser</body></html>"


@contextmanager
def silent_server():
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/rest/v1"


def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


# ---------------------------------------------------------------- answers


def test_a_page_comes_with_the_totals_of_its_headers(simulator):
    [answer] = read(simulator.url, {"page": 3})
    assert (answer.status, answer.attempts, answer.error, is_ok(answer)) == (200, 1, "", True)
    assert answer.totals == Totals(results=120, per_page=50, page=3)
    assert answer.totals.pages == 3
    assert list(answer.records.ids) == [str(number) for number in range(101, 121)]
    assert answer.url == f"{simulator.url}/wards?page=3"


def test_a_202_is_an_answer_without_records_and_without_totals(simulator):
    [answer] = read(simulator.url, {"page": 1, "last_updated": "2020-01-01"})
    assert (answer.status, answer.records, answer.totals, is_ok(answer)) == (202, Records(), None, True)


@pytest.mark.parametrize("body", [b"", b"null", b" null\n"])
def test_an_empty_or_null_body_with_a_good_status_holds_no_records_and_is_no_error(simulator, body):
    fail(simulator, Rule(body=body))
    [answer] = read(simulator.url)
    assert is_ok(answer)
    assert answer.records == Records()


@pytest.mark.parametrize("body", [b'{"id": "1"}', b'[{"id": "1"}', b"maintenance"])
def test_a_body_that_is_no_array_is_an_error_of_the_answer_not_of_the_run(simulator, body):
    fail(simulator, Rule(body=body, headers={"Content-Type": "text/html"}, times=None))
    [answer] = read(simulator.url, attempts=1)
    assert (answer.status, answer.records, answer.size) == (200, Records(), len(body))
    assert "not a JSON array" in answer.error


def test_a_page_that_was_html_once_is_asked_for_again(simulator):
    fail(simulator, Rule(body=HTML))
    [answer] = read(simulator.url)
    assert (is_ok(answer), answer.attempts, len(answer.records)) == (True, 2, 50)


@pytest.mark.parametrize("name", ["X-Number-Of-Results", "X-Results-Per-Page", "X-Page-Number"])
def test_missing_paging_headers_are_an_error_of_the_answer_not_of_the_run(simulator, name):
    fail(simulator, Rule(drop_headers=(name,), times=None))
    [answer] = read(simulator.url, attempts=1)
    assert (answer.totals, is_ok(answer)) == (None, False)
    assert "paging headers" in answer.error


@pytest.mark.parametrize(
    "headers",
    [{"X-Number-Of-Results": "many"}, {"X-Results-Per-Page": "0"}, {"X-Number-Of-Results": "-1"}],
    ids=["no number", "no results on a page", "less than none"],
)
def test_paging_headers_that_make_no_sense_are_an_error_of_the_answer(simulator, headers):
    fail(simulator, Rule(headers=headers, times=None))
    [answer] = read(simulator.url, attempts=1)
    assert "paging headers" in answer.error


@pytest.mark.parametrize("status", [400, 403, 404, 418])
def test_a_status_that_will_not_pass_is_asked_for_once(simulator, status):
    fail(simulator, Rule(status=status, times=None))
    [answer] = read(simulator.url)
    assert (answer.error, answer.attempts, len(simulator.requests)) == (f"status {status}", 1, 1)


def test_a_redirect_is_not_followed_so_that_no_other_host_sees_a_signature(simulator):
    fail(simulator, Rule(status=302, headers={"Location": f"{simulator.url}/elsewhere"}))
    [answer] = read(simulator.url)
    assert answer.error.startswith("status 302: ")
    assert [request.path for request in simulator.requests] == ["/rest/v1/wards"]


# ---------------------------------------------------------------- trouble that may pass


@pytest.mark.parametrize("status", [429, 500])
def test_a_burst_of_failures_is_waited_out_and_its_attempts_are_counted(simulator, status):
    fail(simulator, Rule(status=status, body=b"", times=2))
    [answer] = read(simulator.url)
    assert (answer.status, answer.attempts, answer.error) == (200, 3, "")
    assert [request.status for request in simulator.requests] == [status, status, 200]


def test_a_failure_that_stays_is_an_answer_with_its_status_after_the_attempts_of_the_setting(simulator):
    fail(simulator, Rule(status=500, times=None))
    [answer] = read(simulator.url, attempts=2)
    assert (answer.status, answer.attempts, answer.error) == (500, 2, "status 500")
    assert len(simulator.requests) == 2


@pytest.mark.parametrize(
    "rule", [Rule(reset=True), Rule(cut_at=100)], ids=["before any answer", "in the middle of a body"]
)
def test_a_connection_that_is_closed_is_opened_again(simulator, rule):
    fail(simulator, rule)
    [answer] = read(simulator.url)
    assert (is_ok(answer), len(answer.records), len(simulator.requests)) == (True, 50, 2)


def test_the_wait_the_api_asks_for_is_kept(simulator):
    fail(simulator, Rule(status=429, headers={"Retry-After": "1"}))
    start = time.monotonic()
    [answer] = read(simulator.url)
    assert (is_ok(answer), answer.attempts) == (True, 2)
    assert time.monotonic() - start > 0.9


def test_a_wait_of_more_than_a_minute_is_not_waited_for(simulator):
    fail(simulator, Rule(status=503, headers={"Retry-After": "3600"}, times=None))
    start = time.monotonic()
    [answer] = read(simulator.url)
    assert (answer.error, answer.attempts) == ("status 503", 1)
    assert time.monotonic() - start < 2


def test_a_run_asks_again_only_as_often_as_its_budget_allows(simulator):
    fail(simulator, Rule(status=500, times=None))
    answers = read(simulator.url, {}, {}, {}, retry_budget=1, attempts=2)
    assert [answer.attempts for answer in answers] == [2, 1, 1]


# ---------------------------------------------------------------- an API that is not there


def test_a_refused_connection_is_unreachable_within_seconds_and_says_so():
    start = time.monotonic()
    with pytest.raises(SourceUnreachable, match="connection refused") as raised:
        read(f"http://127.0.0.1:{unused_port()}/rest/v1")
    assert time.monotonic() - start < 8
    assert raised.value.exit_code == 3
    assert "127.0.0.1" in str(raised.value)
    assert raised.value.hint


def test_a_host_nobody_knows_is_unreachable_within_seconds():
    start = time.monotonic()
    with pytest.raises(SourceUnreachable):
        read("http://nowhere.invalid/rest/v1")
    assert time.monotonic() - start < 9


def test_a_server_that_never_answers_is_unreachable_after_the_time_of_the_setting():
    start = time.monotonic()
    with silent_server() as url, pytest.raises(SourceUnreachable, match=r"no answer within 0\.2 s"):
        read(url, timeout_seconds=0.2)
    assert time.monotonic() - start < 5


def test_many_requests_to_an_api_that_is_gone_fail_together_not_one_after_another():
    start = time.monotonic()
    with pytest.raises(SourceUnreachable):
        read(f"http://127.0.0.1:{unused_port()}/rest/v1", *[{"page": n} for n in range(40)], together=True)
    assert time.monotonic() - start < 8


def test_an_answer_later_than_the_timeout_is_asked_for_again(simulator):
    fail(simulator, Rule(nth=2, delay=1.5))
    answers = read(simulator.url, {}, {}, timeout_seconds=0.4)
    assert [(is_ok(answer), answer.attempts) for answer in answers] == [(True, 1), (True, 2)]


def test_a_body_that_only_drips_in_ends_at_the_timeout(simulator):
    fail(simulator, Rule(nth=2, drip=0.2, times=None))
    start = time.monotonic()
    answers = read(simulator.url, {}, {}, timeout_seconds=0.3, attempts=1)
    assert time.monotonic() - start < 1.5
    assert answers[1].error == "no answer within 0.3 s"
    assert answers[1].status == 0


# ---------------------------------------------------------------- refused signatures


def test_a_signature_refused_once_is_made_anew_without_counting_as_a_failure(simulator):
    fail(simulator, Rule(status=401))
    [answer] = read(simulator.url)
    assert (answer.status, answer.attempts) == (200, 1)
    assert [request.status for request in simulator.requests] == [401, 200]


def test_wrong_keys_are_refused_after_one_new_signature_and_the_error_says_keys(simulator):
    with pytest.raises(SourceRefused, match=r"the keys are wrong, as this machine's clock is right \(") as raised:
        read(simulator.url, keys=Keys(PUBLIC_KEY, "not-the-key"))
    assert "supplier" in raised.value.hint
    assert "clock" not in raised.value.hint
    assert [request.status for request in simulator.requests] == [401, 401]
    assert raised.value.exit_code == 3
    assert "not-the-key" not in "\n".join(raised.value.lines())


@pytest.mark.parametrize(("minutes", "words"), [(10, "behind the server's"), (-10, "ahead of the server's")])
def test_a_clock_that_is_wrong_by_the_servers_date_is_named_as_the_cause(simulator, minutes, words):
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    fail(simulator, Rule(status=401, headers={"Date": date}, times=None))
    with pytest.raises(SourceRefused, match=words) as raised:
        read(simulator.url)
    assert "clock" in raised.value.message
    assert "keys" not in raised.value.message
    assert "clock" in raised.value.hint


def test_a_firewall_that_refuses_in_place_of_the_api_is_named_beside_the_refusal(simulator):
    fail(simulator, Rule(status=401, body=b"<html><title>Blocked</title></html>", times=None))
    with pytest.raises(SourceRefused) as raised:
        read(simulator.url)
    assert raised.value.facts == {"status": 401, "answer": 'an HTML page answered, not the API: "Blocked"'}


def test_a_refusal_without_the_servers_date_names_both_causes(simulator):
    fail(simulator, Rule(status=401, drop_headers=("Date",), times=None))
    with pytest.raises(SourceRefused, match="keys or this machine's clock"):
        read(simulator.url)


def test_each_request_is_signed_for_itself(simulator):
    seen = []

    def sign(instant):
        seen.append(instant)
        return signed_headers(KEYS, instant)

    async def ask():
        async with open_source(Config(api=Api(base_url=simulator.url)), sign) as source:
            await source.get("wards", {"page": 1}, records_in)
            await source.get("wards", {"page": 2}, records_in)

    fail(simulator, Rule(status=503))
    asyncio.run(ask())
    assert len(seen) == 3
    assert len(set(seen)) == 3
    assert abs((datetime.now(UTC) - seen[-1]).total_seconds()) < 5


def test_the_skew_of_our_clock_is_read_from_the_servers_date(simulator):
    date = datetime.now(UTC) - timedelta(seconds=300)
    fail(simulator, Rule(headers={"Date": format_datetime(date, usegmt=True)}), Rule(drop_headers=("Date",)))
    answers = read(simulator.url, {}, {})
    assert clock_skew(answers[0], datetime.now(UTC)) == pytest.approx(300, abs=3)
    assert clock_skew(answers[1], datetime.now(UTC)) is None


@pytest.mark.parametrize("date", ["yesterday", "", "Mon, 23 Nov 2026 00:00:00 -0000"])
def test_a_date_of_the_server_that_is_none_does_no_harm(simulator, date):
    fail(simulator, Rule(headers={"Date": date}))
    [answer] = read(simulator.url)
    assert is_ok(answer)
    clock_skew(answer, datetime.now(UTC))


# ---------------------------------------------------------------- how many at once


def test_of_requests_that_wait_the_lowest_turn_goes_first_and_then_whoever_came_first(simulator):
    config = Config(api=Api(base_url=simulator.url), settings=Settings(concurrency=1))

    async def ask():
        async with open_source(config, lambda instant: signed_headers(KEYS, instant)) as source:
            turns = {1: 0, 2: 40, 3: 7, 4: 7, 5: 0, 6: 3}
            asked = [
                asyncio.create_task(source.get("wards", {"page": page}, records_in, turn=turn))
                for page, turn in turns.items()
            ]
            await asyncio.sleep(0)  # all of them wait, the first has the place
            asked[5].cancel()
            return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(ask())
    assert [isinstance(one, asyncio.CancelledError) for one in answers] == [False] * 5 + [True]
    assert [request.query["page"] for request in simulator.requests] == ["1", "5", "3", "4", "2"]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_never_more_requests_are_under_way_than_the_setting_says(simulator, concurrency):
    arrivals = []
    delay = 0.1

    def note(body):
        arrivals.append(time.monotonic())
        return body

    fail(simulator, Rule(times=None, delay=delay, mutate=note))
    pages = [{"page": number} for number in range(1, 10)]
    answers = read(simulator.url, *pages, together=True, concurrency=concurrency)
    assert all(is_ok(answer) for answer in answers)
    later = itertools.islice(arrivals, concurrency, None)
    assert all(late - early >= delay * 0.95 for early, late in zip(arrivals, later, strict=False))


def test_as_many_requests_are_under_way_at_once_as_the_setting_allows(simulator):
    fail(simulator, Rule(times=None, delay=0.3))
    start = time.monotonic()
    read(simulator.url, *[{"page": number} for number in range(1, 9)], together=True, concurrency=8)
    assert time.monotonic() - start < 8 * 0.3 * 0.6


def test_a_secure_connection_that_cannot_be_made_is_called_so(simulator):
    with pytest.raises(SourceUnreachable, match="no secure connection: "):
        read(simulator.url.replace("http://", "https://"))
