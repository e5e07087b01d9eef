"""Forgetting where types and columns are not the same everywhere: in previews, in older versions, in older files."""

from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from changes.remains import remains
from conftest import feeding, written_config
from planlake.changes.forget import forget
from planlake.changes.previews import create
from planlake.changes.rollback import rollback, undo
from planlake.flow.open_run import open_for_writing
from planlake.lake.forgetting.search import read_rows
from planlake.lake.open_lake import open_lake
from planlake.lake.state.operations import append_operations
from planlake.lake.tables.commits import commit
from planlake.lake.tables.data_files import data_files
from planlake.lake.tables.format import FORMAT_PROPERTY
from planlake.lake.tables.parquet import write_file
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.telemetry.progress import ignore
from report.showing import Showing

FIRST = datetime.fromisoformat("2026-11-10T03:00:00")
NAME = "DPP-426"
RECORDS = {"7": "Severine", "007": "Balthasar", "Q7": "Quentin"}  # by id as it is sent


class Served:
    """These records, and what is sent of all of them besides."""

    def __init__(self):
        self.more = {}

    def records(self, filters):
        common = {"last_updated": "2026-11-07 09:00:00"} | self.more
        found = [{"id": one, "name": name, **common} for one, name in RECORDS.items()]
        day = filters.get("last_updated", "")
        return [one for one in found if one["last_updated"].startswith(day)]


def declared(kind):
    return f"""
source: tascomi
resources: {{things: {{columns: {{id: {kind}, last_updated: timestamp, name: text}}}}}}
tables: {{daily: [things]}}
settings: {{rejected_percent: 100}}
"""


def names(feed, environment=None):
    return {row["name"] for row in feed.rows("select name from things", environment=environment)}


@contextmanager
def fed(folder, kind):
    with feeding(Showing(("things",), page_size=3), folder, declared(kind)) as feed:
        feed.data.shown = {"things": Served()}
        feed.monkeypatch.setenv("PLANLAKE_NOW", FIRST.isoformat())
        yield feed


def yes(_):
    return True


@pytest.mark.parametrize(("of_base", "of_preview"), [("integer", "text"), ("text", "integer")])
def test_an_id_is_compared_as_each_lake_writes_it(tmp_path, of_base, of_preview):
    with fed(tmp_path, of_preview) as feed:
        create(feed.config, NAME)
        run(feed.config, Selection(), environment=NAME)
        feed.config = written_config(feed.simulator, tmp_path, declared(of_base))
        feed.run_at((FIRST + timedelta(hours=1)).isoformat())
        kinds = {None: of_base, NAME: of_preview}
        forget(feed.config, "things", "007", confirm=yes)
        kept = {"integer": set(), "text": {"Severine", "Quentin"}}  # 007 is 7 where ids are numbers
        assert {environment: names(feed, environment) for environment in kinds} == {
            environment: kept[kind] for environment, kind in kinds.items()
        }
        assert remains(tmp_path, ("Balthasar",)) == []
        forget(feed.config, "things", "Q7", confirm=yes)
        assert remains(tmp_path, ("Quentin",)) == []
        assert remains(tmp_path, ("Severine",)) != []


def test_a_column_that_came_and_went_is_forgotten_too_and_what_a_message_showed_of_it(tmp_path):
    with fed(tmp_path, "text") as feed:
        feed.run_at(FIRST.isoformat())
        feed.data.shown["things"].more = {"last_updated": "2026-11-10 09:00:00", "secret": "Melusine"}
        feed.run_at((FIRST + timedelta(days=1)).isoformat())
        with open_for_writing(feed.config, None, ignore) as context:
            message = {"run": 2, "resource": "things", "check": "own", "message": '1 values, "Melusine" for example'}
            append_operations(context.lake, "checks", [message])
        rollback(feed.config, [], FIRST.date(), confirm=yes)
        assert "secret" not in feed.rows("select * from things limit 1")[0]
        for identity in RECORDS:
            forget(feed.config, "things", identity, confirm=yes)
        assert remains(tmp_path, ("Melusine", *RECORDS.values())) == []
        undo(feed.config, confirm=yes)
        assert feed.rows("select secret from things") == []


def test_files_of_an_older_version_that_lack_a_column_hold_up_nothing(tmp_path):
    with fed(tmp_path, "text") as feed:
        feed.run_at(FIRST.isoformat())
        ledger = open_lake(feed.config).find("raw", "api_requests")
        with ledger.update_schema() as update:
            update.delete_column("first_id").delete_column("last_id")
        with ledger.transaction() as transaction:
            transaction.remove_properties(FORMAT_PROPERTY)
        files = data_files(ledger)
        older = [write_file(ledger, read_rows(ledger, file), partition=("things",)) for file in files]
        commit(ledger, add=older, remove=files)
        forget(feed.config, "things", "007", confirm=yes)
        assert remains(tmp_path, ("Balthasar",)) == []
        assert names(feed) == {"Severine", "Quentin"}
        assert feed.rows("select distinct first_id from api_requests where page is not null") == [{"first_id": None}]
