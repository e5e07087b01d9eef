"""Speed, quality, the guarantee, and what is to be put right: each figure worked out by hand."""

from datetime import date, timedelta

import duckdb
import pytest

from flow.trust.returns import ASSESSED, DECISIONS, DELEGATED, application, asked, day, returns_of
from flow.trust.shipped import FOLDER
from flow.trust.test_returns import TWENTY

MAJOR = "major dwellings"
SPEED = """select decisions, in_time, in_statutory_time, in_time_percent, in_statutory_time_percent, threshold_percent,
    is_under from trusted.return_speed where measure = '{}' and window_end = '{}'"""


def test_speed_of_majors_in_time_and_in_statutory_time():
    lake = returns_of(*TWENTY)
    majors = [(20, 16, 4, 80.0, 20.0, 60.0, False)]
    assert asked(lake, SPEED.format("majors", "2025-06-30")) == majors
    assert asked(lake, SPEED.format("majors", "2026-03-31")) == [(16, 12, 0, 75.0, 0.0, 60.0, False)]
    assert asked(lake, SPEED.format("majors", "2026-06-30")) == [(0, 0, 0, None, None, 60.0, None)]
    assert asked(lake, SPEED.format("non-majors", "2025-06-30")) == [(0, 0, 0, None, None, 70.0, None)]
    ends = "select min(window_end), max(window_end), count(*) from trusted.return_speed"
    assert asked(lake, ends) == [(day("03-31"), date(2026, 12, 31), 16)]


def test_the_months_of_speed_begin_a_year_before_their_end_and_can_be_set():
    rows = [application(valid="2024-10-01", issued=issued) for issued in ("2024-12-31", "01-01", "12-31", "2026-01-01")]
    query = "select decisions from trusted.return_speed where measure = 'non-majors' and window_end = '2025-12-31'"
    assert asked(returns_of(*rows), query) == [(2,)]
    assert asked(returns_of(*rows, settings={"returns_speed_months": 24}), query) == [(3,)]


def test_which_decisions_speed_measures():
    kinds = ("minor dwellings", "change of use", "householder", "minerals", "listed", "certificate", "in principle")
    majors = ("technical details", "infrastructure", "major offices", MAJOR)
    rows = [application(kind, "03-03") for kind in (*kinds, *majors, "not in totals", "trees")]
    rows += [application(MAJOR, "03-03", "withdrawn"), application(MAJOR, "03-03", "No objection"), application(MAJOR)]
    query = "select measure, decisions from trusted.return_speed where window_end = '2025-03-31'"
    assert asked(returns_of(*rows), query) == [("majors", 4), ("non-majors", 3)]


@pytest.mark.parametrize(
    ("in_time", "late", "settings", "expected"),
    [
        (6, 4, {}, False),
        (5, 4, {}, True),
        (6, 4, {"returns_speed_majors": 60.5}, True),
        (0, 2, {}, None),
        (0, 3, {}, True),
        (0, 2, {"returns_few_majors": 1}, True),
    ],
)
def test_a_council_is_under_the_threshold_of_majors(in_time, late, settings, expected):
    rows = [application(MAJOR, "04-07")] * in_time + [application(MAJOR, "04-08")] * late
    under = "select is_under from trusted.return_speed where measure = 'majors' and window_end = '2025-06-30'"
    assert asked(returns_of(*rows, settings=settings), under) == [(expected,)]


def test_non_majors_are_assessed_however_few():
    rows = [application(issued="03-03")] * 7 + [application(issued="03-04")] * 3
    under = "select is_under from trusted.return_speed where measure = 'non-majors' and window_end = '2025-03-31'"
    assert asked(returns_of(*rows), under) == [(False,)]
    assert asked(returns_of(*rows, settings={"returns_speed_non_majors": 71}), under) == [(True,)]
    assert asked(returns_of(application(issued="03-04")), under) == [(True,)]


