"""The cases that the returns count and PS2: each figure worked out by hand, settings, and what is left out."""

import re
from datetime import date

import pytest

from flow.trust.returns import (
    ASSESSED,
    COMMITTEE,
    DECISIONS,
    DELEGATED,
    NOT_ASSESSED,
    application,
    asked,
    day,
    returns_of,
    store,
)
from flow.trust.shipped import FOLDER, RETURNS, failed, header_of, text_of

CASE = "select band, days, agreed, in_agreed_time, in_time, in_statutory_time from trusted.return_cases"
EXTENDED = {"extension_of_time_agreed": True, "extension_of_time_due_date": "03-14"}
ASSESSMENT = {"eia_id": ASSESSED}


def of_cases(query, *applications, **settings):
    return asked(returns_of(*applications, settings=settings), query)


@pytest.mark.parametrize("name", RETURNS)
def test_a_return_says_what_it_counts_and_what_its_columns_mean(name):
    comment, said = header_of(name)
    assert comment.endswith(".")
    made = [one[0] for one in asked(returns_of(), f"describe trusted.{name}")]
    assert set(said["columns"]) <= set(made)


@pytest.mark.parametrize(
    ("row", "expected"),  # the worked cases of a day in January 2025 on which each became valid
    [
        (application(issued="03-03"), ("<= 8", 56, False, False, True, True)),
        (application(issued="03-04"), ("8-13", 57, False, False, False, False)),
        (application(issued="03-14", **EXTENDED), (None, 67, True, True, True, False)),
        (application(issued="03-17", **EXTENDED), (None, 70, True, False, False, False)),
        (application(issued="02-20", **EXTENDED), (None, 45, True, True, True, False)),
        (application("major dwellings", "04-07"), ("8-13", 91, False, False, True, True)),
        (application("major dwellings", "04-08"), ("13-16", 92, False, False, False, False)),
        (application("major dwellings", "04-28", **ASSESSMENT), (None, 112, True, True, True, False)),
        (application("major dwellings", "04-29", **ASSESSMENT), (None, 113, True, False, False, False)),
        (
            application(
                "major dwellings",
                "06-27",
                planning_performance_agreement_signed=True,
                ppa_decision_due_date="06-30",
            ),
            (None, 172, True, True, True, False),
        ),
        (application("in principle", "02-10"), ("<= 8", 35, False, False, True, True)),
        (application("in principle", "02-11"), ("<= 8", 36, False, False, False, False)),
        (application("infrastructure", "03-17"), ("8-13", 70, False, False, True, True)),
        (application("infrastructure", "03-18"), ("8-13", 71, False, False, False, False)),
        (application(issued="02-10", decision="withdrawn"), (None, None, False, None, None, None)),
        (application("major dwellings", "07-07"), ("16-26", 182, False, False, False, False)),
        (application("major dwellings", "07-08"), ("26-52", 183, False, False, False, False)),
        (application("major dwellings", "2026-01-05"), ("26-52", 364, False, False, False, False)),
        (application("major dwellings", "2026-01-06"), ("> 52", 365, False, False, False, False)),
        (application("major dwellings", "04-28"), ("13-16", 112, False, False, False, False)),
        (application("major dwellings", "04-29", eia_id=NOT_ASSESSED), ("16-26", 113, False, False, False, False)),
        (application(valid="01-06T23:59", issued="03-03T00:01"), ("<= 8", 56, False, False, True, True)),
        # Received on 2 January with an expiry_days of 56: neither begins the period.
        (
            application(issued="03-03", received_date="01-02", expiry_date="02-27"),
            ("<= 8", 56, False, False, True, True),
        ),
    ],
)
def test_in_time_and_in_statutory_time(row, expected):
    assert of_cases(CASE, row) == [expected]


J_AND_K = "select agreed, in_agreed_time, in_time, in_statutory_time, band from trusted.return_cases"
EARLY = application(issued="02-20", **EXTENDED)
NO_DATE = application(issued="02-20", extension_of_time_agreed=True)
NO_FLAG = application(issued="03-14", extension_of_time_due_date="03-14")
TOO_SHORT = application(issued="02-20", extension_of_time_agreed=True, extension_of_time_due_date="02-10")
TWO = application(issued="03-20", ppa_decision_due_date="03-20", **EXTENDED)


