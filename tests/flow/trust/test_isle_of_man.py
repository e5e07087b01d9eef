"""Real applications of the Isle of Man: every figure of reports and returns equals one counted from the files.

They were published until two days, in one lake: by the first all cases on the lists of 2023, with those determined to
its end; by the second also the lists of 2024. The files are counted here in plain Python, with no table between.
"""

import os
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from conftest import feeding
from flow.trust.isle_of_man import CODES, TYPES, Published, code_of, served, team_of, type_of
from flow.trust.manx_returns import (
    counted_guarantee,
    counted_ps1,
    counted_ps2,
    counted_speed,
    manx_cases,
    not_placed,
    quarters_of,
)
from flow.trust.shipped import REPORTS, RETURNS
from planlake.setup.copy_models import copy_models

DATA = Path(os.environ.get("PLANLAKE_TEST_DATA", "../shared/data")) / "planning-open-data"
DAYS = (date(2024, 1, 12), date(2024, 11, 11))
BANDS = ((0, 56), (57, 91), (92, 182), (183, 364), (365, None))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """The rows of every report and return on each of the days."""
    if not DATA.is_dir():
        pytest.skip(f"NO REAL DATA at {DATA.resolve()}: set PLANLAKE_TEST_DATA to the folder of planning-open-data")
    data = {day: served(DATA, day) for day in DAYS}
    names = ", ".join(data[DAYS[0]].fields)
    settings = f"source: tascomi\ntables: {{daily: [{names}]}}\nsettings: {{audit_days: 0}}\n"
    found = {}
    with feeding(data[DAYS[0]], tmp_path_factory.mktemp("isle"), settings) as feed:
        copy_models(feed.config)
        for day in DAYS:
            for name in data[day].fields:
                for record in data[day].records(name):
                    feed.data.put(name, record)
            assert feed.run_at(f"{day}T03:00:00", is_full=True).exit_code == 0
            found[day] = {name: feed.rows(f"from trusted.{name}") for name in (*REPORTS, *RETURNS)}
    return found


@pytest.fixture(scope="module", params=DAYS, ids=str)
def day(request):
    return request.param


@pytest.fixture
def rows(reports, day):
    """The rows of one report on this day, each as a tuple of some of its columns, in order."""

    def some(name, *columns):
        whole = name if name.startswith("return_") else f"report_{name}"
        return in_order([tuple(row[column] for column in columns) for row in reports[day][whole]])

    return some


@pytest.fixture(scope="module")
def published(day):
    return Published(DATA, day)


@pytest.fixture(scope="module")
def counted(published):
    """Of each application: number, day received, day decided, type, who determined it."""
    lists, determined = published.listed, published.determined
    found = [
        (
            number,
            date.fromisoformat(lists[row["pa_ref"]]["date_received_iso"]) if row["pa_ref"] in lists else None,
            date.fromisoformat(row["decision_issued_iso"]),
            type_of(row["pa_ref"]),
            row["determining_body"],
        )
        for number, row in enumerate(determined, 1)
    ]
    for number, row in enumerate(published.live, len(determined) + 1):
        found.append((number, date.fromisoformat(row["date_received_iso"]), None, type_of(row["pa_ref"]), None))
    return found


@pytest.fixture(scope="module")
def placed(counted):
    return [one for one in counted if one[1]]


def in_order(found):
    return sorted(found, key=lambda row: tuple((cell is not None, cell) for cell in row))


def week_of(day):
    """The Monday of a week that begins on the Sunday before it."""
    return day + timedelta(days=1) - timedelta(days=(day + timedelta(days=1)).weekday())


def test_the_files_hold_what_they_are_said_to(published, counted, placed, day):
    assert len(published.determined) == 17_862
    assert (len(counted), len(placed)) == {DAYS[0]: (18_225, 1_278), DAYS[1]: (19_260, 2_313)}[day]


def test_cases_begin_and_end_as_published(rows, counted, published):
    numbers = {body: number for number, body in enumerate(published.bodies, 1)}
    assert rows("cases", "application_id", "began", "ended", "outcome", "officer_id", "left_out") == [
        (
            number,
            received,
            decided,
            "decided" if decided else "live",
            numbers.get(body),
            None if received else "no received_date",
        )
        for number, received, decided, _, body in counted
    ]


def test_what_is_over_its_date(rows, published, day):
    """Due is the day of receipt and the days of the development type, as nothing else is published."""
    days = [days for _, days, _ in CODES.values()]
    expected = []
    for number, row in enumerate(published.live, len(published.determined) + 1):
        code, received = code_of(row["pa_ref"], row["details"]), date.fromisoformat(row["date_received_iso"])
        due = received + timedelta(days=days[code - 1]) if code else day
        if due < day:
            expected.append((number, due, (day - due).days))
    assert len(expected) > 200
    assert rows("over_date", "application_id", "due", "days_over") == in_order(expected)


def test_received_and_decided_by_week_and_type(rows, placed):
    received = Counter((week_of(began), kind) for _, began, _, kind, _ in placed)
    decided = Counter((week_of(ended), kind) for _, _, ended, kind, _ in placed if ended)
    expected = [
        (week, kind, kind and TYPES[kind][0], received[week, kind], decided[week, kind])
        for week, kind in received | decided
    ]
    columns = ("report_week", "application_type_code", "application_type", "received", "decided")
    assert rows("received_and_decided", *columns) == in_order(expected)