ALLOWED, DISMISSED, IN_PART, WITHDRAWN = 1, 2, 3, 4  # ids in appeal_decision
APPEAL_DECISIONS = [{"against_lpa": True}, {"for_lpa": True}, {"against_lpa": True, "for_lpa": True}, {}]
QUALITY = (
    "select decisions, overturned, overturned_percent, is_over from trusted.return_quality where measure = 'majors'"
)
AT_MARCH = f"{QUALITY} and window_end = '2024-03-31'"


def appeal(number, decided, decision=ALLOWED, **others):
    return {"application_id": number, "appeal_decision_date": decided, "appeal_decision_id": decision, **others}


def quality_of(rows, appeals, settings=None):
    return returns_of(*rows, appeals=appeals, appeal_decision=APPEAL_DECISIONS, settings=settings)


def refused(count, issued="2024-03-31", valid="2022-05-01"):
    return [application(MAJOR, issued, "refused", valid=valid)] * count


def test_ten_percent_overturned_is_not_above_ten_percent():
    appeals = [*(appeal(number, "2024-12-31") for number in range(1, 10)), appeal(10, "2025-01-05")]
    lake = quality_of(refused(90), appeals)
    assert asked(lake, AT_MARCH) == [(90, 9, 10.0, False)]
    later = f"{QUALITY} and window_end = '2024-06-30'"
    assert asked(lake, later) == [(90, 10, 10 / 90 * 100, True)]
    assert asked(quality_of(refused(90), appeals, {"returns_quality_percent": 9.9}), AT_MARCH) == [(90, 9, 10.0, True)]


def test_the_months_of_quality_are_those_of_the_decision_and_can_be_set():
    rows = [
        application(MAJOR, issued, "refused", valid="2022-01-03")
        for issued in ("2022-03-31", "2022-04-01", "2024-03-31", "2024-04-01")
    ]
    appeals = [appeal(number, "2024-06-01") for number in (1, 2, 3, 4)]
    assert asked(quality_of(rows, appeals), AT_MARCH) == [(2, 2, 100.0, None)]
    assert asked(quality_of(rows, appeals, {"returns_quality_months": 12}), AT_MARCH) == [(1, 1, 100.0, None)]


@pytest.mark.parametrize(
    ("row", "appeals", "settings", "expected"),
    [
        (refused(1)[0], [appeal(1, "2024-06-01")], {}, (1, 1)),
        (refused(1)[0], [appeal(1, "2024-06-01"), appeal(1, "2024-06-02")], {}, (1, 1)),
        (refused(1)[0], [appeal(1, "2024-06-01", DISMISSED), appeal(1, "2024-06-02")], {}, (1, 1)),
        (refused(1)[0], [appeal(1, "2024-03-30")], {}, (1, 0)),
        (refused(1)[0], [appeal(1, "2024-03-30"), appeal(1, "2024-03-31")], {}, (1, 1)),
        (refused(1)[0], [appeal(1, "2024-06-01", DISMISSED)], {}, (1, 0)),
        (refused(1)[0], [appeal(1, "2024-06-01", WITHDRAWN)], {}, (1, 0)),
        (refused(1)[0], [appeal(1, "2024-06-01", IN_PART)], {}, (1, 1)),
        (refused(1)[0], [appeal(1, "2024-06-01", IN_PART)], {"returns_part_allowed": "not overturned"}, (1, 0)),
        (refused(1)[0], [appeal(1, "2024-06-01", enforcement_id=3)], {}, (1, 0)),
        (application(MAJOR, "2024-03-31", valid="2023-11-01"), [appeal(1, "2024-06-01")], {}, (1, 0)),
        (application(MAJOR, valid="2023-11-01"), [appeal(1, "2024-06-01", appeal_start_date="2024-03-31")], {}, (1, 1)),
        (application(MAJOR, valid="2023-11-01"), [appeal(1, "2024-06-01", submit_date="2024-03-31")], {}, (1, 1)),
        (application(MAJOR, valid="2023-11-01"), [appeal(1, "2024-06-01", appeal_start_date="2024-04-01")], {}, (0, 0)),
        (
            application(MAJOR, valid="2023-11-01"),
            [appeal(1, "2024-06-01", DISMISSED, appeal_start_date="2024-03-31")],
            {},
            (1, 0),
        ),
        (
            application(MAJOR, valid="2023-11-01"),
            [appeal(1, "2024-06-01", WITHDRAWN, appeal_start_date="2024-03-31")],
            {},
            (0, 0),
        ),
        (
            application(MAJOR, valid="2023-11-01"),
            [appeal(1, "2024-06-01", appeal_start_date="2024-03-31")],
            {"returns_failures": "not added"},
            (0, 0),
        ),
    ],
)
def test_what_is_overturned_at_appeal(row, appeals, settings, expected):
    assert [one[:2] for one in asked(quality_of([row], appeals, settings), AT_MARCH)] == [expected]


