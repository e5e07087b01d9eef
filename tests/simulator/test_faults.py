"""What tests may break: each fault acts on the requests it names, and on no other."""

import gzip
import time
from http.client import HTTPException, IncompleteRead

import pytest

from planlake.simulator.faults import FaultPlan, Rule
from simulator.conftest import get


def test_a_status_with_headers_and_body_is_given_to_the_nth_matching_requests_only(simulator):
    rule = Rule(resource="fees", nth=2, times=2, status=503, headers={"Retry-After": "1"}, body=b"busy")
    simulator.faults = FaultPlan([rule])
    replies = [get(simulator, "fees") for _ in range(5)]
    assert [reply.status for reply in replies] == [200, 503, 503, 200, 200]
    assert (replies[1].headers["retry-after"], replies[1].body) == ("1", b"busy")
    assert [request.status for request in simulator.requests] == [200, 503, 503, 200, 200]


def test_a_rule_matches_resource_page_and_day(simulator):
    simulator.faults = FaultPlan([Rule(resource="fees", query={"page": "1"}, times=None, status=500)])
    assert [get(simulator, "fees", page=2).status, get(simulator, "wards").status] == [200, 200]
    assert [get(simulator, "fees").status, get(simulator, "fees", page=1).status] == [500, 500]
    simulator.faults = FaultPlan([Rule(query={"last_updated": "2026-11-22"}, status=500)])
    assert get(simulator, "documents", last_updated="2026-11-21").status != 500
    assert get(simulator, "documents", last_updated="2026-11-22").status == 500


def test_a_body_can_be_replaced_or_changed_and_headers_left_out(simulator):
    unlucky = Rule(query={"page": "2"}, body=b"null", drop_headers=("X-Number-Of-Results",))
    simulator.faults = FaultPlan([unlucky, Rule(mutate=lambda body: body[:-10])])
    reply = get(simulator, "documents", page=2)
    assert (reply.status, reply.body) == (200, b"null")
    assert "x-number-of-results" not in reply.headers
    shortened = get(simulator, "documents").body
    assert not shortened.endswith(b"]")


def test_a_packed_body_is_the_business_of_its_header(simulator):
    packed = Rule(headers={"Content-Encoding": "gzip"}, mutate=gzip.compress)
    simulator.faults = FaultPlan([packed])
    assert gzip.decompress(get(simulator, "documents").body).startswith(b"[{")


def test_a_connection_can_be_closed_in_the_middle_of_a_body(simulator):
    simulator.faults = FaultPlan([Rule(cut_at=1_000)])
    with pytest.raises(IncompleteRead) as raised:
        get(simulator, "documents")
    assert len(raised.value.partial) == 1_000
    assert get(simulator, "documents").status == 200


def test_a_connection_can_be_closed_before_any_answer(simulator):
    simulator.faults = FaultPlan([Rule(reset=True)])
    with pytest.raises((HTTPException, ConnectionError)):
        get(simulator, "documents")
    assert get(simulator, "documents").status == 200


def test_an_answer_can_be_late_or_come_in_drips_and_is_whole_all_the_same(simulator):
    expected = get(simulator, "documents").body
    simulator.faults = FaultPlan([Rule(delay=0.2), Rule(nth=2, drip=0.02)])
    for _ in range(2):
        start = time.perf_counter()
        assert get(simulator, "documents").body == expected
        assert time.perf_counter() - start > 0.15


def test_the_servers_date_can_be_set_or_left_out(simulator):
    wrong = "Mon, 23 Nov 2026 00:00:00 GMT"
    simulator.faults = FaultPlan([Rule(headers={"Date": wrong}), Rule(drop_headers=("date",))])
    assert get(simulator, "fees").headers["date"] == wrong
    assert "date" not in get(simulator, "fees").headers
    assert "date" in get(simulator, "fees").headers
