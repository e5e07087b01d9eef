"""A small council behind a running simulator, and a lake that was loaded from it over two days."""

import pytest

from cli.conftest import FIRST, SECOND, TABLES, small_council, typed  # noqa: F401 - typed is a fixture
from conftest import feeding
from planlake.config import load_config
from planlake.report.query import fetch, open_for_queries

OWN = ("import_", "snapshot_", "batch", "page_number")
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


@pytest.fixture(scope="package")
def personal(config):
    """Values that stand in columns which the catalogue calls personal, and in no other column of the lake."""
    asked, found, others = open_for_queries(config), set(), set()
    for table in ("contacts", "applications", "fees", "asset_constraints", "wards"):
        rows = fetch(asked, f"select * from {table}").rows
        for name in rows.column_names:
            texts = {str(value) for value in rows[name].to_pylist() if isinstance(value, str) and len(value) > 5}
            (found if asked.resources[table].is_personal(name) and not name.startswith(OWN) else others).update(texts)
    assert len(found - others) > 50
    return found - others