@pytest.mark.parametrize("name", ["returns_failures", "returns_part_allowed"])
def test_a_setting_of_quality_that_is_no_choice_is_refused(name):
    rows = [application(MAJOR, valid="2023-11-01")]
    with pytest.raises(Exception, match=f"the setting {name} is "):
        asked(quality_of(rows, [appeal(1, "2024-06-01", appeal_start_date="2024-03-31")], {name: "maybe"}), QUALITY)


GUARANTEE = "select measure, last_day, refund_from, is_due, why_not from trusted.return_guarantee"
NOBODY_KNOWS = "over on a day that is not known"
MINOR_DUE = ("non-major", day("04-28"), day("04-29"), True, None)


@pytest.mark.parametrize(
    ("row", "settings", "expected"),
    [
        (application(), {}, MINOR_DUE),
        (application(issued="04-28"), {}, None),
        (application(issued="04-29"), {}, MINOR_DUE),
        (application(issued="04-28", decision="withdrawn"), {}, None),
        (application(MAJOR), {}, ("major", day("07-06"), day("07-07"), True, None)),
        (application(MAJOR, "07-06"), {}, None),
        (
            application("minor dwellings", site_area_hectares=1.0),
            {},
            ("major", day("07-06"), day("07-07"), True, None),
        ),
        (application("listed"), {}, None),
        (application("certificate"), {}, None),
        (application("in principle"), {}, None),
        (application(eia_id=ASSESSED), {}, MINOR_DUE),
        (application(extension_of_time_due_date="03-14"), {}, (*MINOR_DUE[:3], False, "an agreement")),
        (application(planning_performance_agreement_signed=True), {}, (*MINOR_DUE[:3], False, "an agreement")),
        (application(decision="called in"), {}, (*MINOR_DUE[:3], False, "called in")),
        # A notice is one whatever it says, and what is over is not waiting for one.
        (application(issued="02-10", decision="No objection"), {}, None),
        (application(issued="02-10") | {"decision_type_id": None}, {}, None),
        (application(issued="04-29", decision="No objection"), {}, MINOR_DUE),
        (application(issued="02-10", decision="Quashed"), {"returns_live_again": "Quashed"}, None),
        (application(decision="Quashed"), {"returns_live_again": "Quashed"}, MINOR_DUE),
        (application(decision="withdrawn"), {}, (*MINOR_DUE[:3], False, NOBODY_KNOWS)),
        (application(decision="turned away"), {}, (*MINOR_DUE[:3], False, NOBODY_KNOWS)),
        (application(ceased=True, ceased_date="02-10"), {}, None),
        (application(ceased=True, ceased_date="04-29"), {}, MINOR_DUE),
        (application(ceased=True), {}, (*MINOR_DUE[:3], False, NOBODY_KNOWS)),
        (application(ceased_date="02-10"), {}, MINOR_DUE),
        # An agreement in writing stands against it, however the return counts it.
        *(
            (application(**agreement), {setting: "not agreed"}, expected)
            for setting, agreement, expected in (
                (
                    "returns_agreed_before_period",
                    {"extension_of_time_agreed": True, "extension_of_time_due_date": "02-10"},
                    (*MINOR_DUE[:3], False, "an agreement"),
                ),
                (
                    "returns_flag_without_date",
                    {"extension_of_time_agreed": True},
                    (*MINOR_DUE[:3], False, "an agreement"),
                ),
                ("returns_date_without_flag", {"ppa_decision_due_date": "03-14"}, MINOR_DUE),
            )
        ),
        (
            application(valid="2026-08-10"),
            {},
            ("non-major", day("2026-11-30"), day("2026-12-01"), False, "not yet"),
        ),
        (
            application(valid="2026-08-09"),
            {},
            ("non-major", day("2026-11-29"), day("2026-11-30"), True, None),
        ),
        (
            application(valid="2026-09-06"),
            {},
            ("non-major", day("2026-12-27"), day("2026-12-28"), False, "not yet"),
        ),
        (application(valid="2026-09-07"), {}, None),
        (
            application(valid="2026-09-07"),
            {"returns_guarantee_near": 29},
            ("non-major", day("2026-12-28"), day("2026-12-29"), False, "not yet"),
        ),
        (application(valid="2023-12-06"), {}, ("non-major", day("2024-03-27"), day("2024-03-28"), True, None)),
        (application(valid="2023-12-05"), {}, ("non-major", day("2024-06-03"), day("2024-06-04"), True, None)),
        (
            application(valid="2023-12-05"),
            {"returns_guarantee_from": "2023-12-05"},
            ("non-major", day("2024-03-26"), day("2024-03-27"), True, None),
        ),
        (application(valid="2013-10-01"), {}, ("non-major", day("2014-03-31"), day("2014-04-01"), True, None)),
        (application(valid="2013-09-30"), {}, None),
        (
            application(valid="2013-09-30"),
            {"returns_guarantee_since": "2013-09-30"},
            ("non-major", day("2014-03-30"), day("2014-03-31"), True, None),
        ),
    ],
)
def test_from_when_the_fee_is_due_and_why_it_is_not(row, settings, expected):
    assert asked(returns_of(row, settings=settings), GUARANTEE) == ([expected] if expected else [])


