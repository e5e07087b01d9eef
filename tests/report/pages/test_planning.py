"""Planning: reports as charts and tables, of single cases counts alone, and no page where there is no report."""

import re
from dataclasses import replace
from datetime import date

import pytest

from planlake.errors import ConfigurationError
from planlake.report.pages.figures import planning as planning_module
from planlake.report.pages.figures.catalogue import search_index
from planlake.report.pages.figures.lake_facts import open_facts
from planlake.report.pages.figures.planning import Planning, PlanningModel, planning
from planlake.report.pages.listing import pages_of
from planlake.report.pages.render import page
from planlake.report.pages.write import site_of
from planlake.simulator.faults import Rule

from ..conftest import DAYS

BY_DAY = """\
-- What was changed on each day.
--
-- kind: view
-- columns:
--   day: The day it was changed
--   rows: How many
select last_updated::date as day, count(*) as rows, 100.0 * count(*) filter (flag) / count(*) as true_percent
from refined.things
group by day
order by day
"""
OF_CASES = """\
-- Each thing.
--
-- kind: view
select id as thing_id, name, flag as is_odd from refined.things
"""
BY_TEXT = """\
-- As a table, built at each run.
select flag::varchar || '&#39;s' as line, count(*) as rows from refined.things group by line order by line
"""
SPEAKING = """\
-- What may hold names, and what cannot be drawn.
--
-- kind: view
select name as signer, to_json(name) as who, count(*) as rows from refined.things group by name
"""
LISTS = """\
-- What cannot be drawn.
--
-- kind: view
select list(flag) as flags, {'flag': first(flag)} as whole, count(*) as rows from refined.things
"""
NOT_LOADED = "-- Of what is not there.\n--\n-- kind: view\nselect count(*) as many from trusted.report_text_too"


@pytest.fixture
def reported(feed):
    folder = feed.config.folder / "models"
    folder.mkdir(exist_ok=True)
    models = {
        "report_by_day": BY_DAY,
        "report_things": OF_CASES,
        "report_text": BY_TEXT,
        "report_speaking": SPEAKING,
        "report_lists": LISTS,
        "of_no_report": BY_DAY,
    }
    for name, text in {**models, "report_text_too": BY_TEXT, "return_missing": NOT_LOADED}.items():
        (folder / f"{name}.sql").write_text(text)
    yield feed
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


@pytest.fixture
def found(reported):
    (reported.config.folder / "models/report_text_too.sql").rename(reported.config.folder / "later.sql")
    reported.run_at(DAYS[2])
    (reported.config.folder / "later.sql").rename(reported.config.folder / "models/report_text_too.sql")
    with open_facts(reported.config) as facts:
        return {one.name: one for one in planning(facts).models}


def test_where_there_is_no_report_there_is_no_page(feed, written, tmp_path):
    with open_facts(feed.config) as facts:
        assert "planning.html" not in [one.file for one in pages_of(facts)]
    assert "planning.html" not in written()
    assert not (tmp_path / "out/planning.html").exists()


def test_a_report_has_its_rows_its_definition_and_a_line_over_its_days(reported, found):
    one = found["report_by_day"]
    rows = reported.rows("select last_updated::date as day, count(*) as n from things group by day order by day")
    assert one.about == "What was changed on each day."
    assert one.series[0] == ("rows", tuple((row["day"], float(row["n"])) for row in rows))
    assert one.series[0][1] == ((date(2026, 11, 10), 30.0), (date(2026, 11, 15), 2.0))
    assert one.rows == (("15\u00a0Nov\u00a02026", 2, "50\u00a0%"), ("10\u00a0Nov\u00a02026", 30, "50\u00a0%"))
    assert one.finding.startswith("rows 2 on 15\u00a0November 2026, 30 on 10\u00a0November 2026; true 50 on")
    assert one.meanings["rows"] == "How many"


def test_of_single_cases_there_are_counts_alone(found, written):
    one = found["report_things"]
    assert (one.is_of_cases, one.count, one.counts, one.rows) == (True, 32, (("is_odd", 16),), ())
    assert "name 1" not in written("planning.html")


def test_of_texts_that_may_name_people_and_of_lists_nothing_is_shown(found, written):
    assert (found["report_speaking"].rows, found["report_speaking"].is_of_cases) == ((), True)
    assert (found["report_lists"].columns, found["report_lists"].left_out) == (("rows",), ("flags", "whole"))
    assert "Not on this page, as texts may name people: flags, whole." in written("planning.html")
    assert "name 1" not in written("planning.html")


def test_what_goes_wrong_with_one_report_takes_no_other_away(reported, monkeypatch):
    def shows(*asked):
        raise TypeError if asked[1].name == "report_lists" else ConfigurationError("of another kind")

    monkeypatch.setattr(planning_module, "_asked", shows)
    with open_facts(reported.config) as facts:
        told = {one.name: one.trouble for one in planning(facts).models}
    assert told["report_lists"] == "it cannot be shown: TypeError"
    assert told["report_by_day"] == "of another kind"


