"""The shipped model `applications`: each rule with values that were worked out by hand."""

from datetime import date, datetime

import pytest

from flow.trust.shipped import build, failed, lake_of

HOUSEHOLDER = {"id": 3, "name": "Householder", "expiry_days": 56}
MAJOR = {"id": 4, "name": "Major Dwellings", "expiry_days": 91}
NAMELESS = {"id": 5}
SUNDAY_BEFORE_THE_RUN = date(2026, 11, 29)


def at(text):
    return datetime.fromisoformat(text)


def application(*, settings=None, **row):
    """The one row the model makes of one application; its checks hold."""
    row = {"id": 1} | {name: at(value) if name.endswith("_date") else value for name, value in row.items()}
    lake = lake_of(
        applications=[row],
        application_types=[{"id": 7, "name": "Full", "code": "FUL"}],
        ps_development_codes=[HOUSEHOLDER, MAJOR, NAMELESS],
        settings=settings,
    )
    (found,) = build(lake, "applications")
    assert failed(lake, "applications") == []
    return found


def test_the_id_is_called_application_id_and_all_other_columns_keep_their_names():
    found = application(proposal="A shed", received_date="2026-11-02 14:30")
    assert (found["application_id"], found["proposal"], found["received_date"]) == (1, "A shed", at("2026-11-02 14:30"))
    assert "id" not in found


def test_the_type_is_joined_by_its_id():
    found = application(application_type_id=7)
    assert (found["application_type"], found["application_type_code"]) == ("Full", "FUL")


def test_an_application_of_an_unknown_type_stays_without_one():
    found = application(application_type_id=8)
    assert (found["application_type"], found["application_type_code"]) == (None, None)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (3, ("Householder", 56, "Other")),
        (4, ("Major Dwellings", 91, "Major")),
        (5, (None, None, "No Reg. on Stat Returns")),
        (6, (None, None, None)),
        (None, (None, None, None)),
    ],
)
def test_the_development_type_is_joined_by_its_id_and_is_null_without_one(code, expected):
    found = application(ps_development_code_id=code)
    assert (found["development_type"], found["expiry_days"], found["dev_type"]) == expected


@pytest.mark.parametrize("day", ["received", "registration", "decision"])
@pytest.mark.parametrize(
    ("when", "monday"),
    [
        ("2026-11-22", "2026-11-23"),  # a Sunday belongs to the next day's week
        ("2026-11-22 23:59:59", "2026-11-23"),
        ("2026-11-23", "2026-11-23"),
        ("2026-11-24 09:00", "2026-11-23"),
        ("2026-11-27", "2026-11-23"),
        ("2026-11-28 23:59:59", "2026-11-23"),  # a Saturday to the week that ends
        ("2024-12-29", "2024-12-30"),  # across a year, and the 366 days of one
        ("2025-01-01", "2024-12-30"),
        (None, None),
    ],
)
def test_a_report_week_is_the_monday_of_the_week_and_a_sunday_moves_on(day, when, monday):
    column = "decision_issued_date" if day == "decision" else f"{day}_date"
    found = application(**({column: when} if when else {}))
    assert found[f"{day}_report_week"] == (date.fromisoformat(monday) if monday else None)


def test_the_export_date_is_the_day_before_the_run():
    assert application()["export_date"] == SUNDAY_BEFORE_THE_RUN


def test_days_are_calendar_days_whatever_the_time_of_day():
    found = application(
        received_date="2026-11-02 23:00", valid_date="2026-11-05 01:00", decision_issued_date="2026-11-12 00:30"
    )
    assert found["days_received_to_valid"] == 3
    assert found["days_received_to_decision"] == 10
    assert found["days_in_system"] == 27  # to the 29th, of a decided application too


def test_days_are_null_where_a_date_is_missing_and_below_zero_the_wrong_way_round():
    nothing = application(valid_date="2026-11-05")
    assert [nothing[f"days_{what}"] for what in ("received_to_valid", "received_to_decision", "in_system")] == [
        None
    ] * 3
    assert application(received_date="2026-11-05", valid_date="2026-11-02")["days_received_to_valid"] == -3
    assert application(received_date="2026-11-30")["days_in_system"] == -1


@pytest.mark.parametrize(
    ("valid", "registered", "days", "overdue"),
    [
        ("2026-11-23", "2026-11-23", 1, 0),  # Monday to the same Monday: both ends are counted
        ("2026-11-23", "2026-11-27", 5, 0),  # Monday to Friday
        ("2026-11-23 17:00", "2026-11-30 09:00", 6, 1),  # Monday to Monday
        ("2026-11-21", "2026-11-22", 0, 0),  # a weekend
        ("2026-05-01", "2026-05-05", 2, 0),  # Friday to Tuesday, the Monday is May Day
        ("2026-05-01", "2026-05-08", 5, 0),  # Friday to Friday over it
        ("2026-05-01", "2026-05-11", 6, 1),
        ("2026-12-24", "2026-12-29", 2, 0),  # Thursday to Tuesday over Christmas
        ("2026-11-25", "2026-11-23", -3, 0),  # registered first
        ("2026-11-23", None, None, 0),
        (None, "2026-11-23", None, 0),
    ],
)
def test_registration_is_overdue_after_five_working_days_both_ends_counted(valid, registered, days, overdue):
    given = {"valid_date": valid, "registration_date": registered}
    found = application(**{name: value for name, value in given.items() if value})
    assert (found["days_valid_to_registered"], found["flag_overdue_registration"]) == (days, overdue)