def test_an_appeal_without_a_day_may_have_come_before_the_last_one():
    appeals = [{"application_id": 1}, {"application_id": 1, "submit_date": "05-10"}]
    lake = returns_of(application(), appeals=appeals)
    assert asked(lake, "select is_due, why_not from trusted.return_guarantee") == [(False, "an appeal without a date")]


def test_a_case_of_the_guarantee_has_what_a_letter_about_it_needs():
    lake = returns_of(application(issued="04-29", application_reference_number="R17"))
    asked_for = "application_reference_number, valid_day, closed_day, outcome"
    assert asked(lake, f"select {asked_for} from trusted.return_guarantee") == [
        ("R17", day("01-06"), day("04-29"), "granted")
    ]


@pytest.mark.parametrize(
    ("given", "is_due"),
    [
        ({"appeal_start_date": "04-28"}, False),
        ({"submit_date": "04-28"}, False),
        ({"appeal_start_date": "04-29", "submit_date": "04-01"}, True),
        ({"appeal_start_date": "04-28", "enforcement_id": 3}, True),
    ],
)
def test_an_appeal_before_the_last_day_ends_the_guarantee(given, is_due):
    lake = returns_of(application(), appeals=[{"application_id": 1, **given}])
    assert asked(lake, "select is_due, why_not from trusted.return_guarantee") == [
        (is_due, None if is_due else "an appeal")
    ]


PLAIN = {"decision_level_id": DELEGATED}