@pytest.mark.parametrize(
    ("row", "settings", "expected"),
    [
        (EARLY, {"returns_agreed_early": "both"}, (True, True, True, True, None)),
        (EARLY, {"returns_agreed_early": "band"}, (False, False, True, True, "<= 8")),
        (application(issued="03-14", **EXTENDED), {"returns_agreed_early": "band"}, (True, True, True, False, None)),
        (
            application("major dwellings", "04-28", **ASSESSMENT),
            {"returns_agreed_early": "band"},
            (True, True, True, False, None),
        ),
        (NO_DATE, {}, (True, False, False, False, None)),
        (NO_DATE, {"returns_flag_without_date": "not agreed"}, (False, False, True, True, "<= 8")),
        (NO_FLAG, {}, (True, True, True, False, None)),
        (NO_FLAG, {"returns_date_without_flag": "not agreed"}, (False, False, False, False, "8-13")),
        (TOO_SHORT, {}, (True, False, False, False, None)),
        (TOO_SHORT, {"returns_agreed_before_period": "not agreed"}, (False, False, True, True, "<= 8")),
        (TWO, {}, (True, True, True, False, None)),
        (TWO, {"returns_several_agreements": "earliest"}, (True, False, False, False, None)),
        (
            application("major dwellings", "04-29", extension_of_time_due_date="04-29", **ASSESSMENT),
            {},
            (True, True, True, False, None),
        ),
        (
            application("major dwellings", "04-28", extension_of_time_due_date="04-14", **ASSESSMENT),
            {},
            (True, True, True, False, None),
        ),
    ],
)
def test_what_an_agreement_is(row, settings, expected):
    assert of_cases(J_AND_K, row, **settings) == [expected]


LINE = "select line, dev_group, in_totals, measure, statutory_days from trusted.return_cases"
HOMES = {"approved_units": 9, "site_area_hectares": 1.0}


@pytest.mark.parametrize(
    ("row", "settings", "expected"),
    [
        (application("major dwellings", approved_units=199), {}, ("Q7", "major", True, "major", 91)),
        (application("major dwellings", approved_units=200), {}, ("Q1", "major", True, "major", 91)),
        (application("major dwellings", site_area_hectares=4.0), {}, ("Q1", "major", True, "major", 91)),
        (
            application("major dwellings", approved_units=10, site_area_hectares=4.0),
            {},
            ("Q7", "major", True, "major", 91),
        ),
        (
            application("major dwellings", approved_units=0, net_increase_in_dwellings=250),
            {},
            ("Q1", "major", True, "major", 91),
        ),
        (
            application("major dwellings", approved_units=200),
            {"returns_large_lines": "one"},
            ("Q7", "major", True, "major", 91),
        ),
        (application("major offices", site_area_hectares=1.9), {}, ("Q8", "major", True, "major", 91)),
        (application("major offices", site_area_hectares=2.0), {}, ("Q2", "major", True, "major", 91)),
        (
            application("major offices", total_non_residential_total_gross_floorspace_proposed=10_000.0),
            {},
            ("Q2", "major", True, "major", 91),
        ),
        (application("minor dwellings", **HOMES), {}, ("Q13", "minor", True, "non-major", 56)),
        (
            application("minor dwellings", **HOMES),
            {"returns_hectare": "law"},
            ("Q13", "minor", True, "non-major", 91),
        ),
        (
            application("minor dwellings", site_area_hectares=0.9),
            {"returns_hectare": "law"},
            ("Q13", "minor", True, "non-major", 56),
        ),
        (application("minerals"), {}, ("Q19", "other", True, None, 56)),
        (application("change of use"), {}, ("Q20", "other", True, "non-major", 56)),
        (application("householder"), {}, ("Q21", "other", True, "non-major", 56)),
        (application("householder", **ASSESSMENT), {}, ("Q21", "other", True, "non-major", 112)),
        (application("listed"), {}, ("Q23", "other", True, None, 56)),
        (application("certificate"), {}, ("Q26", "outside", False, None, 56)),
        (application("notification"), {}, ("Q27", "outside", False, None, 42)),
        (application("not in totals"), {}, ("Q21", "other", False, None, 56)),
        (application("in principle"), {}, ("PIP", "other", True, None, 35)),
        (application("technical details"), {}, ("TDC major", "other", True, "major", 70)),
        (application("infrastructure"), {}, ("PSI", "major", True, "major", 70)),
        (application("trees"), {}, (None, None, False, None, None)),
    ],
)
def test_the_line_of_an_application_and_its_period(row, settings, expected):
    assert of_cases(LINE, row, **settings) == [expected]


@pytest.mark.parametrize(
    "row",
    [
        application("left out"),
        application("amendment"),
        application("prior approval"),
        application("other prior approval"),
        application(county_matters=True),
        application(application_type_id=2),
    ],
)
def test_what_no_return_of_district_matters_counts_has_no_row(row):
    assert of_cases(CASE, row) == []


ENDED = "select outcome, ended_day from trusted.return_cases"


