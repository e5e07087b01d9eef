"""What the tests of pages do with the lake of tests/report/conftest.py."""

import re

import pytest


@pytest.fixture
def written(feed, tmp_path):
    """Write the report; a page, the first where none is named, without what keeps the words of commands whole."""
    from planlake.report.pages.write import write_report  # noqa: PLC0415

    def write(file="index.html", **more):
        write_report(feed.config, tmp_path / "out", **more)
        return re.sub("</?span>", "", (tmp_path / "out" / file).read_text(encoding="utf-8"))

    return write