@pytest.mark.parametrize(
    ("row", "reason", "is_counted"),
    [
        (application(issued="03-03", **PLAIN), None, None),
        (application(), None, None),
        (application(None, "03-03", **PLAIN), "no development type", False),
        (application("trees", "03-03", **PLAIN), "its development type has no line", False),
        (application(issued="03-03", valid=None, **PLAIN), "ended without valid_date", False),
        (application(issued="01-05", **PLAIN), "ended before it was valid", False),
        (
            application(issued="03-03", decision="No objection"),
            "a kind of decision that neither grants nor refuses",
            True,
        ),
        (application(decision="withdrawn"), "withdrawn without a date", True),
        (application(ceased=True), "ceased without a decision, which counts as live", True),
        (application(issued="03-03"), "decided at no known level", True),
        (application(extension_of_time_agreed=True), "an extension of time without its date", True),
        (application(extension_of_time_due_date="03-14"), "the date of an extension of time without its flag", True),
        (application(planning_performance_agreement_signed=True), "a performance agreement without its date", True),
        (application(ppa_decision_due_date="03-14"), "the date of a performance agreement without its flag", True),
        (
            application(extension_of_time_agreed=True, extension_of_time_due_date="03-03"),
            "agreed for a day within the statutory period",
            True,
        ),
        (application(extension_of_time_agreed=True, extension_of_time_due_date="03-04"), None, None),
        (
            application(environmental_statement_es_attached=True),
            "an environmental statement, no assessment",
            True,
        ),
        (application(environmental_statement_es_attached=True, eia_id=ASSESSED), None, None),
        (
            application("minor dwellings", approved_units=9, site_area_hectares=1.0),
            "major by law with 1.0 ha, on the line Q13",
            True,
        ),
        (application("householder", site_area_hectares=1.0), None, None),
        (application("prior approval", "02-10", valid=None), "ended without valid_date", False),
        (application("prior approval", "02-10", "No objection"), "a kind of decision that is no answer", True),
        (application("prior approval", decision="withdrawn"), "withdrawn without a date", True),
        (application("prior approval"), None, None),
        *(
            (
                application(kind, decision=decision) | {"decision_type_id": [*DECISIONS].index(decision) + 1},
                f"{said} without a date",
                True,
            )
            for kind, decision, said in (
                ("householder", "granted", "granted"),
                ("householder", "refused", "refused"),
                ("householder", "called in", "called in"),
                ("householder", "transferred", "turned away"),
                ("householder", "No objection", "a kind of decision that neither grants nor refuses,"),
                ("prior approval", "granted", "granted"),
                ("prior approval", "not required", "not required"),
                ("prior approval", "No objection", "a kind of decision that is no answer,"),
            )
        ),
        (application(valid=None, extension_of_time_agreed=True), "an extension of time without its date", False),
        (application("prior approval", decision="withdrawn", valid=None), "withdrawn without a date", False),
    ],
)
def test_what_is_to_be_looked_at_before_a_return_is_sent(row, reason, is_counted):
    lake = returns_of({**row, "officer_id": 4})
    listed = "select application_id, officer_id, reason, is_counted from trusted.return_not_placed"
    assert asked(lake, listed) == ([(1, 4, reason, is_counted)] if reason else [])


UNDECIDED = application(MAJOR, valid="2023-11-01")
NEITHER = "of what was not decided, without appeal_start_date and submit_date"


@pytest.mark.parametrize(
    ("row", "one", "reason"),
    [
        (refused(1)[0], appeal(1, None), "allowed without appeal_decision_date"),
        (refused(1)[0], appeal(1, "2024-03-30"), "allowed before the decision"),
        (UNDECIDED, appeal(1, "2024-06-01"), NEITHER),
        (UNDECIDED, appeal(1, "2024-06-01", DISMISSED), NEITHER),
        (UNDECIDED, appeal(1, None), f"allowed without appeal_decision_date; {NEITHER}"),
        (refused(1)[0], appeal(1, "2024-03-31"), None),
        (refused(1)[0], appeal(1, None, DISMISSED), None),
        (refused(1)[0], appeal(1, None, WITHDRAWN), None),
        (refused(1)[0], appeal(1, None, enforcement_id=3), None),
        (UNDECIDED, appeal(1, "2024-06-01", submit_date="2024-01-01"), None),
        (application(MAJOR, "2024-03-31", valid="2023-11-01"), appeal(1, None), None),
        (application("listed", "03-03", "refused"), appeal(1, None), None),
    ],
)
def test_an_appeal_that_quality_cannot_count_is_listed(row, one, reason):
    lake = quality_of([{**row, **PLAIN}], [one])
    listed = "select application_id, reason, is_counted from trusted.return_not_placed"
    assert asked(lake, listed) == ([(1, f"appeal 1: {reason}", False)] if reason else [])