def test_an_extension_of_time_goes_before_the_expiry_date():
    both = application(extension_of_time_due_date="2026-12-01 12:00", expiry_date="2026-10-01")
    assert both["date_application_expiry"] == both["current_expiry_date"] == date(2026, 12, 1)
    assert application(expiry_date="2026-10-01 09:00")["date_application_expiry"] == date(2026, 10, 1)


def test_the_calculated_expiry_is_that_many_days_after_receipt_and_used_where_no_other_is_known():
    given = {"received_date": "2026-09-01 16:00", "valid_date": "2026-09-04", "ps_development_code_id": 3}
    found = application(**given)
    assert found["calc_expiry_date"] == found["current_expiry_date"] == date(2026, 10, 27)
    assert found["date_application_expiry"] is None
    other = application(**given, expiry_date="2026-12-24")
    assert (other["calc_expiry_date"], other["current_expiry_date"]) == (date(2026, 10, 27), date(2026, 12, 24))


@pytest.mark.parametrize("missing", ["received_date", "ps_development_code_id"])
def test_no_expiry_is_calculated_without_receipt_or_days(missing):
    given = {"received_date": "2026-09-01", "ps_development_code_id": 3}
    del given[missing]
    found = application(**given)
    assert (found["calc_expiry_date"], found["current_expiry_date"]) == (None, None)
    assert (found["flag_overdue_live"], found["flag_overdue_decided"], found["days_over_expiry"]) == (0, 0, None)


FLAGS = {
    "flag_validated": "valid_date",
    "flag_decided": "decision_issued_date",
    "flag_extended": "extension_of_time_due_date",
    "flag_registered": "registration_date",
    "flag_ppa": "ppa_decision_due_date",
}


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_says_whether_its_own_date_is_there(flag):
    found = application(**{FLAGS[flag]: "2026-11-02"})
    assert {name: found[name] for name in FLAGS} == {name: int(name == flag) for name in FLAGS}


@pytest.mark.parametrize(
    ("decided", "days", "overdue"),
    [
        ("2026-10-01 23:00", 0, 0),  # on the day itself, whatever the time
        ("2026-10-02 00:10", 1, 1),
        ("2026-09-28", -3, 0),
        (None, None, 0),
    ],
)
def test_a_decision_is_overdue_on_a_day_after_the_expiry(decided, days, overdue):
    given = {"decision_issued_date": decided} if decided else {}
    found = application(expiry_date="2026-10-01 12:00", **given)
    assert (found["days_over_expiry"], found["flag_overdue_decided"]) == (days, overdue)


@pytest.mark.parametrize(
    ("expiry", "decided", "overdue"),
    [
        ("2026-11-28", None, 1),
        ("2026-11-29", None, 0),  # the export date itself
        ("2026-11-29 23:00", None, 0),
        ("2026-11-30", None, 0),
        ("2026-11-28", "2026-11-02", 1),  # decided in time: the flag looks at the days only, as it always did
        (None, None, 0),
    ],
)
def test_overdue_on_the_export_date_looks_at_the_expiry_alone(expiry, decided, overdue):
    given = {"expiry_date": expiry, "decision_issued_date": decided}
    found = application(**{name: value for name, value in given.items() if value})
    assert found["flag_overdue_live"] == overdue


STAGES = {
    1: "1: RECEIPT/RECEIVED",
    2: "2: INVALID/INCOMPLETE",
    3: "3: VALID/COMPLETE",
    4: "4: CONSULTATION/PUBLICITY",
    5: "5: CONSULTATION COMPLETE",
    6: "6: ASSESSMENT",
    7: "7: RECOMMENDATION",
    8: "8: COMMITTEE",
    9: "9: DETERMINATION REFERRED",
    10: "10: DECISION ISSUED",
    11: "11: UNDER APPEAL",
    12: None,
    0: None,
    None: None,
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_named_with_its_number_and_an_unknown_one_has_no_name(stage):
    assert application(application_stage=stage)["application_stage_name"] == STAGES[stage]


def test_each_application_counts_once():
    assert application()["counter_application"] == 1


def test_columns_nobody_reports_on_are_left_out_where_the_setting_names_them():
    found = application(
        proposal="A shed", expiry_date="2026-10-01", settings={"applications_left_out": "proposal,  expiry_date"}
    )
    assert not {"proposal", "expiry_date"} & set(found)
    assert found["current_expiry_date"] == date(2026, 10, 1)  # what is worked out from them stays
    assert "received_date" in found
