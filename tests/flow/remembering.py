"""A lake and the oracle beside it: after every step of a history, and at its end for every day, both are compared."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from conftest import written_config
from flow.killing import Killed
from histories import FIRST_DAY, NUMBERS, TEXTS, TYPES, Past, Shown, latest
from planlake.lake.views import views as lake_views
from planlake.report.query import open_views
from planlake.runs.plan import Selection
from planlake.runs.run import run
from querying import answer

LONDON = ZoneInfo("Europe/London")
# Name, cadence, key, its type, the column that says when a record changed.
KINDS = (
    ("numbered_1", "daily", "id", "integer", "last_updated"),
    ("numbered_2", "daily", "id", "integer", "last_updated"),
    ("numbered_3", "daily", "id", "integer", "last_updated"),
    ("named_otherwise", "daily", "reference", "long", "modified"),
    ("lettered_1", "daily", "id", "text", "last_updated"),
    ("lettered_2", "daily", "id", "text", "last_updated"),
    ("lettered_otherwise", "daily", "code", "text", "modified"),
    ("undated", "daily", "id", "integer", ""),
    ("of_the_week", "weekly", "id", "integer", ""),
    ("lettered_of_the_week", "weekly", "id", "text", "last_updated"),
)
NO_VENDORS = {"page_number", "batch", "is_deleted", "record_hash"}  # and all that begin with `import_`
OWN = ("batch", "page_number", "import_date", "is_deleted")
PAGE_SIZE = 3
# Every cell may be bad and every record may go: what such limits hold back is tested elsewhere.
SETTINGS = "settings: {uncastable_percent: 100, dropped_rows_percent: 100, deletion_limit_percent: 100}\n"


def settings_of(kinds=KINDS):
    lists = {cadence: [name for name, each, *_ in kinds if each == cadence] for cadence in ("daily", "weekly")}
    resources = ""
    for name, _, key, kind, changed in kinds:
        columns = {**TYPES, key: kind, **({changed: "timestamp"} if changed else {})}
        declared = ", ".join(f"{column}: {type_}" for column, type_ in columns.items())
        resources += f'  {name}: {{key: {key}, complete: {key}, changed: "{changed}", columns: {{{declared}}}}}\n'
    listed = ", ".join(f"{cadence}: [{', '.join(names)}]" for cadence, names in lists.items())
    return f"source: tascomi\nresources:\n{resources}tables: {{{listed}}}\n{SETTINGS}"


class Lake:
    """A lake while its history goes on, and what the oracle says it holds."""

    def __init__(self, feed, folder, commits, kinds=KINDS):
        self.feed, self.commits = feed, commits
        self.config = written_config(feed.simulator, folder, settings_of(kinds))
        self.shown, self.pasts, self.day, self.now = {}, {}, FIRST_DAY, None
        for name, _, key, kind, changed in kinds:
            ids = TEXTS if kind == "text" else NUMBERS
            self.shown[name] = Shown(name, key, changed, ids)
            types = {**TYPES, key: kind, **({changed: "timestamp"} if changed else {})}
            self.pasts[name] = Past(key, changed, types)
        feed.data.shown = self.shown
        self.last_request, self.is_behind = 0, False

    def take(self, step):
        """One step of the history, with everything that must hold after it."""
        self.day += timedelta(days=step.days)
        now = datetime.combine(self.day, time.fromisoformat(step.time))
        self.now = max(now, self.now + timedelta(minutes=5)) if self.now else now
        self.day = self.now.date()
        for shown, actions in zip(self.shown.values(), step.changes, strict=True):
            for action in actions:
                shown.act(*action, self.now)
        with self.commits.killing(step):
            try:
                self.run(step.reads)
            except Killed:
                self.received(is_killed=True)
                self.check_published()
                self.is_behind = True
            else:
                self.completed(step.reads)
        if self.is_behind and step.is_repeated:
            self.repeat(step.reads)

    def repeat(self, reads="named"):
        """A run some minutes later that nothing disturbs."""
        self.now += timedelta(minutes=5)
        self.day = self.now.date()
        self.run(reads)
        self.completed(reads)

    def completed(self, reads):
        self.is_behind = False
        self.received(is_killed=False)
        self.check(reads)

    def run(self, reads):
        self.feed.monkeypatch.setenv("PLANLAKE_NOW", self.now.isoformat())
        self.feed.simulator.requests.clear()
        tables = tuple(self.shown) if reads != "due" else ()
        result = run(self.config, Selection(tables=tables, is_full=reads == "full"))
        troubles = [(one.table, one.outcome, one.message) for one in result.tables if one.is_troubled]
        assert not troubles, troubles
        assert result.exit_code == 0

    def received(self, *, is_killed):
        """Tell the oracle what was answered: of a killed run those requests that the ledger has, else all."""
        with open_views(self.config) as views:
            query = f"""select resource, batch, request_id, event, "window", page, url, records, stored
                from api_requests where request_id > {self.last_request} and (event = 'count' or records is not null
                and event in ('page', 'provisional', 'recount', 'check')) order by request_id"""
            rows = answer(views, query).to_pylist()
        self.last_request = max([self.last_request, *(row["request_id"] for row in rows)])
        if not is_killed:
            told = sorted(map(_asked, (row["url"] for row in rows)))
            asked = sorted(
                (one.path.split("/")[-1], *sorted(one.query.items())) for one in self.feed.simulator.requests
            )
            assert told == asked, f"requests in the ledger {told}, answered {asked}"
        rows = [row for row in rows if row["event"] != "count"]  # the weekly one brings no records
        for name, past in self.pasts.items():
            # of an id that repeats, which was confirmed by asking for it alone, the records came with their pages
            landed = [row for row in rows if row["resource"] == name and (row["records"] or row["event"] != "check")]
            before = len(past.versions), past.records
            if landed:
                (batch,) = {row["batch"] for row in landed}
                assert batch > max([version.batch for version in past.versions], default=0), f"batch of {name}"
                past.receive(batch, self.day, [self.answered(name, row) for row in landed])
            counted = sum(row["stored"] for row in landed), sum(row["records"] for row in landed)
            told = len(past.versions) - before[0], past.records - before[1]
            assert counted == told, f"{name}: records stored and received {counted}, expected {told}"
            if not is_killed or f"current_{name}" in self.commits.committed:
                past.publish(self.day, is_told=not is_killed)

    def answered(self, name, row):
        past = self.pasts[name]
        if row["event"] == "check":
            query = dict(_asked(row["url"])[1:])
            return None, query[past.key], self.shown[name].records({past.key: query[past.key]})
        filters = {} if row["window"] == "full" else {past.changed: row["window"]}
        found = self.shown[name].records(filters)
        return row["page"], "", found[(row["page"] - 1) * PAGE_SIZE : row["page"] * PAGE_SIZE]

    # ------------------------------------------------------------ after a run

    def check_published(self):
        """A run that was killed leaves what was published, of every table either the old version or the new one."""
        with open_views(self.config) as views:
            for name, past in self.pasts.items():
                if past.published:
                    self.check_current(views, name, past.published[max(past.published)])

    def check(self, reads):
        with open_views(self.config) as views:
            for name, past in self.pasts.items():
                columns = self.check_current(views, name, len(past.versions))
                assert set(columns) == set(past.columns()), f"columns of {name}: {columns}, expected {past.columns()}"
                self.check_history(views, name)
                if reads == "full":
                    self.check_shown(name)
            told = [(name, *cell) for name, past in self.pasts.items() for cell in past.uncastable()]
            query = 'select resource, batch, id, "column", raw_value, wanted_type from uncastable'
            _assert_same(_rows(views, query), told, "uncastable")

    def check_current(self, views, name, until):
        """`current_` is the latest of the first versions received."""
        past = self.pasts[name]
        table = answer(views, f"select * from current_{name}")
        columns = [
            column for column in table.column_names if column not in NO_VENDORS and not column.startswith("import_")
        ]
        told = [past.row(version, columns) for version in latest(past, until).values()]
        _assert_same(_tuples(table.select([*columns, *OWN])), told, f"current_{name}")
        return columns

    def check_history(self, views, name):
        """Every version as received, in order, each valid from when it was received until the next one."""
        past, columns = self.pasts[name], self.pasts[name].columns()
        rows = answer(views, f"select *, {_quoted(past.key)}::varchar as identity from history_{name}").to_pylist()
        held = [tuple(row[column] for column in [*columns, *OWN]) for row in rows]
        _assert_same(held, [past.row(one, columns) for one in past.versions], f"history_{name}")
        assert all(row["valid_from"] == row["import_datetime"] for row in rows)
        for identity in {version.identity for version in past.versions}:
            its_own = [row for row in rows if row["identity"] == identity]
            told = [past.row(one, columns) for one in past.in_order(identity)]
            in_order = [
                next(row for row in its_own if tuple(row[one] for one in [*columns, *OWN]) == one_told)
                for one_told in told
            ]
            ends = [row["valid_from"] for row in in_order[1:]] + [None]
            assert [row["valid_to"] for row in in_order] == ends, f"history_{name}, id {identity}: {in_order}"
        return rows

    def check_shown(self, name):
        """What a full reading answered is what the table shows, whatever was there before."""
        past, shown = self.pasts[name], self.shown[name]
        live = {identity: one.record for identity, one in latest(past).items() if not one.is_deleted}
        told = {}
        for record in shown.records({}):
            told.setdefault(past.identity(record), []).append(record)
        assert live.keys() == told.keys(), f"{name}: ids held and shown"
        wrong = [identity for identity, record in live.items() if _said(record) not in map(_said, told[identity])]
        assert not wrong, f"{name}: held otherwise than shown: {wrong}"

    # ------------------------------------------------------------ every day of the past

    def check_every_day(self, monkeypatch):
        with open_views(self.config) as views:
            for name, past in self.pasts.items():
                columns, rows = past.columns(), self.check_history(views, name)
                names = ", ".join(map(_quoted, [*columns, *OWN]))
                held = _rows(views, f"select {names} from increment_{name}")
                _assert_same(held, [past.row(one, columns) for one in past.versions], f"increment_{name}")
                for day in self.days():
                    self.check_history_on(name, rows, day)
            for day in self.days():
                self.check_day(replace(views, as_of=day), day)
            monkeypatch.setattr(lake_views.Views, "_snapshot_of_day", lambda *_: ("", None))
            for day in self.days():
                self.check_day_recomputed(replace(views, as_of=day), day)

    def days(self):
        return [FIRST_DAY + timedelta(days=number) for number in range(-1, (self.day - FIRST_DAY).days + 2)]

    def check_day(self, views, day):
        """As of a day a table is what its last run by then published; before the first, as received."""
        for name, past in self.pasts.items():
            told = latest(past, past.until(day, is_published=True)).values()
            columns = past.columns()
            names = ", ".join(map(_quoted, [*columns, *OWN[:-1]]))
            live = _rows(views, f"select snapshot_date, {names} from {name}")
            expected = [past.row(one, columns)[:-1] for one in told if not one.is_deleted]
            _assert_same([row[1:] for row in live], expected, f"{name} as of {day}")
            for snapshot_date in {row[0] for row in live}:  # of a killed run the tag's day, or the day it was told
                assert snapshot_date <= f"{day:%Y%m%d}", f"date of {name} as of {day}: {snapshot_date}"

    def check_day_recomputed(self, views, day):
        """Where no tag is left, a table is what was received by the end of a day."""
        for name, past in self.pasts.items():
            told = latest(past, past.until(day, is_published=False)).values()
            columns = past.columns()
            names = ", ".join(map(_quoted, [*columns, *OWN]))
            held = _rows(views, f"select {names} from current_{name}")
            _assert_same(held, [past.row(one, columns) for one in told], f"{name} as received until {day}")

    def check_history_on(self, name, rows, day):
        """The versions valid at the end of a London day are the latest of those received by then."""
        past = self.pasts[name]
        end = datetime.combine(day + timedelta(days=1), time(), LONDON).astimezone(UTC).replace(tzinfo=None)
        valid = [row for row in rows if row["valid_from"] < end and (row["valid_to"] is None or row["valid_to"] >= end)]
        told = latest(past, past.until(day, is_published=False)).values()
        shown = [tuple(row[one] for one in ["identity", "name", *OWN]) for row in valid]
        _assert_same(shown, [(one.identity, *past.row(one, ["name"])) for one in told], f"history_{name} on {day}")


def _assert_same(held, told, what):
    held, told = sorted(map(repr, held)), sorted(map(repr, told))
    extra, missing = [row for row in held if row not in told], [row for row in told if row not in held]
    assert held == told, f"{what}: {len(held)} rows of {len(told)}; only held {extra[:3]}, only expected {missing[:3]}"


def _quoted(column):
    return f'"{column}"'


def _asked(url):
    """The resource and the query of a request, from its address."""
    path, _, query = url.partition("?")
    return (path.split("/")[-1], *sorted(parse_qsl(query)))


def _said(record):
    return sorted((key, value) for key, value in record.items() if value is not None)


def _tuples(table):
    return [tuple(row.values()) for row in table.to_pylist()]


def _rows(views, query):
    return _tuples(answer(views, query))