def test_all_that_is_wrong_with_an_application_is_said_in_one_row():
    lake = returns_of(application(issued="01-05", extension_of_time_agreed=True))
    said = "ended before it was valid; decided at no known level; an extension of time without its date"
    assert asked(lake, "select reason, is_counted from trusted.return_not_placed where application_id = 1") == [
        (said, False)
    ]


def test_days_of_the_planning_system_that_are_not_those_of_the_returns_are_listed():
    lake = returns_of()
    listed = "select application_id, reason, is_counted from trusted.return_not_placed"
    assert asked(lake, listed) == []
    lake.execute("update refined.ps_development_codes set expiry_days = 60 where name = 'Minor Residential'")
    lake.execute("update refined.eias set expiry_days = 105")
    assert asked(lake, listed) == [
        (None, "assessment 1 has 105 expiry_days, the law 112", True),
        (None, "development type 3 has 60 expiry_days, its line 56", True),
    ]


def test_no_day_is_in_two_quarters_and_none_in_no_quarter():
    first = date(2025, 1, 1)
    rows = [
        application(issued=f"{first + timedelta(days=number)}T{clock}", valid="2024-12-02")
        for number in range(0, 365, 7)
        for clock in ("00:00:00", "23:59:59")
    ] + [application(issued=f"2025-{border}", valid="2024-12-02") for border in ("03-31", "06-30", "09-30", "12-31")]
    lake = returns_of(*rows)
    totals = "select quarter, total from trusted.return_ps2 where line = 'Total' and year(quarter) = 2025"
    counted = dict(asked(lake, totals))
    expected = {day(f"{month:02}-01"): 0 for month in (1, 4, 7, 10)}
    for row in rows:
        issued = row["decision_issued_date"].date()
        expected[date(issued.year, (issued.month - 1) // 3 * 3 + 1, 1)] += 1
    assert counted == expected


@pytest.mark.parametrize(
    ("name", "setting", "said"),
    [
        ("return_speed", "returns_speed_majors", "the setting returns_speed_majors is a number"),
        ("return_speed", "returns_speed_months", "the setting returns_speed_months is a whole number of 1 or more"),
        ("return_quality", "returns_few_majors", "the setting returns_few_majors is a number"),
        ("return_guarantee", "returns_guarantee_from", "the setting returns_guarantee_from is a day"),
        ("return_guarantee", "returns_guarantee_near", "the setting returns_guarantee_near is a number"),
    ],
)
def test_a_setting_that_is_no_number_or_day_is_named(name, setting, said):
    lake = returns_of(*TWENTY, settings={setting: "sixty"})
    with pytest.raises(duckdb.Error, match=said):
        asked(lake, f"from trusted.{name}")


def test_a_decision_type_that_leaves_a_case_live_and_is_not_there_is_listed():
    lake = returns_of(settings={"returns_live_again": "Quashed, Grantedd"})
    said = "the setting returns_live_again names Grantedd, and no decision type is called so"
    assert asked(lake, "select application_id, reason from trusted.return_not_placed") == [(None, said)]


LEFT_OUT = {  # kind of application, what else it has: left out of what, and why
    "not valid": (application(valid=None), "all", "not valid yet"),
    "type of development": (application("left out"), "all", "its development type is left out of returns"),
    "amendment": (application("amendment"), "all", "a non-material amendment"),
    "certificate": (application("certificate", "03-03"), "totals", "its line or development type is in no total"),
    "flag": (application("not in totals"), "totals", "its line or development type is in no total"),
    "county": (application(county_matters=True), "all", "a county matter"),
    "type": (application(application_type_id=2), "all", "its application type is left out of returns"),
    "county's type": (
        application(application_type_id=2, county_matters=True),
        "all",
        "a county matter; its application type is left out of returns",
    ),
    "prior approval": (application("prior approval", valid=None), "all", "not valid yet"),
    "ended": (application(issued="02-10", valid=None), "all", "ended without valid_date"),
    "no line": (application("trees"), "all", "its development type has no line"),
    "counted": (application(issued="02-10"), None, None),
    "counted prior approval": (application("prior approval", "02-10"), None, None),
}


@pytest.mark.parametrize(("row", "of", "reason"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_why_an_application_is_in_no_figure_is_said(row, of, reason):
    lake = returns_of({**row, "application_reference_number": "R17"})
    listed = "select application_id, application_reference_number, left_out_of, reason from trusted.return_left_out"
    assert asked(lake, listed) == ([(1, "R17", of, reason)] if of else [])


def test_what_is_to_be_looked_at_has_its_reference_quarter_line_and_a_reason_without_figures():
    lake = returns_of(
        application("minor dwellings", site_area_hectares=1.5, application_reference_number="R17"),
        application("prior approval", decision="withdrawn", application_reference_number="R18"),
    )
    listed = """select application_reference_number, reason, reason_code, quarter, line from trusted.return_not_placed
        where application_id is not null order by application_id"""
    assert asked(lake, listed) == [
        ("R17", "major by law with 1.5 ha, on the line Q13", "major by law by its area", day("01-01"), "Q13"),
        ("R18", "withdrawn without a date", "withdrawn without a date", day("01-01"), "larger home extensions"),
    ]


def test_a_split_decision_by_its_name_alone_is_listed_where_its_flags_say_something_else():
    rows = [application(issued="02-10", decision="Split decision", decision_level_id=DELEGATED)]
    for setting, flags, outcome, doubts in (
        ("refused", "null", "refused", None),
        ("refused", "true", "granted", "called a split decision, granted by its flags"),
        ("granted", "true", "granted", None),
    ):
        lake = returns_of(*rows, settings={"returns_split": setting})
        lake.execute(f"update refined.decision_types set approval_decision = {flags} where name = 'Split decision'")
        assert asked(lake, "select outcome, doubts from trusted.return_cases") == [(outcome, doubts)]


@pytest.mark.parametrize(
    ("name", "key", "finished", "unfinished"),
    [
        ("speed", "window_end", "2026-09-30", "2026-12-31"),
        ("quality", "window_end", "2025-12-31", "2026-03-31"),  # of which appeals of up to 31 December count
        ("ps1", "quarter", "2026-07-01", "2026-10-01"),
        ("ps2", "quarter", "2026-07-01", "2026-10-01"),
    ],
)
def test_what_is_not_over_says_so(name, key, finished, unfinished):
    lake = returns_of(*TWENTY)
    borders = f"max({key}) filter (is_finished), min({key}) filter (not is_finished)"
    assert asked(lake, f"select {borders} from trusted.return_{name}") == [(day(finished), day(unfinished))]


def test_the_queries_that_the_page_shows_give_the_last_quarter():
    text = (FOLDER.parents[2] / "docs/returns.md").read_text(encoding="utf-8")
    ps1, ps2 = text.partition("```sql\n")[2].partition("```")[0].split(";\n")[:2]
    lake = returns_of(application(issued="2026-08-10", valid="2026-07-01"), application(valid="2026-11-01"))
    assert ("work", "received", 1) in asked(lake, ps1)
    assert [row[:3] for row in asked(lake, ps2)] == [("Q21", True, 1), ("Total", True, 1)]
