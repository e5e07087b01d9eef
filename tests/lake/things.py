"""A lake with one small table, for tests of what surrounds its rows."""

from contextlib import contextmanager
from datetime import datetime

from conftest import feeding
from planlake.simulator.dataset import Dataset

DAY_1, DAY_2, DAY_3 = "2026-11-17T03:00:00", "2026-11-18T03:00:00", "2026-11-19T03:00:00"
COLUMNS = {"id": "integer", "last_updated": "timestamp", "name": "text"}
SETTINGS = """
source: tascomi
resources: {things: {columns: {id: integer, last_updated: timestamp, name: text}}}
tables: {daily: [things]}
settings: {lease_wait_seconds: 0}
"""


@contextmanager
def things_loaded(folder, names):
    """The table `things`, a record for each name, loaded on the first day."""
    data = Dataset({"things": COLUMNS}, now=datetime.fromisoformat(DAY_1))
    with feeding(data, folder, SETTINGS) as feed:
        for identity, name in enumerate(names, start=1):
            put(feed, identity, name, "2026-11-16 09:00:00")
        feed.run_at(DAY_1)
        yield feed


def put(feed, identity, name, changed):
    feed.data.put("things", {"id": str(identity), "last_updated": changed, "name": name})
