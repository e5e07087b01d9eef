"""The shipped reports: each figure worked out by hand, and the identities between them.

The run is on Monday, 30 November 2026, so the last report week is the one that begins on that day.
"""

from datetime import date, datetime

import pytest

from flow.trust.shipped import REPORTS, build, header_of, lake_of, text_of

REFERENCE = "application_reference_number"
TYPES = [{"id": 7, "name": "Full", "code": "FUL"}, {"id": 8, "name": "Trees", "code": "TPO"}]
USERS = [{"id": 1, "forename": "Ada"}, {"id": 2, "forename": "Bo"}]
TEAMS = {
    "user_teams": [{"id": 5, "name": "South"}, {"id": 6, "name": "North"}],
    "user_team_map": [{"user_id": 1, "user_team_id": 5}, {"user_id": 1, "user_team_id": 6}],
}
MONDAYS = [date(2026, 11, day) for day in (9, 16, 23, 30)]


def dated(rows):
    """Rows with numbers; a text in them is a day, without a year of 2026."""
    return [
        {"id": number}
        | {
            key: datetime.fromisoformat(f"2026-{one}"[-10:]) if isinstance(one, str) and key != REFERENCE else one
            for key, one in row.items()
        }
        for number, row in enumerate(rows, 1)
    ]


def application(received=None, decided=None, *, kind=7, stage=3, **others):
    given = {"received_date": received, "decision_issued_date": decided}
    return {"application_type_id": kind, "application_stage": stage, **given, **others}


def reports_of(*, settings=None, applications=(), enforcements=()):
    """A DuckDB in which all reports can be asked."""
    lake = lake_of(
        applications=dated(applications),
        enforcements=dated(enforcements),
        application_types=TYPES,
        users=USERS,
        **TEAMS,
        settings=settings,
    )
    for name in ("applications", "officers"):
        build(lake, name)
    for name in sorted(REPORTS, key=lambda one: not one.endswith("cases")):  # the others read these two
        lake.execute(f"create view trusted.{name} as {text_of(name)}")
    return lake


def asked(lake, query):
    return lake.execute(query).fetchall()


def of_applications(query, *applications, **settings):
    return asked(reports_of(applications=applications, settings=settings), query)


def of_enforcements(query, *enforcements, **settings):
    return asked(reports_of(enforcements=enforcements, settings=settings), query)


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_a_view_with_its_definition_in_one_to_three_sentences(name):
    comment, said = header_of(name)
    assert said["kind"] == "view"
    assert 1 <= comment.count(". ") + 1 <= 3
    assert comment.endswith(".")
    made = [one[0] for one in asked(reports_of(), f"describe trusted.{name}")]
    assert set(said["columns"]) <= set(made)


CASES = "select began, ended, outcome, left_out from trusted.report_cases"


@pytest.mark.parametrize(
    ("row", "settings", "expected"),
    [
        (application("11-02"), {}, ("11-02", None, "live", None)),
        (application("11-02", "11-12"), {}, ("11-02", "11-12", "decided", None)),
        (application("11-30", "11-30"), {}, ("11-30", "11-30", "decided", None)),
        (application("11-02", "11-12", ceased=True, ceased_date="11-20"), {}, ("11-02", "11-12", "decided", None)),
        (application("11-02", ceased=True, ceased_date="11-20"), {}, ("11-02", "11-20", "ceased", None)),
        (
            application("11-02", ceased=True, ceased_date="11-20"),
            {"reports_ceased": "live"},
            ("11-02", None, "live", None),
        ),
        (application("11-02", ceased_date="11-20"), {}, ("11-02", None, "live", None)),
        (
            application("11-02", valid_date="11-05"),
            {"reports_begin": "valid_date"},
            ("11-05", None, "live", None),
        ),
        (application("11-02"), {"reports_begin": "valid_date"}, (None, None, "live", "no valid_date")),
        (application(), {}, (None, None, "live", "no received_date")),
        (application("11-02", ceased=True), {}, ("11-02", None, "ceased", "ceased without ceased_date")),
        (application("11-02", stage=10), {}, ("11-02", None, "live", "stage 10 without decision_issued_date")),
        (application("11-02", "11-01"), {}, ("11-02", "11-01", "decided", "ended before it began")),
        (application("12-01"), {}, ("12-01", None, "live", "a date after today")),
        (application("11-02", "12-01"), {}, ("11-02", "12-01", "decided", "a date after today")),
        (
            application("12-02", "12-01"),
            {},
            ("12-02", "12-01", "decided", "ended before it began; a date after today"),
        ),
    ],
)
def test_when_an_application_begins_and_ends_and_why_it_is_left_out(row, settings, expected):
    began, ended, *others = expected
    days = [date.fromisoformat(f"2026-{day}") if day else None for day in (began, ended)]
    assert of_applications(CASES, row, **settings) == [(*days, *others)]


