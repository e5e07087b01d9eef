"""Texts that may name people are hidden however a query gets at them: undeclared ones, and declared free ones."""

import io
import zipfile
from datetime import datetime

import pyarrow.parquet as pq
import pytest

from conftest import feeding
from flow.tables import DAY_1, DAY_2, put, thing
from planlake.report.web import browsing
from planlake.report.web.browsing import browse
from planlake.report.web.files import FORMATS
from planlake.report.web.worker import answer, download, open_workers, tables
from planlake.simulator.dataset import Dataset

SETTINGS = """\
source: tascomi
resources:
  things:
    columns: {id: integer, last_updated: timestamp, name: text, notes: text, site_reference: text, kind_id: integer}
tables: {daily: [things]}
"""
MODEL = """\
-- Things.
select id, notes as told, remark, site_reference, 'Plainly' as plain from refined.things
"""
MADE_OF_ROWS = """\
-- Things, each as a text, and what tells of them.
select
    id, to_json(t) as whole, t::varchar as written, [remark]::varchar as listed, to_json({'a': notes}) as packed,
    concat_ws(' ', site_reference, *columns('re.*')) as joined, coalesce(site_reference, notes) as either,
    (array_agg(t) over ())::varchar as every,
    notes is not null as has_notes, length(remark) as long, site_reference as site
from refined.things as t
"""
AS_VIEW = MADE_OF_ROWS.replace("-- Things, each as a text, and what tells of them.", "-- A view.\n--\n-- kind: view")
PLAIN = """\
-- Things without their texts.
select id, site_reference, 'Plainly' as plain from refined.things
"""


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """The queries of a lake in which `Planted` stands in texts alone: declared and undeclared ones, of two versions."""
    folder = tmp_path_factory.mktemp("lake")
    (folder / "models").mkdir()
    (folder / "models/told.sql").write_text(MODEL)
    (folder / "models/made_of_rows.sql").write_text(MADE_OF_ROWS)
    (folder / "models/view_of_rows.sql").write_text(AS_VIEW)
    (folder / "models/gone.sql").write_text(PLAIN)
    (folder / "models/plain.sql").write_text(PLAIN)
    texts = {"notes": "PlantedNotes", "remark": "PlantedRemark", "site_reference": "2026/1", "kind_id": "4"}
    data = Dataset({"things": {"id": "integer"}}, now=datetime.fromisoformat(DAY_1))
    with feeding(data, folder, SETTINGS) as feed:
        put(feed, 1, thing(1, "PlantedName", **texts))
        assert feed.run_at(DAY_1).exit_code == 0
        put(feed, 1, thing(1, "PlantedLater", "2026-11-17 09:00:00", **texts))
        assert feed.run_at(DAY_2).exit_code == 0
        (folder / "models/gone.sql").unlink()
        with open_workers(feed.config) as opened:
            yield opened


def test_no_table_view_or_past_day_shows_a_text_that_may_name_people(workers):
    shown = {name: [str(answer(workers, _all(name)).rows)] for name in tables(workers)}
    for name in ("things", "told"):
        shown[f"{name} as of"] = [str(answer(workers, f"select * from {name}", as_of="2026-11-17").rows)]
    assert [name for name, rows in shown.items() if "Planted" in str(rows)] == []
    assert {"things as of", "told as of"} < {name for name, rows in shown.items() if "[personal, " in str(rows)}


def test_the_columns_that_are_listed_are_those_of_an_answer(workers):
    listed = tables(workers)
    answered = {name: answer(workers, f"{_all(name)} limit 0").columns for name in listed}
    assert {name: [(one.name, one.type) for one in columns] for name, columns in answered.items()} == listed
    assert {"history_things", "made_of_rows", "view_of_rows", "gaps"} < {name.rpartition(".")[2] for name in listed}


def test_what_is_no_free_text_is_shown(workers):
    query = "select t.site_reference, kind_id, plain, p.site_reference from things as t join plain as p using (id)"
    assert answer(workers, query).rows == (("2026/1", 4, "Plainly", "2026/1"),)


def test_a_download_shows_none_either(workers):
    rows = pq.read_table(io.BytesIO(download(workers, "select * from things", format="parquet")))
    assert "Planted" not in str(rows.to_pylist())
    assert rows["remark"].to_pylist() == ["[personal, 13 characters]"]


MADE = ("made_of_rows", "view_of_rows")


@pytest.mark.parametrize("model", MADE)
def test_a_text_made_of_whole_rows_is_hidden_wherever_it_is_shown(workers, model):
    query = f"select * from {model}"
    files = [download(workers, query, format=kind) for kind in FORMATS]
    with zipfile.ZipFile(io.BytesIO(files[2])) as book:
        files[2] = b"".join(book.read(name) for name in book.namelist())
    rows = pq.read_table(io.BytesIO(files[1])).to_pylist()
    page = browse(workers, model, [("facet", "whole"), ("facet", "joined")], [])
    assert "Planted" not in f"{files[0]}{rows}{files[2]}{page}{answer(workers, query).rows}"
    assert "[personal, " in str(rows)


def test_what_only_tells_of_a_hidden_text_is_shown(workers):
    query = "select id, has_notes, long, site from made_of_rows"
    assert answer(workers, query).rows == ((1, "true", 13, "2026/1"),)


def test_of_a_model_whose_file_is_gone_nothing_is_shown(workers):
    assert answer(workers, "select plain from gone").rows == (("[personal, 7 characters]",),)


def test_a_page_of_browse_counts_no_such_values(workers):
    page = browse(workers, "things", [("facet", "notes"), ("facet", "remark")], [])
    assert "Planted" not in str(page)
    assert [one.values[0].value for one in page.facets] == ["[personal, 12 characters]", "[personal, 13 characters]"]


def test_what_is_asked_of_a_hidden_column_is_said_not_to_be_so(workers):
    what = "filters, sorting, groups and sums work on the hidden text, not on the values"
    said = f"notes holds personal values, which are hidden here: {what}"
    assert answer(workers, "select count(*) from things where Notes like '%a%'").notes == (said,)
    assert answer(workers, "select count(*), 'notes' from things where kind_id = 4").notes == ()
    both = answer(workers, "select notes, remark from history_things").notes
    assert both == (f"notes, remark hold personal values, which are hidden here: {what}",)
    filtered = [("column", "notes"), ("condition", "has"), ("value", "a")]
    assert [browse(workers, "things", given, []).notes for given in (filtered, [])] == [(said,), ()]


def test_browse_shows_first_what_is_neither_hidden_nor_planlakes_own(workers, monkeypatch):
    monkeypatch.setattr(browsing, "MOST_COLUMNS", 4)
    page = browse(workers, "things", [], [])
    assert [one.name for one in page.shown] == ["id", "site_reference", "last_updated", "kind_id"]


def _all(name):
    database, _, table = name.partition(".")
    return f'select * from "{database}"."{table}"'
