"""A browser, and the pages of the lake of `morning.py`: both are made once for all tests of this folder."""

import os
import shutil
from pathlib import Path

import pytest

from .driving import Browser, started
from .morning import NOW, morning

NEEDED = ("chromium", "chromedriver")
MISSING = "TESTS OF THE PAGES IN A BROWSER ARE LEFT OUT: no {} here; apt-get install chromium chromium-driver"


@pytest.fixture(scope="session")
def chrome():
    """A browser without a window; where there is none the tests are skipped, or fail where they must run."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        said = MISSING.format(" and no ".join(missing))
        (pytest.fail if os.environ.get("PLANLAKE_TEST_BROWSER") == "required" else pytest.skip)(said)
    with started() as found:
        yield found


@pytest.fixture(scope="session")
def report(chrome, tmp_path_factory):
    """The folder of the report on the lake of `morning.py`."""
    from planlake.report.pages.write import write_report  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("morning")
    with morning(folder / "lake") as feed:
        write_report(feed.config, folder / "report")
    return folder / "report"


@pytest.fixture
def browser(chrome: Browser, report: Path) -> Browser:
    """The browser with the clock of that morning, wide and light, and with nothing heard yet."""
    chrome.reset(NOW)
    return chrome
