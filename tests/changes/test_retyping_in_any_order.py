"""A column gets other types, in any order with runs, rollbacks, undos and rebuilds that are killed at their commits.

After each next run every value that is NULL in its column is told once, with the type the column has, and beside those,
while a new type is held, every value that this one does not accept; nothing else is told.
"""

import os
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from conftest import feeding, table_of, written_config
from flow.killing import Commits, Killed
from flow.tables import COLUMNS, columns_with
from flow.tables import numbered as thing
from planlake.changes.maintain import maintain
from planlake.changes.rebuild import rebuild
from planlake.changes.rollback import rollback, undo
from planlake.errors import ConfigurationError
from planlake.lake.open_lake import open_lake
from planlake.lake.tables.columns import TYPES
from planlake.lake.tables.version_summary import bookmark
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.simulator.dataset import Dataset

FIRST = datetime.fromisoformat("2026-11-02T03:00:00")
EXAMPLES = 100 if os.environ.get("PLANLAKE_SOAK") else 2
ACCEPTED = {"integer": ("1",), "double": ("1", "2.5"), "boolean": ("1", "t"), "text": ("1", "2.5", "t", "x")}
KINDS = ("run", "run", "rollback", "undo", "rebuild", "recast", "maintain")


@dataclass(frozen=True)
class Step:
    """What the vendor changes, the type declared then, what is done, and at which commit it is killed, if any."""

    changes: list[tuple[int, str | None]]
    declared: str
    kind: str
    back: int
    zone: str
    killed_at: int
    is_committed: bool
    is_taken_back: bool


steps = st.lists(
    st.builds(
        Step,
        st.lists(st.tuples(st.integers(1, 8), st.sampled_from(["1", "2.5", "t", "x", "", None])), max_size=4),
        st.sampled_from(["double", "double", *ACCEPTED]),
        st.sampled_from(KINDS),
        st.integers(0, 2),
        st.sampled_from(["refined", "all"]),
        st.integers(0, 12),
        st.booleans(),
        st.booleans(),
    ),
    min_size=4,
    max_size=8,
)


class Lake:
    """A lake of one table, whose column `name` keeps as text what `amount` was sent as."""

    def __init__(self, feed):
        self.feed, self.now, self.declared = feed, FIRST, "double"

    def declare(self, kind):
        self.declared = kind
        self.feed.config = written_config(self.feed.simulator, self.feed.config.folder, settings_with(kind))

    def change(self, pairs):
        for identity, value in pairs:
            self.feed.data.put("things", thing(identity, self.now - timedelta(minutes=5), amount=value, name=value))

    def act(self, step):
        self.now += timedelta(minutes=10) if step.back else timedelta(days=1)
        self.feed.monkeypatch.setenv("PLANLAKE_NOW", self.now.isoformat())
        self.feed.data.move_to(max(self.now, self.feed.data.now))
        config, day = self.feed.config, self.now.date() - timedelta(days=step.back)
        with suppress(ConfigurationError):  # there is nothing to take back
            if step.kind == "rollback":
                rollback(config, [], day, zone=step.zone, confirm=lambda _: True)
            elif step.kind == "undo":
                undo(config, confirm=lambda _: True)
            elif step.kind == "rebuild":
                rebuild(config, [], origin="raw" if step.zone == "all" else "increments")
            elif step.kind == "maintain":
                maintain(config)
            else:
                run(config, Selection(recasts=step.kind == "recast"))

    def table(self):
        return open_lake(self.feed.config).find("refined", "increment_things")

    def held(self):
        """The type the column has."""
        kind = str(self.table().schema().find_type("amount"))
        return next(name for name in ACCEPTED if TYPES[name] == kind)

    def run_and_check(self):
        self.now += timedelta(minutes=10)
        result = table_of(self.feed.run_at(self.now.isoformat()), "things")
        assert result.outcome not in ("failed", "open"), result.message
        kinds = {self.held(), self.declared} if result.outcome == "held" else {self.held()}
        rows = self.feed.rows("select import_request_id as request, import_position as place, * from increment_things")
        for row in rows:
            assert (row["amount"] is not None) == (row["name"] in ACCEPTED[self.held()] + self.empty_text()), row
        expected = Counter(
            (row["request"], row["place"], row["name"], kind)
            for row in rows
            for kind in kinds
            if row["name"] and row["name"] not in ACCEPTED[kind]
        )
        until = f"batch <= {bookmark(self.table())}"
        told = self.feed.rows(f"select request_id, position, raw_value, wanted_type from uncastable where {until}")
        assert Counter(tuple(row.values()) for row in told) == expected

    def empty_text(self):
        """An empty text is a value of a column of text alone."""
        return ("",) if self.held() == "text" else ()


def settings_with(kind):
    return (
        f"source: tascomi\nresources:\n  things: {{columns: {{{columns_with(amount=kind)}}}}}\n"
        "tables: {daily: [things]}\n"
        "settings: {merge_after_files: 2, expire_after_versions: 3, uncastable_percent: 20, uncastable_cells: 1}\n"
    )


@settings(
    max_examples=EXAMPLES,
    derandomize=not os.environ.get("PLANLAKE_SOAK"),
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(steps)
def test_every_cell_is_told_once_whatever_is_killed_while_its_column_gets_other_types(sequence):
    data = Dataset({"things": COLUMNS}, now=FIRST)
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as monkeypatch,
        feeding(data, Path(folder), settings_with("double")) as feed,
    ):
        lake, commits = Lake(feed), Commits(monkeypatch)
        lake.change(enumerate(("1", "2.5", "t", "1", "1", "1", "2.5", ""), start=1))
        lake.run_and_check()
        for step in sequence:
            lake.change(step.changes)
            lake.declare(step.declared)
            try:
                with commits.killing(step):
                    lake.act(step)
            except Killed:
                commits.killed_at = 0
                event(f"a {step.kind} was killed")
                if step.is_taken_back:
                    lake.declare(lake.held())
            lake.run_and_check()
