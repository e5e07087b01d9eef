"""A lake for what is told of it: two daily tables and a weekly one, loaded on two days."""

import pytest

from conftest import feeding
from flow.ingest.served import fill, served, settings_of

DAYS = [f"2026-11-{day}T10:00:00" for day in range(15, 29)]  # from a Sunday on


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    data = served(["things", "others", "wards_"], page_size=50, now=DAYS[0])
    with feeding(data, tmp_path_factory.mktemp("loaded"), settings_of(["things", "others"], ["wards_"])) as made:
        for table in ("things", "others", "wards_"):
            fill(data, table, 30, "2026-11-10 09:00:00")
        made.run_at(DAYS[0])
        fill(data, "things", 2, "2026-11-15 09:00:00", start=31)
        made.run_at(DAYS[1])
        yield made, made.remembered()
