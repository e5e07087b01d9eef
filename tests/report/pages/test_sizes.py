"""Pages of the largest lake there may be stay small: 73 tables, 752 columns, 400 days, 60 runs."""

from datetime import date, datetime, timedelta

import pytest

from planlake.config import Config
from planlake.report.check_history import CheckHistory
from planlake.report.meanings import Described, describe_resource
from planlake.report.pages.figures.catalogue import Catalogue, CataloguedTable, Found
from planlake.report.pages.figures.change import Change, TableChange, YearOfChange
from planlake.report.pages.figures.days import TableDay
from planlake.report.pages.figures.described import Beside, ColumnLine, Common, DescribedTable, Question, _in_groups
from planlake.report.pages.figures.drift import Difference, Drift
from planlake.report.pages.figures.planning import Planning, PlanningModel
from planlake.report.pages.figures.quality import NotCast, Quality
from planlake.report.pages.figures.tables import RunOfTable, TablePage, weeks_of
from planlake.report.pages.render import Site, page, search_script
from planlake.report.status import TableStatus
from planlake.report.verdicts import Verdict
from planlake.sources.catalogue import load_catalogue

NOW, TODAY, MOST = datetime(2026, 11, 28, 9), date(2026, 11, 28), 900_000  # noqa: DTZ001 - as tables keep it
DAYS = [TODAY - timedelta(days=number) for number in reversed(range(400))]
TABLES = list(load_catalogue("tascomi").resources)
LINKS = [("index.html", "Today"), ("catalogue.html", "Catalogue")]


@pytest.fixture
def size():
    """How many bytes a page has."""
    site = Site("tascomi", "local", "1.0", NOW, TODAY, TODAY, LINKS, str, TABLES)
    return lambda template, record, file: len(page(template, record, site, file=file).encode())


def line(one, column):
    common = tuple(Common(value, "a label of some length", 0.3) for value in ("12", "13", "14"))
    return ColumnLine(column, one.type, one, False, True, False, True, 0.5, common, "users", True)


def test_a_table_of_752_columns_and_400_days(size):
    resource = load_catalogue("tascomi").resources["applications"]
    described = describe_resource(Config(), resource)
    lines = [line(one, column) for column, one in described.items()]
    lines = [*lines, *(line(Described(f"x{n}", "text", "m" * 90), f"x{n}") for n in range(752 - len(lines)))]
    first, groups = _in_groups(lines)
    changes = tuple((day, 1000, 1000, 1000) for day in DAYS)
    table = DescribedTable(
        *("about", 752, first, groups, ()),
        tuple(Beside(name, "a_column_id", True) for name in TABLES),
        tuple(Beside(name, "a_column_id", True) for name in TABLES),
        (),
        tuple(Question("Rows", "select * from applications") for _ in range(5)),
        tuple((day, 123_456) for day in DAYS),
        changes,
    )
    days = [TableDay("applications", day, "failed", "3 of 5 pages, 240 records, tried 5 times") for day in DAYS]
    runs = tuple(RunOfTable(n, NOW, "failed", "why " * 20, 1000, 1000, 1000, 1000, 1.0) for n in range(60))
    status = TableStatus("applications", "20261128", 1000, 1000, NOW, (), (), None)
    record = TablePage(
        "applications", Verdict("applications", "complete", TODAY, 1000), status, "daily", "id",
        *(weeks_of(days), runs, 0, table),
    )  # fmt: skip
    assert 300_000 < size("table.html", record, "tables/applications.html") < MOST


def test_the_catalogue_and_its_index(size):
    verdict = Verdict("applications", "failed", TODAY, 1000)
    tables = tuple(CataloguedTable(name, "Number of the record; " * 3, 752, "daily", verdict) for name in TABLES)
    record = Catalogue("73 tables", "refined", "trusted", tables, (), (), tuple((name, 99) for name in TABLES))
    assert size("catalogue.html", record, "catalogue.html") < MOST
    found = [
        Found(name, key, one.type, one.meaning, f"tables/{name}.html#c-{key}")
        for name, resource in load_catalogue("tascomi").resources.items()
        for key, one in describe_resource(Config(), resource).items()
    ]
    assert len(found) > 1_800
    assert len(search_script(found)) < MOST


def test_change_with_a_year_of_which_no_day_is_like_the_next(size):
    years = tuple(YearOfChange(name, tuple(n % 5 for n in range(400)), "said " * 20) for name in TABLES)
    tables = tuple(TableChange(name, 1000, 1000, 1000, 100_000) for name in TABLES)
    days = tuple((day, 1000) for day in DAYS[-35:])
    assert size("change.html", Change("answer", TODAY, days, DAYS[-2], None, tables, years), "change.html") < MOST


def test_quality_with_200_checks_of_60_runs_and_drift_with_500_differences(size):
    figures = [float(n) for n in range(60)]
    check = CheckHistory("applications", "casts", "a" * 40, "held", 60, 1, "why " * 30, NOW, figures, ["held"] * 60)
    cast = NotCast("applications", "a" * 40, "timestamp", 1000, 28)
    record = Quality("answer", 300, (check,) * 200, 100, (("casts", 5),) * 20, (cast,) * 200, ())
    assert size("quality.html", record, "quality.html") < MOST
    one = Difference("applications", "a" * 40, "type contradicted", "more " * 20, NOW, 28)
    assert (
        size("drift.html", Drift("answer", (one,) * 500, (one,) * 500, 0, 0, 73, (one,) * 500, ()), "drift.html") < MOST
    )


def test_planning_with_20_reports_of_100_rows(size):
    row = ("23\u00a0Nov\u00a02026", "a text of some length", 1000, 1000, 12.5, "95.7\u00a0%")
    series = (("received", tuple((day, 1000.0) for day in DAYS[-120:])),) * 2
    one = PlanningModel("report_one", "about " * 60, 5000, ("a", "b", "c", "d", "e", "f"), {}, (row,) * 100, series)
    assert size("planning.html", Planning("20 reports", (one,) * 20), "planning.html") < MOST


def test_of_many_columns_the_first_are_those_that_people_ask_for():
    def column(name, kind, filled, target=""):
        return ColumnLine(name, kind, Described(name, kind, ""), name == "id", True, False, False, filled, (), target)

    flags = [column(f"is_{number}", "boolean", 1.0) for number in range(60)]
    texts = [column(f"text_{number}", "text", 0.5) for number in range(30)]
    wanted = [
        *(column("id", "integer", 1.0), column("ward", "integer", 0.2, "wards"), column("stage_id", "integer", 0.1)),
        *(column("received", "timestamp", 0.1), column("planning_reference", "text", 0.1)),
    ]
    first, groups = _in_groups([*flags, *texts, *wanted])
    names = {one.name for one in first}
    assert names >= {one.name for one in (*texts, *wanted)}
    assert len(names) == 50
    assert sum(len(some) for _, some in groups) == 45
