"""Forgetting where the key of a resource is not of one type everywhere: an id is what each lake takes it for."""

from datetime import datetime, timedelta

import pytest

from conftest import feeding, written_config
from planlake.flow.forget import forget
from planlake.flow.plan import Selection
from planlake.flow.preview import create
from planlake.flow.run import run

from .remains import remains
from .showing import Showing

FIRST = datetime.fromisoformat("2026-11-10T03:00:00")
NAME = "DPP-426"
RECORDS = {"7": "Severine", "007": "Balthasar", "Q7": "Quentin"}  # by id as it is sent


class Served:
    """These records, always the same."""

    def records(self, filters):
        found = [{"id": one, "last_updated": "2026-11-07 09:00:00", "name": name} for one, name in RECORDS.items()]
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


@pytest.mark.parametrize(("of_base", "of_preview"), [("integer", "text"), ("text", "integer")])
def test_an_id_is_compared_as_each_lake_writes_it(tmp_path, of_base, of_preview):
    with feeding(Showing(("things",), page_size=3), tmp_path, declared(of_preview)) as feed:
        feed.data.shown = {"things": Served()}
        feed.monkeypatch.setenv("PLANLAKE_NOW", FIRST.isoformat())
        create(feed.config, NAME)
        run(feed.config, Selection(), environment=NAME)
        feed.config = written_config(feed.simulator, tmp_path, declared(of_base))
        feed.run_at((FIRST + timedelta(hours=1)).isoformat())
        kinds = {None: of_base, NAME: of_preview}
        forget(feed.config, "things", "007", confirm=lambda _: True)
        kept = {"integer": set(), "text": {"Severine", "Quentin"}}  # 007 is 7 where ids are numbers
        assert {environment: names(feed, environment) for environment in kinds} == {
            environment: kept[kind] for environment, kind in kinds.items()
        }
        assert remains(tmp_path, ("Balthasar",)) == []
        forget(feed.config, "things", "Q7", confirm=lambda _: True)
        assert remains(tmp_path, ("Quentin",)) == []
        assert remains(tmp_path, ("Severine",)) != []
