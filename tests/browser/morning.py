"""A lake as somebody finds it on a Saturday morning: twelve days of runs, and of all that can go wrong one of each.

Every text that the vendor can choose holds script; every one that says something of a person holds `Planted`.
"""

import json
from contextlib import contextmanager, suppress
from datetime import datetime

from conftest import feeding
from planlake.changes.rollback import rollback, undo
from planlake.flow.ingest import step as ingest_step
from planlake.simulator.choose import dataset
from planlake.simulator.faults import Rule

NOW = "2026-11-28T09:00:00"
SCRIPT = '"><img src=x onerror="document.title=\'Injected\'"><script>document.title="Injected"</script>'
SIZES = {
    "applications": 120,
    "appeals": 60,
    "contacts": 80,
    "enforcements": 60,
    "fees": 110,
    "public_comments": 70,
    "users": 20,
    "emails": 60,
}
DAILY, WEEKLY = ("applications", *tuple(SIZES)[1:]), ("decision_types", "wards")
SETTINGS = f"""\
source: tascomi
tables: {{daily: [{", ".join(DAILY)}], weekly: [{", ".join(WEEKLY)}]}}
settings: {{attempts: 1, timeout_seconds: 5}}
environments:
  local: {{catalog: {{type: sql, uri: "sqlite:///lake/catalog.db"}}, warehouse: lake/}}
"""

MODELS = {
    "report_weeks": """\
-- Fees that were changed in each week.
--
-- kind: view
-- columns:
--   report_week: Monday of the week
select
    date_trunc('week', last_updated)::date as report_week,
    count(*) as received,
    count(*) filter (id % 2 = 0) as decided
from refined.fees
group by report_week
""",
    "report_each": "-- Each fee.\n--\n-- kind: view\nselect id, id % 2 = 0 as is_even from refined.fees\n",
    "report_missing": "-- Of what is not there.\n--\n-- kind: view\nselect * from trusted.nothing\n",
}


def at(day, hour=3):
    return f"2026-11-{day:02}T{hour:02}:00:00"


@contextmanager
def morning(folder):
    """The lake, loaded; its clock stands on Saturday 28 November 2026, at nine."""
    data = dataset("tascomi", now=datetime.fromisoformat(at(17)), sizes=SIZES)
    data.keeps_all = True
    with feeding(data, folder, SETTINGS) as feed:
        _days(feed)
        (folder / "models").mkdir()
        for name, text in MODELS.items():
            (folder / f"models/{name}.sql").write_text(text)
        feed.monkeypatch.setenv("PLANLAKE_NOW", NOW)
        yield feed


def _days(feed):
    feed.run_at(at(17))
    feed.run_at(at(18))
    feed.fail(Rule(resource="contacts", status=503, times=None))
    feed.run_at(at(19))
    feed.fail()
    feed.run_at(at(20))  # the day after nobody ran anything
    nobody = _plant(feed, 21)
    feed.run_at(at(22))
    feed.data.delete("contacts", nobody)
    rollback(feed.config, ["enforcements"], 2, confirm=lambda _: True)
    undo(feed.config, confirm=lambda _: True)
    feed.fail(Rule(resource="emails", body=f"<html><title>{SCRIPT}</title></html>".encode(), times=None))
    for day in (23, 24, 25):
        feed.run_at(at(day))
    feed.fail()
    _kill(feed, 26)
    for identity in feed.data.ids("appeals")[:30]:
        record = feed.data.record("appeals", identity)
        changed = {"last_updated": "2026-11-25 12:00:00", "submit_date": f"Planted {SCRIPT}"}
        feed.data.put("appeals", {**record, **changed})
    feed.run_at(at(26, 5))
    feed.fail(Rule(resource="fees", status=503, times=None))
    feed.run_at(at(27))
    feed.run_at(at(28))
    feed.fail()


def _plant(feed, day):
    """Records with keys that nobody declared, values that do not cast, and one that has no id."""
    for table in ("applications", "enforcements"):
        first = feed.data.record(table, feed.data.ids(table)[0])
        new = {**first, "last_updated": f"2026-11-{day} 12:00:00", SCRIPT: f"Planted {SCRIPT}"}
        feed.data.put(table, new)
    of_nobody = {"id": None, "last_updated": f"2026-11-{day} 12:00:00", "email": f"Planted {SCRIPT}"}
    identity = max(feed.data.ids("contacts")) + 1
    feed.data.put("contacts", {**of_nobody, "id": str(identity)}, body=json.dumps(of_nobody).encode())
    return identity


def _kill(feed, day):
    """A run that ends as if its process was killed, when half of it is done."""
    done, count = ingest_step._commit, 0

    class Killed(BaseException):
        pass

    def killing(*arguments, **more):
        nonlocal count
        count += 1
        if count == 4:
            raise Killed
        return done(*arguments, **more)

    with feed.monkeypatch.context() as patched, suppress(Killed):
        patched.setattr(ingest_step, "_commit", killing)
        feed.run_at(at(day))
