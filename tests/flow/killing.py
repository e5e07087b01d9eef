"""Runs that are killed at one of their commits, as if their process ended."""

from contextlib import contextmanager

import pytest
from pyiceberg.table.update import AddSnapshotUpdate

from planlake.lake.sqlite_catalogue import SqliteCatalogue


class Killed(BaseException):
    """Nothing catches this: the run ends as if its process did."""


def killed(monkeypatch, module, stage, action, *, calls=1):
    """Carry out an action that is killed when a stage of it is begun for the given time."""
    done, count = getattr(module, stage), 0

    def killing(*arguments, **more):
        nonlocal count
        count += 1
        if count == calls:
            raise Killed
        return done(*arguments, **more)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(module, stage, killing)
        action()


class Commits:
    """Every commit to the catalogue is counted; from a given one on all fail, as after the end of the process."""

    def __init__(self, monkeypatch):
        self.committed, self.number, self.killed_at, self.is_committed = set(), 0, 0, False
        original = SqliteCatalogue.commit_table

        def commit_table(catalog, table, requirements, updates):
            self.number += 1
            is_last = self.number == self.killed_at
            if self.killed_at and self.number >= self.killed_at and not (is_last and self.is_committed):
                raise Killed
            answered = original(catalog, table, requirements, updates)
            if any(isinstance(update, AddSnapshotUpdate) for update in updates):  # and no new column alone
                self.committed.add(table.name()[-1])
            if is_last:
                raise Killed
            return answered

        monkeypatch.setattr(SqliteCatalogue, "commit_table", commit_table)

    @contextmanager
    def killing(self, step):
        self.committed, self.number = set(), 0
        self.killed_at, self.is_committed = step.killed_at, step.is_committed
        yield
        self.killed_at = 0
