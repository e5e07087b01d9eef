"""A small council behind a running simulator, and a lake that was loaded from it over two days."""

import pytest

from cli.conftest import FIRST, SECOND, TABLES, small_council, typed  # noqa: F401 - typed is a fixture
from conftest import feeding
from planlake.config import load_config

KEYS = {"TASCOMI_PUBLIC_KEY": "planted-public-key", "TASCOMI_PRIVATE_KEY": "planted-private-key"}
VIEW = """\
-- Fees, with a word that is a setting.
--
-- kind: view
select id, setting('word', 'usual') as word from refined.fees
"""


@pytest.fixture(scope="package")
def lake(tmp_path_factory):
    """The configuration file of a loaded lake that no test changes; its API is gone."""
    folder = tmp_path_factory.mktemp("lake")
    (folder / "models").mkdir()
    (folder / "models/fees_as_set.sql").write_text(VIEW)
    with feeding(small_council(), folder, TABLES) as feed:
        assert [feed.run_at(FIRST).exit_code, feed.run_at(SECOND).exit_code] == [0, 0]
    return folder / "planlake.yaml"


@pytest.fixture(scope="package")
def config(lake):
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in KEYS.items():
            monkeypatch.setenv(name, value)
        yield load_config(lake)
