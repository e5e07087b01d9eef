"""A lake for the pages: two daily tables and a weekly one, loaded on two days."""

import re

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


@pytest.fixture
def written(feed, tmp_path):
    """Write the report; a page, the first where none is named, without what keeps the words of commands whole."""
    from planlake.report.pages.write import write_report  # noqa: PLC0415

    def write(file="index.html", **more):
        write_report(feed.config, tmp_path / "out", **more)
        return re.sub("</?span>", "", (tmp_path / "out" / file).read_text(encoding="utf-8"))

    return write