def test_a_report_that_is_a_table_is_shown_as_it_was_built(found):
    assert found["report_text"].rows == (("false's", 16), ("true's", 16))
    assert found["report_text"].series == ()


def test_what_is_not_there_yet_is_said_with_why(found, written):
    assert [name for name, one in found.items() if one.trouble] == ["report_text_too", "return_missing"]
    assert found["report_text_too"].trouble == "trusted.report_text_too was not built yet"
    assert "trusted.report_text_too was not built yet" in written("planning.html")
    assert "of_no_report" not in found


def test_no_two_parts_of_the_page_have_one_name(found, written):
    text = written("planning.html")
    names = re.findall(r'aria-label="([^"]+)"', text) + re.findall(r'<h2 id="r-[^"]+">([^<]+)<', text)
    assert len(names) == len(set(names)) > 5


def test_every_link_of_a_report_with_models_leads_to_a_file(found, written, tmp_path):
    assert "trusted.report_text" in written("runs.html").replace("<wbr>", "")
    files = list((tmp_path / "out").rglob("*.html"))
    links = [(file, link) for file in files for link in re.findall(r' href="([^":#]+)["#]', file.read_text())]
    assert [(file.name, link) for file, link in links if not (file.parent / link).is_file()] == []


def test_a_week_is_compared_with_the_week_before_and_one_that_is_not_over_says_so():
    points = tuple((date(2026, 11, day), float(day)) for day in (16, 23, 30))
    one = PlanningModel("report_x", "", series=(("live", points),), period="report_week", today=date(2026, 11, 29))
    assert one.finding == "live 30 this week so far, 23 in the week of 23\u00a0November 2026"
    over = replace(one, today=date(2026, 12, 6))
    assert over.finding.startswith("live 30 in the week of 30\u00a0November 2026, 23 in")
    window = replace(one, period="window_end")
    assert window.finding.startswith("live 30 up to 30\u00a0November 2026 so far, 23 up to 23\u00a0November 2026")


@pytest.mark.parametrize(
    ("period", "days", "begun"),
    [
        ("report_week", (16, 23, 30), (16, 23, 30)),  # on Sunday the 29th the week of Monday the 30th has begun
        ("quarter", (16, 29, 30), (16, 29)),
        ("own", (16, 29, 30), (16, 29, 30)),
    ],
)
def test_what_has_not_begun_is_no_part_of_a_line(period, days, begun):
    points = tuple((date(2026, 11, day), 1.0) for day in days)
    later = (*points, (date(2027, 3, 31), 1.0))
    _, found = planning_module._begun(("live", later), period, date(2026, 11, 29))
    assert found == (later if period == "own" else tuple((date(2026, 11, day), 1.0) for day in begun))


def test_the_page_says_first_which_of_the_tables_behind_it_are_older(reported, written):
    reported.fail(Rule(resource="things", status=503, times=None), Rule(resource="others", status=503, times=None))
    reported.run_at(DAYS[3])
    with open_facts(reported.config) as facts:
        (said,) = planning(facts).cautions  # no report reads others
    assert said.startswith("things failed: ")
    text = written("planning.html")
    assert text.index(said) < text.index("<section")


def test_the_page_begins_with_its_contents_and_its_headline_leads_to_its_own_report(feed):
    reports = tuple(PlanningModel(name, "", is_of_cases=True) for name in ("report_backlog", "report_over_date"))
    said = "5 applications are live, 2 of them over their date"
    record = Planning(said, reports, linked=("2 of them over their date", "report_over_date"))
    with open_facts(feed.config) as facts:
        text = page("planning.html", record, site_of(facts), file="planning.html")
    assert f"<title>{said} \u2013 " in text
    assert '<a href="#r-report_over_date">2 of them over their date</a></h1>' in text
    contents = text.split('<nav class="contents"')[1].split("</nav>")[0]
    assert re.findall('href="#(.*?)"', contents) == re.findall('<h2 id="(.*?)"', text)


def test_the_headline_of_the_shipped_reports_counts_and_names_what_it_leads_to():
    points = ((date(2026, 11, 23), 187.0),)
    backlog = PlanningModel("report_backlog", "", series=(("live at end", points),))
    found = planning_module._live([backlog, PlanningModel("report_over_date", "", 100)])
    assert found == ("187\u00a0applications are live", "100 of them over their date")
    assert planning_module._live([backlog]) == ("", "")


def test_a_column_of_a_model_is_found_on_its_own_line(reported, written):
    with open_facts(reported.config) as facts:
        places = [one.place for one in search_index(facts) if (one.table, one.column) == ("report_by_day", "rows")]
    assert places == ["catalogue.html#m-report_by_day.rows"]
    assert 'id="m-report_by_day.rows"' in written("catalogue.html")