def test_the_backlog_of_every_week(rows, placed, day):
    weeks = [min(week_of(began) for _, began, *_ in placed)]
    while weeks[-1] + timedelta(days=7) <= week_of(day):
        weeks.append(weeks[-1] + timedelta(days=7))
    expected = []
    for monday in weeks:
        sunday, saturday = monday - timedelta(days=1), monday + timedelta(days=5)
        received = sum(sunday <= began <= saturday for _, began, *_ in placed)
        decided = sum(sunday <= ended <= saturday for _, _, ended, *_ in placed if ended)
        at_end = sum(began <= saturday and not (ended and ended <= saturday) for _, began, ended, *_ in placed)
        at_start = sum(began < sunday and not (ended and ended < sunday) for _, began, ended, *_ in placed)
        expected.append((monday, at_start, received, decided, 0, at_end))
    columns = ("report_week", "live_at_start", "received", "decided", "ceased", "live_at_end")
    assert rows("backlog", *columns) == expected


def test_live_applications_by_stage_and_age(rows, placed, day):
    ages = [(day - began).days for _, began, ended, *_ in placed if not ended]
    expected = [
        (3, "3: VALID/COMPLETE", least, most, len(inside), max(inside))
        for least, most in BANDS
        if (inside := [age for age in ages if least <= age and (most is None or age <= most)])
    ]
    columns = ("application_stage", "application_stage_name", "age_from", "age_to", "live", "oldest")
    assert rows("live_by_age", *columns) == expected


def test_the_case_load_of_whoever_determines(rows, placed, day):
    bodies = {body for *_, body in placed}
    expected = []
    for name in bodies:
        own = [(ended is None, ended) for *_, ended, _, body in placed if body == name]
        ended = [when for is_live, when in own if not is_live]
        lately = [when for when in ended if (day - when).days < 28]
        team = team_of(name) if name else None
        expected.append((name, team, len(own) - len(ended), len(lately), len(ended), 1))
    columns = ("officer_name", "team_name", "live", "decided_lately", "decided", "counts_once")
    assert rows("case_load", *columns) == in_order(expected)
    assert (sum(row[3] for row in expected) > 0) == (day == DAYS[0])


def test_what_cannot_be_placed_is_what_was_on_no_list_or_is_of_no_known_type(rows, counted):
    reasons = {
        number: [what for what, known in (("no received_date", received), ("no application type", kind)) if not known]
        for number, received, _, kind, _ in counted
    }
    expected = [(number, "; ".join(why), "no received_date" not in why) for number, why in reasons.items() if why]
    assert rows("not_placed", "application_id", "reason", "is_counted") == expected
    assert len({reason for _, reason, _ in expected}) > 1


@pytest.mark.parametrize("name", [name for name in REPORTS if "enforcement" in name])
def test_where_no_enforcement_case_is_published_there_is_none(reports, day, name):
    assert reports[day][name] == []


@pytest.fixture(scope="module")
def cases(published):
    return manx_cases(published)


@pytest.fixture(scope="module")
def quarters(cases, day):
    return quarters_of(cases, day)


PS2_COLUMNS = (
    *("total", "granted", "refused", "up_to_8_weeks", "over_8_to_13", "over_13_to_16", "over_16_to_26"),
    *("over_26_to_52", "over_52", "agreed", "in_agreed_time", "in_time", "in_statutory_time"),
)


def test_ps2_by_quarter_and_line(rows, cases, quarters):
    counted = counted_ps2(cases, quarters)
    expected = [(*key, *(columns[name] for name in PS2_COLUMNS)) for key, columns in counted.items()]
    assert rows("return_ps2", "quarter", "line", *PS2_COLUMNS) == in_order(expected)
    assert {line for _, line in counted} == {"Total", "Q13", "Q18", "Q20", "Q21", "Q22", "Q23", "Q26"}


def test_ps1_by_quarter_and_line(rows, cases, quarters):
    found = rows("return_ps1", "quarter", "part", "line", "count")
    assert {quarter for quarter, *_ in found} == {*quarters}
    assert [row for row in found if row[-1]] == in_order(
        [(*key, count) for key, count in counted_ps1(cases, quarters).items()]
    )


def test_the_speed_of_decisions_in_the_twelve_months_to_each_quarters_end(rows, cases, quarters):
    found = rows("return_speed", "window_end", "measure", "decisions", "in_time")
    assert [row for row in found if row[1] == "non-majors"] == counted_speed(cases, quarters)
    assert {row[2] for row in found if row[1] == "majors"} == {0}


def test_the_quality_of_decisions_without_an_appeal(rows):
    assert {row[0] for row in rows("return_quality", "overturned")} == {0}


def test_the_guarantee_that_was_not_kept_or_soon_will_not_be(rows, cases, day):
    found = rows("return_guarantee", "application_id", "last_day", "is_due")
    assert found == in_order(counted_guarantee(cases, day))
    assert len({is_due for *_, is_due in found}) == 2


def test_what_the_returns_cannot_place(rows, cases):
    assert rows("return_not_placed", "application_id", "reason", "is_counted") == in_order(
        [(*row, False) for row in not_placed(cases)]
    )
