"""A small council behind a running simulator, and a lake that was loaded from it over two days."""

from datetime import datetime

import pytest

from commands import typed_in_process
from conftest import feeding
from planlake.simulator.generator import generate
from planlake.simulator.recipes import is_lookup
from planlake.sources.catalogue import load_catalogue

FIRST, SECOND = "2026-11-20T03:00:00", "2026-11-21T03:00:00"  # a Friday and a Saturday
TABLES = """\
tables:
  daily: [applications, contacts, asset_constraints, fees]
  weekly: [wards]
environments:
  local: {database_prefix: dataplatform-stg-}
  plain: {catalog: {uri: "sqlite:///plain/catalog.db"}, warehouse: plain/}
"""
FEW_TABLES = "tables: {daily: [fees], weekly: [wards]}\n"


def small_council(now=FIRST):
    catalogue = load_catalogue("tascomi")
    sizes = {name: 20 for name, resource in catalogue.resources.items() if not is_lookup(resource)}
    sizes |= {"applications": 60, "contacts": 60, "fees": 70, "asset_constraints": 30}
    return generate(catalogue, seed=7, now=datetime.fromisoformat(now), sizes=sizes)


@pytest.fixture(scope="session")
def lake(tmp_path_factory):
    """The configuration file of a loaded lake that no test changes; its API is gone."""
    folder = tmp_path_factory.mktemp("lake")
    with feeding(small_council(), folder, TABLES) as feed:
        results = [feed.run_at(FIRST), feed.run_at(SECOND)]
    assert [result.exit_code for result in results] == [0, 0]
    return folder / "planlake.yaml"


@pytest.fixture
def feed(tmp_path, monkeypatch):
    """An empty lake of two tables beside a running simulator that may be changed."""
    with feeding(small_council(), tmp_path, FEW_TABLES) as running:
        running.file = tmp_path / "planlake.yaml"
        yield running


@pytest.fixture
def typed(monkeypatch, capfd):
    """Run a command in this process."""
    return lambda *arguments: typed_in_process(monkeypatch, capfd, arguments)


@pytest.fixture
def at(monkeypatch):
    """Move Planlake's clock."""
    return lambda now: monkeypatch.setenv("PLANLAKE_NOW", now)
