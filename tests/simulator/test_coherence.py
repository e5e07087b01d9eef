"""The cells of generated records go together as those of a council do, also after days of changes."""

from collections import Counter
from datetime import date, datetime, timedelta

import pytest

from planlake.simulator.generator import Shape, generate
from simulator.conftest import NOW, SMALL

TODAY = NOW.date()
AGREED = {
    "extension_of_time_due_date": "extension_of_time_agreed",
    "ppa_decision_due_date": "planning_performance_agreement_signed",
}


@pytest.fixture(scope="module")
def council(catalogue):
    """300 applications, after a month."""
    sizes = SMALL | {"applications": 300}
    data = generate(catalogue, seed=7, now=NOW, sizes=sizes, shape=Shape(daily_change=0.02))
    data.move_to(NOW + timedelta(days=30))
    return data


@pytest.fixture(scope="module")
def applications(council):
    spoilt = {cell.id for cell in council.planted if cell.resource == "applications"}
    return [one for one in council.records("applications") if int(one["id"]) not in spoilt]


def by_id(data, resource):
    return {record["id"]: record for record in data.records(resource)}


def day(text):
    return date.fromisoformat(text[:10]) if text else None


def true_flags(data, resource):
    """The true flags of each name, without those that hang on no name."""
    by_chance = {"enabled", "ceased", "show_on_portal", "cadw_external_referral", "legal_dept_referral", "is_default"}
    return {
        record["name"]: {key for key, cell in record.items() if cell == "t"} - by_chance
        for record in data.records(resource)
    }


def test_most_applications_that_could_be_decided_are_and_every_stage_has_some(applications):
    stages = Counter(int(one["application_stage"]) for one in applications)
    assert set(stages) == set(range(1, 12))
    assert stages[10] + stages[11] > len(applications) * 0.7


def test_stage_and_dates_of_an_application_go_together(applications):
    for one in applications:
        days = [day(one[f"{name}_date"]) for name in ("received", "valid", "registration", "decision_issued")]
        known = [each for each in days if each]
        stage = int(one["application_stage"])
        assert known == sorted(known)
        assert known[-1] <= TODAY + timedelta(days=30)
        assert len(known) == (1 if stage < 3 else 3 if stage < 10 else 4)


def test_decisions_took_from_days_to_more_than_a_year(applications):
    decided = [one for one in applications if one["decision_issued_date"]]
    took = sorted((day(one["decision_issued_date"]) - day(one["valid_date"])).days for one in decided)
    assert took[0] < 14
    assert 40 < took[len(took) // 2] < 70
    assert took[-1] > 364


def test_a_decision_has_a_kind_and_a_level_and_nothing_else_has(applications):
    for one in applications:
        cells = [one["decision_issued_date"], one["decision_type_id"], one["decision_level_id"]]
        assert all(cells) or not any(cells)


def test_the_day_a_decision_is_due_is_that_many_days_after_validity(council, applications):
    codes = by_id(council, "ps_development_codes")
    for one in applications:
        allowed = int(codes[one["ps_development_code_id"]]["expiry_days"]) if one["ps_development_code_id"] else 56
        due = day(one["valid_date"]) + timedelta(days=allowed) if one["valid_date"] else None
        assert day(one["expiry_date"]) == due


@pytest.mark.parametrize("column", AGREED)
def test_an_agreed_day_comes_after_the_day_due_and_is_said_to_be_agreed(applications, column):
    agreed = [one for one in applications if one[column]]
    assert len(agreed) > 10
    assert all(one[column] > one["expiry_date"] and one[AGREED[column]] == "t" for one in agreed)
    decided = [one for one in agreed if one["decision_issued_date"]]
    assert 0 < sum(one["decision_issued_date"] <= one[column] for one in decided) < len(decided) or column[0] == "p"


@pytest.mark.parametrize(("column", "types"), [("applicant_id", {"1", "31"}), ("agent_id", {"2", "32"})])
def test_agents_are_agents_and_applicants_applicants(council, applications, column, types):
    contacts = by_id(council, "contacts")
    assert {contacts[one[column]]["contact_type_id"] for one in applications if one[column]} == types


def test_kinds_of_decisions_say_what_their_names_say(council):
    assert true_flags(council, "decision_types") == {
        **dict.fromkeys(
            ("Granted", "Approved", "No objection", "Prior approval given", "Split decision"),
            frozenset({"approval_decision"}),
        ),
        "Prior approval not required": {"approval_decision", "pa_not_required"},
        "Refused": {"refusal_decision"},
        "Withdrawn": {"withdrawal"},
        "Turned away": {"turned_away"},
        "Called in": {"called_in"},
    }
    codes = {record["name"]: record["exacom_code"] for record in council.records("decision_types")}
    assert {name: code for name, code in codes.items() if code} == {
        **dict.fromkeys(("Granted", "Approved", "Split decision"), "Granted"),
        "Refused": "Refused",
        "Withdrawn": "Withdrawn",
    }


def test_development_types_have_the_group_and_the_days_of_their_names(council):
    days = {record["name"]: record["expiry_days"] for record in council.records("ps_development_codes")}
    assert Counter(days.values()) == {"56": 15, "91": 6, "35": 2, "70": 1, "28": 1}
    assert (days["Major Office"], days["Householder"], days["Notifications"]) == ("91", "56", "28")
    flags = true_flags(council, "ps_development_codes")
    assert {name for name in flags if "major" in flags[name]} == {name for name in flags if "Major" in name}
    assert {name for name in flags if "minor" in flags[name]} == {name for name in flags if "Minor" in name}
    assert flags["Householder"] == {"other"}
    assert flags["Notifications"] == {"other", "notification", "exclude_from_stat_return_totals"}


def test_other_look_ups_say_what_their_names_say(council):
    committees = [name for name, flags in true_flags(council, "decision_levels").items() if flags]
    assert committees == ["Committee"]
    left_out = {one["name"] for one in council.records("application_types") if one["exclude_from_stat_returns"] == "t"}
    assert left_out == {"Works to Trees", "Discharge of Condition", "Non-Material Amendment"}
    actions = true_flags(council, "action_types")
    assert (actions["Stop Notice"], actions["Injunction"]) == ({"is_notice", "stop_notice"}, {"injunction"})
    for one in council.records("eias"):
        assert (one["eia_application"] == "t") == (one["expiry_days"] == "112")
    assert all({one["against_lpa"], one["for_lpa"]} == {"t", "f"} for one in council.records("appeal_decision"))


def test_an_appeal_is_of_one_case_and_decided_after_it_began(council):
    appeals = council.records("appeals")
    assert not any(one["application_id"] and one["enforcement_id"] for one in appeals)
    assert all(one["appeal_decision_date"] for one in appeals if one["appeal_decision_id"])
    dates = [(one["appeal_start_date"], one["appeal_decision_date"]) for one in appeals]
    both = [pair for pair in dates if all(pair)]
    assert len(both) > 10
    assert all(begun <= decided for begun, decided in both)


def test_every_officer_has_a_name_and_every_membership_both_sides(council):
    assert all(one["forename"] and one["surname"] for one in council.records("users"))
    assert all(one["user_id"] and one["user_team_id"] for one in council.records("user_team_map"))


def test_dates_reach_back_as_far_as_is_asked(catalogue):
    for days in (100, 4_000):
        data = generate(catalogue, now=datetime.fromisoformat("2026-11-23"), sizes=SMALL, shape=Shape(days=days))
        oldest = min(one["received_date"] for one in data.records("applications"))
        assert timedelta(days=days * 0.8) < TODAY - day(oldest) < timedelta(days=days)
