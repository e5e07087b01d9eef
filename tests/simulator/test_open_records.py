"""Real records are served as published, each from the day it was dated."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from planlake.errors import ConfigurationError
from planlake.simulator.open_data import open_data
from planlake.simulator.server import Simulator
from planlake.sources.catalogue import load_catalogue
from simulator.conftest import get, read_all

FOLDER = Path(os.environ.get("PLANLAKE_TEST_DATA", "../shared/data"))
FIRST, SECOND = datetime.fromisoformat("2021-04-20"), datetime.fromisoformat("2021-07-17")
needs_data = pytest.mark.skipif(
    not (FOLDER / "planning-open-data").is_dir(), reason="real planning data absent: set PLANLAKE_TEST_DATA"
)


@needs_data
def test_the_energy_database_is_its_first_quarter_until_17_july_2021_and_its_second_from_then_on():
    data = open_data(FIRST)
    assert data.count("repd") == 6_292
    first = {record["id"]: record for record in data.records("repd")}
    data.move_to(datetime.fromisoformat("2021-07-16T23:59"))
    assert data.count("repd") == 6_292
    data.move_to(SECOND)
    second = {record["id"]: record for record in data.records("repd")}
    assert (len(second), len(second.keys() - first.keys()), len(first.keys() - second.keys())) == (6_461, 198, 29)
    assert second == {record["id"]: record for record in open_data(SECOND).records("repd")}


@needs_data
def test_an_application_shows_from_the_day_of_its_decision_and_the_undated_ones_always():
    data = open_data(FIRST)
    moments = [record["last_updated"] for record in data.records("iom_decisions")]
    assert None in moments
    assert max(moment for moment in moments if moment) == "2021-04-20 00:00:00"
    data.move_to(datetime.fromisoformat("2026-01-01"))
    assert (data.count("iom_applications"), data.count("iom_decisions")) == (17_862, 16_350)
    assert data.records("iom_applications") == open_data(datetime.fromisoformat("2026-01-01")).records(
        "iom_applications"
    )


@needs_data
def test_addresses_have_no_last_updated_and_empty_cells_are_null():
    data = open_data(FIRST)
    assert data.records("iom_addresses")[0] == {
        "id": "1",
        "address_id": "1",
        "subunit_name": None,
        "house_number": None,
        "house_name": "Farrants Fort",
        "street_name": None,
        "locality": "St Judes",
        "town": "Andreas",
        "postcode": "IM7 2EN",
        "parish": "Andreas",
    }


@needs_data
def test_every_column_of_the_catalogue_is_a_key_of_the_records():
    data = open_data(FIRST)
    for name, resource in load_catalogue("open_data").resources.items():
        assert resource.columns.keys() <= data.records(name)[0].keys()


@needs_data
def test_a_day_of_real_decisions_is_served_over_http():
    with Simulator(open_data(SECOND)) as simulator:
        records = read_all(simulator, "iom_decisions", last_updated="2021-06-17")
        assert records
        assert {record["decision_issued_iso"] for record in records} == {"2021-06-17"}
        assert get(simulator, "repd", id="1").records[0]["installed_capacity_mwelec"] == "35.00"


def test_a_missing_folder_is_said_with_the_variable_to_set(tmp_path):
    with pytest.raises(ConfigurationError) as raised:
        open_data(FIRST, tmp_path)
    assert "PLANLAKE_TEST_DATA" in raised.value.hint