@pytest.mark.parametrize(
    ("decision", "settings", "expected"),
    [
        *((name, {}, name) for name in ("granted", "refused", "withdrawn", "called in", "turned away")),
        ("transferred", {}, "turned away"),
        ("transferred", {"returns_transfer": "called in"}, "called in"),
        ("both", {}, "granted"),
        ("both", {"returns_split": "refused"}, "refused"),
        ("Split decision", {}, "granted"),
        ("Split decision", {"returns_split": "refused"}, "refused"),
        ("Quashed", {}, "granted"),
        ("Quashed", {"returns_live_again": " Void, Quashed "}, "live"),
        ("No objection", {}, "unknown"),
    ],
)
def test_how_an_application_ends(decision, settings, expected):
    ended = None if expected in ("live", "unknown") else day("02-10")
    assert of_cases(ENDED, application(issued="02-10", decision=decision), **settings) == [(expected, ended)]


CEASED = {"ceased": True, "ceased_date": "02-12"}


@pytest.mark.parametrize(
    ("row", "settings", "expected"),
    [
        (application(), {}, ("live", None)),
        (application(decision_type_id=1), {}, ("live", None)),  # resolved to grant, the notice is not given
        (application(decision="withdrawn"), {}, ("withdrawn", None)),
        (application(**CEASED), {}, ("live", None)),
        (application(**CEASED), {"returns_ceased": "withdrawn"}, ("withdrawn", day("02-12"))),
        (application(decision_type_id=1, **CEASED), {"returns_ceased": "turned away"}, ("turned away", day("02-12"))),
        (application(issued="02-10", **CEASED), {"returns_ceased": "withdrawn"}, ("granted", day("02-10"))),
        (application(decision="withdrawn", **CEASED), {"returns_ceased": "withdrawn"}, ("withdrawn", None)),
    ],
)
def test_an_application_without_a_notice_has_not_ended(row, settings, expected):
    assert of_cases(ENDED, row, **settings) == [expected]


LEFT_OUT = "select left_out from trusted.return_cases"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (application(), None),
        (application(valid=None), None),
        (application(None), "no development type"),
        (application(None, valid=None), None),
        (application("trees"), "its development type has no line"),
        (application(issued="03-03", valid=None), "ended without valid_date"),
        (application(issued="01-05"), "ended before it was valid"),
        (application(issued="01-06"), None),
        (application(valid="2026-12-01"), "a date after today"),
        (application(issued="2026-12-01"), "a date after today"),
        (application(issued="2026-11-30"), None),
        (application(valid="1948-06-30"), "valid before there was planning permission"),
        (application(valid="1948-07-01"), None),
    ],
)
def test_what_is_left_out_and_why(row, expected):
    assert of_cases(LEFT_OUT, row) == [(expected,)]


def test_two_consents_of_one_form_are_two_decisions_or_one_by_a_setting():
    form = [
        application(kind, "03-03", planning_portal_reference=reference)
        for kind, reference in (("listed", "PP-1"), ("householder", "PP-1"), ("householder", None), ("listed", None))
    ]
    query = "select line, count(*) filter (left_out is null) from trusted.return_cases group by line order by line"
    assert of_cases(query, *form) == [("Q21", 2), ("Q23", 2)]
    assert of_cases(query, *form, returns_two_consents="one") == [("Q21", 2), ("Q23", 1)]


def test_of_one_form_the_first_that_counts_is_counted_and_an_empty_reference_is_none():
    form = [
        application("householder", "01-01", planning_portal_reference="PP-1"),  # before it was valid
        application("listed", "03-03", planning_portal_reference="PP-1 "),
        application("not in totals", "03-03", planning_portal_reference="PP-2"),
        application("listed", "03-03", planning_portal_reference="PP-2"),
        *[application("householder", "03-03", planning_portal_reference=empty) for empty in ("", " ", "")],
    ]
    again = "counted with another of the same form"
    query = "select left_out from trusted.return_cases order by application_id"
    found = [one for (one,) in of_cases(query, *form, returns_two_consents="one")]
    assert found == ["ended before it was valid", None, again, None, None, None, None]


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("measure", "Non-major", "measure of the mapping return_lines is major, non-major or empty"),
        ("guarantee", "Major", "guarantee of the mapping return_lines is major, non-major or empty"),
        ("dev_group", "Other", "dev_group of the mapping return_lines is major, minor, other or outside"),
        ("statutory_days", "", "statutory_days of the mapping return_lines is a number of days"),
        ("statutory_days", "0", "statutory_days of the mapping return_lines is a number of days"),
        ("in_totals", "", "in_totals of the mapping return_lines is true or false"),
    ],
)
def test_a_slip_in_the_mapping_of_lines_is_refused(column, value, said):
    lake = returns_of(application())
    lake.execute(f"update mapping.return_lines set {column} = nullif('{value}', '') where line = 'Q21'")
    with pytest.raises(Exception, match=f"the column {said}"):
        asked(lake, "from trusted.return_cases")