def test_a_setting_that_is_no_choice_is_refused():
    with pytest.raises(Exception, match="reports_begin is received_date or valid_date"):
        of_applications(CASES, application("11-02"), reports_begin="valid")
    with pytest.raises(Exception, match="reports_ceased is ended or live"):
        of_applications(CASES, application("11-02"), reports_ceased="Live")
    with pytest.raises(Exception, match="reports_age_bands is days with commas"):
        of_applications("from trusted.report_live_by_age", application("11-02"), reports_age_bands="8 weeks")
    with pytest.raises(Exception, match="reports_ceased is ended or live"):
        of_enforcements("from trusted.report_enforcements_by_age", ENFORCEMENTS[5], reports_ceased="Live")


FORTNIGHT = (
    application("11-10"),  # live since
    application("11-10", "11-17"),
    application("11-15", "11-28"),  # Sunday to Saturday: received in the week of the 16th, decided in that of the 23rd
    application("11-16", "11-22", kind=8),  # decided on the Sunday before the 23rd
    application("11-17", ceased=True, ceased_date="11-18"),
    application("11-30", kind=None),
    application(None, "11-17"),
    application("11-17", "11-10"),
)


def test_received_and_decided_by_week_and_type():
    assert of_applications("from trusted.report_received_and_decided", *FORTNIGHT) == [
        (MONDAYS[0], "FUL", "Full", 2, 0),
        (MONDAYS[1], "FUL", "Full", 2, 1),
        (MONDAYS[1], "TPO", "Trees", 1, 0),
        (MONDAYS[2], "FUL", "Full", 0, 1),
        (MONDAYS[2], "TPO", "Trees", 0, 1),
        (MONDAYS[3], None, None, 1, 0),
    ]


def test_the_backlog_is_what_was_live_plus_received_less_ended():
    assert of_applications("from trusted.report_backlog", *FORTNIGHT) == [
        (MONDAYS[0], 0, 2, 0, 0, 2),
        (MONDAYS[1], 2, 3, 1, 1, 3),
        (MONDAYS[2], 3, 0, 2, 0, 1),
        (MONDAYS[3], 1, 1, 0, 0, 2),
    ]


def test_a_week_in_which_nothing_happened_has_a_row_and_the_last_is_that_of_the_day():
    rows = of_applications("select report_week, live_at_end from trusted.report_backlog", application("11-11"))
    assert rows == [(monday, 1) for monday in MONDAYS]
    assert of_applications("from trusted.report_backlog") == []


def test_live_applications_by_stage_and_age():
    rows = (
        *(application("11-30"), application("10-05"), application("10-04"), application("08-31")),  # 0, 56, 57, 91 days
        *(application("2025-11-30", stage=6), application("2025-12-01", stage=6)),  # 365 and 364 days
        *(application("11-30", "11-30"), application("11-02", stage=None)),
    )
    assert of_applications("from trusted.report_live_by_age", *rows) == [
        (3, "3: VALID/COMPLETE", 0, 56, 2, 56),
        (3, "3: VALID/COMPLETE", 57, 91, 2, 91),
        (6, "6: ASSESSMENT", 183, 364, 1, 364),
        (6, "6: ASSESSMENT", 365, None, 1, 365),
        (None, None, 0, 56, 1, 28),
    ]


