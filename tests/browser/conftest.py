"""A browser, and the pages of the lake of `morning.py`: both are made once for all tests of this folder."""

import os
import shutil
from pathlib import Path

import pytest

from cli.conftest import FIRST, SECOND, TABLES, small_council
from conftest import feeding

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


@pytest.fixture(scope="session")
def ask_address(chrome, tmp_path_factory):
    """The address of `planlake ui` over a small council's lake, for which this browser has been let in."""
    from planlake.report.web.server import serving  # noqa: PLC0415

    with feeding(small_council(), tmp_path_factory.mktemp("council"), TABLES) as feed:
        feed.run_at(FIRST)
        feed.run_at(SECOND)
        feed.monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        with serving(feed.config) as ui:
            chrome.open(ui.guard.link)
            yield f"http://{ui.guard.hosts[0]}"


@pytest.fixture
def page(chrome, ask_address):
    """The browser's driver, wide and light, with the clock as it runs: the editor counts milliseconds."""
    chrome.reset()
    return chrome.driver