@pytest.mark.parametrize(("level", "expected"), [(DELEGATED, True), (COMMITTEE, False), (None, None)])
def test_a_decision_is_delegated_by_the_name_of_its_level(level, expected):
    assert of_cases("select delegated from trusted.return_cases", application(decision_level_id=level)) == [(expected,)]


SETTINGS = (
    *("split", "transfer", "ceased", "large_lines", "flag_without_date", "date_without_flag"),
    *("agreed_before_period", "several_agreements", "agreed_early", "hectare", "two_consents"),
)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_is_no_choice_is_refused(name):
    with pytest.raises(Exception, match=f"the setting returns_{name} is "):
        of_cases(CASE, application(), **{f"returns_{name}": "maybe"})


TWENTY = [  # of 20 major decisions 14 have an agreement, 12 of them in time
    *(application("major dwellings", issued) for issued in ("03-03", "03-10", "03-17", "03-24", "04-10", "05-10")),
    *(application("major dwellings", "06-10", "refused", extension_of_time_due_date="06-10") for _ in range(12)),
    *(application("major dwellings", "06-11", extension_of_time_due_date="06-10") for _ in range(2)),
]
SUMS = """select sum(total), sum(granted), sum(refused), sum(up_to_8_weeks), sum(over_8_to_13), sum(over_13_to_16),
    sum(over_16_to_26), sum(over_26_to_52), sum(over_52), sum(agreed), sum(in_agreed_time), sum(in_time),
    sum(in_statutory_time) from trusted.return_ps2 where line = """


def test_ps2_in_time_and_in_statutory_time_side_by_side():
    lake = returns_of(*TWENTY)
    store(lake, "return_ps2")
    expected = (20, 8, 12, 1, 3, 1, 1, 0, 0, 14, 12, 16, 4)
    assert asked(lake, f"{SUMS} 'Q7'") == [expected]
    assert asked(lake, f"{SUMS} 'Total'") == [expected]
    shares = "select 100 * sum(in_time) / sum(total), 100 * sum(in_statutory_time) / sum(total) from trusted.return_ps2"
    assert asked(lake, f"{shares} where line = 'Total'") == [(80.0, 20.0)]
    assert asked(
        lake, "select in_time_percent, in_statutory_time_percent from trusted.return_ps2 where line = 'Q7'"
    ) == [
        (100.0, 100.0),
        (12 / 16 * 100, 0.0),
    ]
    assert failed(lake, "return_ps2") == []


def test_ps2_has_a_row_for_each_line_and_each_quarter():
    lake = returns_of(
        application(issued="03-31T23:59"),
        application(issued="04-01"),
        application("certificate", "04-02", "refused"),
        application("not in totals", "04-02"),
        application("trees", "04-02"),
        application(issued="04-02", decision="withdrawn"),
        application(issued="04-02"),
        application(),
    )
    query = "select quarter, line, in_totals, total from trusted.return_ps2 where quarter < '2025-10-01'"
    assert asked(lake, query) == [
        (day("01-01"), "Q21", True, 1),
        (day("01-01"), "Total", True, 1),
        (day("04-01"), "Q21", True, 2),
        (day("04-01"), "Q21", False, 1),
        (day("04-01"), "Q26", False, 1),
        (day("04-01"), "Total", True, 2),
        (day("07-01"), "Total", True, 0),
    ]
    assert asked(lake, "select max(quarter) from trusted.return_ps2") == [(date(2026, 10, 1),)]


def test_without_applications_there_is_no_quarter():
    assert asked(returns_of(), "from trusted.return_ps2") == []


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        ("total = 0", "all are granted or refused"),
        ("over_52 = 1", "all are in one band or agreed"),
        ("in_agreed_time = 20", "those in agreed time are agreed"),
        ("in_statutory_time = 20", "those in statutory time are in time"),
    ],
)
def test_the_identities_of_ps2_are_checks_that_fail_where_they_do_not_hold(broken, check):
    lake = returns_of(*TWENTY)
    store(lake, "return_ps2")
    lake.execute(f"update trusted.return_ps2 set {broken} where line = 'Q7'")
    assert check in failed(lake, "return_ps2")


def test_every_setting_is_in_the_pages_with_its_default():
    page = (FOLDER.parents[2] / "docs/returns.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(returns_\w+)` \| (\S.*?) \|", page, re.MULTILINE))
    texts = "".join(text_of(name) for name in RETURNS)
    asked_for = dict(re.findall(r"setting\('(returns_\w+)', '?([^')]*)'?\)", texts))
    assert told == {name: f"`{default}`" if default else "none" for name, default in asked_for.items()}


def test_every_kind_of_decision_is_known_or_told():
    rows = [application(issued="03-03", decision=name) for name in DECISIONS]
    outcomes = asked(returns_of(*rows), "select distinct outcome from trusted.return_cases order by 1")
    assert [one[0] for one in outcomes] == ["called in", "granted", "refused", "turned away", "unknown", "withdrawn"]