def test_what_is_over_its_date_is_live_and_past_the_later_of_its_days():
    rows = (
        application("10-01", expiry_date="11-30"),  # today is in time
        application("10-01", expiry_date="11-29", **{REFERENCE: "2026/0001"}),
        application("10-01", expiry_date="11-01", extension_of_time_due_date="11-20"),
        application("10-01", expiry_date="11-01", ppa_decision_due_date="11-25"),
        application("10-01", expiry_date="11-01", ppa_decision_due_date="10-25"),
        application("10-01", "11-15", expiry_date="11-01"),  # decided
        application("10-01"),  # nobody knows when it is due
    )
    columns = f"application_id, {REFERENCE}, due, days_over"
    assert of_applications(f"select {columns} from trusted.report_over_date", *rows) == [
        (5, None, date(2026, 11, 1), 29),
        (3, None, date(2026, 11, 20), 10),
        (4, None, date(2026, 11, 25), 5),
        (2, "2026/0001", date(2026, 11, 29), 1),
    ]


def test_the_bands_of_age_are_a_setting():
    bands = of_applications(
        "select age_from, age_to, live from trusted.report_live_by_age",
        *(application("11-30"), application("11-20"), application("11-19"), application("11-09")),  # 0, 10, 11, 21 days
        reports_age_bands="10,20",
    )
    assert bands == [(0, 10, 2), (11, 20, 1), (21, None, 1)]


def test_the_case_load_of_officers_and_teams():
    rows = (
        *(application("10-01", officer_id=1), application("10-01", "11-02", officer_id=1)),  # 28 days ago: not lately
        application("10-01", "11-03", officer_id=1),
        *(application("10-01", officer_id=2), application("10-01", officer_id=2)),
        *(application("10-01", "11-30", officer_id=9), application("10-01"), application(officer_id=2)),
    )
    assert of_applications("from trusted.report_case_load", *rows) == [
        (2, "Bo", None, None, 2, 0, 0, 1),
        (1, "Ada", 5, "South", 1, 1, 2, 1),
        (1, "Ada", 6, "North", 1, 1, 2, 0),
        (None, None, None, None, 1, 0, 0, 1),
        (9, None, None, None, 0, 1, 1, 1),
    ]
    lately = of_applications(
        "select decided_lately from trusted.report_case_load where user_team_id = 5", *rows, reports_decided_days="29"
    )
    assert lately == [(2,)]


def test_what_cannot_be_placed_is_listed_once_with_all_its_reasons():
    rows = (
        application("11-02"),
        application(kind=None, stage=None, officer_id=2),
        application("11-02", kind=9),
        application("11-02", stage=12),
        application("11-02", "11-03", stage=None),  # the stage of what is decided matters no more
        application("11-02", stage=10),
    )
    assert of_applications("from trusted.report_not_placed", *rows) == [
        (2, 2, "no received_date; no application type; live without a known stage", False),
        (3, None, "no application type", True),
        (4, None, "live without a known stage", True),
        (6, None, "stage 10 without decision_issued_date", False),
    ]


def enforcement(received=None, closed=None, **others):
    return {"complaint_received_date": received, "date_file_closed": closed, **others}


ENFORCEMENTS = (
    enforcement("11-30", target_for_closure="11-30"),
    enforcement("10-05", target_for_closure="11-29"),  # 56 days
    enforcement(complaint_received="10-04"),  # 57 days
    enforcement("10-04", complaint_received="01-01"),
    enforcement("2024-11-30", "11-30", target_for_closure="01-01"),  # 730 days
    enforcement("11-01", ceased=True, ceased_date="11-02"),
    enforcement(),
    enforcement("11-02", "11-01", user_team_id=5),
    enforcement("12-01"),
    enforcement("11-02", reason_for_file_closure_id=3),
    enforcement("11-02", ceased=True),
)


def test_enforcement_cases_by_age():
    assert of_enforcements("from trusted.report_enforcements_by_age", *ENFORCEMENTS) == [
        (0, 56, 2, 1, 1),
        (57, 91, 2, 0, 0),
        (365, None, 0, 0, 1),
    ]


def test_a_ceased_enforcement_case_is_open_where_the_setting_says_so():
    rows = of_enforcements("from trusted.report_enforcements_by_age", ENFORCEMENTS[5], reports_ceased="live")
    assert rows == [(0, 56, 1, 0, 0)]


def test_enforcement_cases_that_cannot_be_placed_are_listed():
    assert of_enforcements(
        "select enforcement_id, reason from trusted.report_enforcements_not_placed", *ENFORCEMENTS
    ) == [
        (7, "no complaint_received_date or complaint_received"),
        (8, "ended before it began"),
        (9, "a date after today"),
        (10, "a reason for closing the file without date_file_closed"),
        (11, "ceased without ceased_date"),
    ]
