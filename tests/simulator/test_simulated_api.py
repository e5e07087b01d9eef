"""The API over HTTP behaves as the facts say."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from planlake.errors import ConfigurationError
from planlake.simulator.app import create_app
from planlake.simulator.server import Simulator
from simulator.conftest import ask, get, read_all, signature


def test_a_request_signed_this_or_the_previous_minute_is_answered(simulator):
    for minutes in (0, 1):
        headers = signature(datetime.now(UTC) - timedelta(minutes=minutes))
        assert ask(simulator, "/rest/v1/wards", headers=headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signature(datetime.now(UTC), private_key="wrong"),
        signature(datetime.now(UTC) - timedelta(minutes=5)),
        signature(datetime.now(UTC) + timedelta(hours=2)),
        signature(datetime.now(UTC)) | {"X-Public": "somebody else"},
    ],
    ids=["no headers", "wrong private key", "five minutes old", "ahead", "wrong public key"],
)
def test_a_request_that_is_not_well_signed_is_refused_with_401_and_the_servers_date(simulator, headers):
    reply = ask(simulator, "/rest/v1/wards", headers=headers)
    assert reply.status == 401
    assert "date" in reply.headers
    assert "error" in reply.records


def test_in_summer_the_hash_is_of_londons_minute_not_utcs(data):
    noon = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    summer = create_app(data, clock=lambda: noon)
    sent = signature(noon)["X-Hash"].encode()
    assert summer._signed({b"x-public": b"planlake-demo-public", b"x-hash": sent})
    winter_hash = signature(noon - timedelta(hours=1))["X-Hash"].encode()
    assert not summer._signed({b"x-public": b"planlake-demo-public", b"x-hash": winter_hash})


def test_a_page_holds_50_records_by_id_and_the_totals_stand_in_the_headers(simulator, data):
    reply = get(simulator, "documents", page=2)
    assert reply.headers["x-number-of-results"] == str(data.count("documents")) == "260"
    assert (reply.headers["x-results-per-page"], reply.headers["x-page-number"]) == ("50", "2")
    assert [int(record["id"]) for record in reply.records] == data.ids("documents")[50:100]


def test_without_a_page_the_first_one_is_given(simulator):
    assert get(simulator, "documents").body == get(simulator, "documents", page=1).body


def test_all_pages_together_are_all_records_in_the_order_of_their_ids(simulator, data):
    assert read_all(simulator, "applications") == data.records("applications")


def test_nothing_to_give_is_202_without_body_and_without_paging_headers(simulator):
    asked = ({"page": 7}, {"id": "99999999"}, {"no_such_field": "1"}, {"last_updated": "1950-01-01"}, {"id": "x"})
    for query in asked:
        reply = get(simulator, "documents", **query)
        assert (reply.status, reply.body) == (202, b"")
        assert not [name for name in reply.headers if name.startswith("x-")]


def test_a_day_matches_every_record_last_updated_on_it_whatever_the_hour(simulator, data):
    day = "2026-11-22"
    expected = [each for each in data.records("documents") if (each["last_updated"] or "").startswith(day)]
    assert expected
    assert read_all(simulator, "documents", last_updated=day) == expected


def test_a_whole_timestamp_matches_only_itself(simulator, data):
    one = next(record for record in data.records("documents") if record["last_updated"])
    assert one in get(simulator, "documents", last_updated=one["last_updated"]).records


def test_any_field_is_an_equality_filter_and_several_must_all_hold(simulator, data):
    wanted = {"contact_type_id": "2", "agent": "t"}
    expected = [record for record in data.records("contacts") if wanted.items() <= record.items()]
    assert expected
    assert read_all(simulator, "contacts", **wanted) == expected


def test_a_filter_finds_text_with_quotes_accents_and_line_breaks(changing, fresh):
    name = 'Zoë said "no"\nto O&#39;Brien'
    fresh.put("wards", fresh.records("wards")[0] | {"name": name})
    assert [record["name"] for record in get(changing, "wards", name=name).records] == [name]


def test_an_id_filter_gives_the_one_record(simulator, data):
    identity = data.ids("applications")[3]
    assert get(simulator, "applications", id=identity).records == [data.record("applications", identity)]


def test_an_unknown_resource_is_a_404_in_html(simulator):
    reply = get(simulator, "nothing_of_the_kind")
    assert reply.status == 404
    assert reply.headers["content-type"].startswith("text/html")


def test_the_documentation_names_every_resource_and_the_postgres_type_of_each_field(simulator, catalogue):
    page = ask(simulator, "/rest/v1/documentation.htmlsome-key", headers={}).body.decode()
    for name in catalogue.resources:
        assert f">{name}</h3>" in page
    section = page.split(">asset_constraints</h3>")[1].split("</table>")[0]
    types = dict(re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td>", section))
    assert types["ward_id"] == "integer"
    assert types["last_updated"] == "timestamp without time zone"
    assert types["advertised_in_press"] == "boolean"
    assert types["name"] == "character varying(255)"


def test_the_state_can_be_asked_for_and_the_clock_moved_from_another_process(changing, fresh):
    state = ask(changing, "/_simulator/state", headers={}).records
    assert (state["now"], state["records"]["applications"]) == ("2026-11-23T03:00:00", 120)
    query = {"now": "2026-11-24T03:00:00"}
    assert ask(changing, "/_simulator/move_to", query, headers={}, method="POST").status == 200
    assert fresh.now == datetime.fromisoformat("2026-11-24T03:00")
    assert ask(changing, "/_simulator/move_to", {"now": "soon"}, headers={}, method="POST").status == 400
    earlier = {"now": "2026-11-01T00:00:00"}
    assert ask(changing, "/_simulator/move_to", earlier, headers={}, method="POST").status == 400


def test_every_request_to_the_api_is_in_the_log_and_no_other(simulator):
    get(simulator, "wards", page=1)
    get(simulator, "wards", page=9)
    ask(simulator, "/_simulator/state", headers={})
    assert [(each.path, each.query, each.status) for each in simulator.requests] == [
        ("/rest/v1/wards", {"page": "1"}, 200),
        ("/rest/v1/wards", {"page": "9"}, 202),
    ]


def test_what_is_put_or_deleted_shows_in_the_next_answer(changing, fresh):
    fresh.put("fees", {"id": "900001", "last_updated": "2026-11-21 10:00:00", "fee": "12.5"})
    assert get(changing, "fees", id="900001").records[0]["fee"] == "12.5"
    fresh.put("fees", {"id": "900001", "last_updated": "2026-11-22 10:00:00", "fee": "13"})
    assert get(changing, "fees", id="900001", last_updated="2026-11-21").status == 202
    fresh.delete("fees", "900001")
    assert get(changing, "fees", id="900001").status == 202


def test_nasty_values_can_be_planted(changing, fresh):
    fresh.put("fees", {"id": "900002", "fee": 12, "fee_reference": "\ud800", "FEE": None})
    fresh.put("fees", {"id": "900003"}, body=b'{"id":"900003","fee":"\xff"}')
    assert get(changing, "fees", id="900002").records == [
        {"id": "900002", "fee": 12, "fee_reference": "\ud800", "FEE": None}
    ]
    assert b"\xff" in get(changing, "fees", id="900003").body


def test_a_port_in_use_is_said_to_be(simulator, data):
    port = int(simulator.url.split(":")[2].split("/")[0])
    with pytest.raises(ConfigurationError, match="cannot be used: Address already in use"):
        Simulator(data, port=port).start()
