"""A small council for each feature, and the person who types commands there; the steps are in `acting` and `seeing`."""

from datetime import datetime

import pytest

from conftest import feeding
from documenting import FIELDS, VALUES
from features.acting import *  # noqa: F403 - pytest-bdd keeps each step as a fixture of its module
from features.person import NOW, Person
from features.seeing import *  # noqa: F403
from planlake.simulator.dataset import Dataset

SETTINGS = """
tables:
  daily: [fees, enforcements]     # read by day
  weekly: [wards]
environments:
  prod: {protected: true}
"""
SERVED = (
    "fees",
    "enforcements",
    "wards",
    "enforcement_breaches",
    "enforcement_outcomes",
    "breach_types",
    "asset_constraints",
)
RECORDS = 8


def pytest_bdd_apply_tag(tag, function):
    """Tags are the playbook's numbers, and no marks."""
    return True


@pytest.fixture(scope="module")
def council(tmp_path_factory):
    """A lake loaded on two nights beside a running API that has more tables than are loaded."""
    with feeding(records(), tmp_path_factory.mktemp("council"), SETTINGS) as feed:
        assert feed.run_at("2026-11-21T03:00:00").exit_code == 0
        feed.data.move_to(datetime.fromisoformat(NOW))
        feed.made = set()  # what `Given` steps have seen to already
        yield feed


@pytest.fixture
def person(council, monkeypatch, capfd):
    """Somebody who types commands in the folder of the configuration."""
    monkeypatch.chdir(council.config.folder)
    monkeypatch.setenv("COLUMNS", "200")
    return Person(council, monkeypatch, capfd)


def records():
    data = Dataset(FIELDS, now=datetime.fromisoformat("2026-11-21T03:00:00"))
    for table in SERVED:
        for number in range(1, RECORDS + 1):
            data.put(table, record(table, number))
    return data


def record(table, number, changed="", **more):
    """A record with a usual value in every column."""
    values = {column: VALUES[kind] for column, kind in FIELDS[table].items()}
    at = changed or f"2026-11-{number + 5:02d} 09:00:00"
    return {**values, "id": str(number), "last_updated": at, **more}
