"""A simulator with 120 wards, for the tests of the client."""

from datetime import datetime

import pytest

from planlake.simulator.dataset import Dataset
from planlake.simulator.faults import FaultPlan
from planlake.simulator.server import Simulator

NOW = datetime.fromisoformat("2026-11-23T03:00")


@pytest.fixture(scope="module")
def _serving():
    data = Dataset({"wards": {"id": "integer", "last_updated": "timestamp", "name": "text"}}, now=NOW)
    for number in range(1, 121):
        data.put("wards", {"id": str(number), "last_updated": "2026-11-20 10:00:00", "name": f"Ward {number}"})
    with Simulator(data) as running:
        yield running


@pytest.fixture
def simulator(_serving):
    _serving.faults = FaultPlan()
    _serving.requests.clear()
    return _serving
