"""A lake in an Iceberg REST catalogue: what is said where it is away or refuses, and what it cannot do."""

import pytest

from commands import typed_in_process
from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, PATIENCE, TWO_KINDS, change_two_kinds, two_kinds
from lake.rest_catalogue import CREDENTIAL, TOKEN, serving
from planlake.changes.forget import forget
from planlake.changes.previews import create
from planlake.changes.recover import recover
from planlake.config import load_config
from planlake.errors import ConfigurationError, LakeError
from planlake.lake.open_lake import open_lake
from planlake.lake.pointing import point_to
from planlake.report.query import open_views
from querying import answer

SETTINGS = f"""{TWO_KINDS}\
settings: {{{PATIENCE}, rejected_percent: 100, uncastable_percent: 100}}
environments: {{there: {{catalog: CATALOG, warehouse: lake/}}}}
"""


@pytest.fixture
def served(tmp_path):
    with serving(tmp_path, {}) as made:
        yield made


@pytest.fixture
def feed(served, tmp_path):
    text = SETTINGS.replace("CATALOG", served.configured().model_dump_json())
    with feeding(two_kinds(3), tmp_path, text) as made:
        yield made


@pytest.fixture
def said(feed, monkeypatch, capfd):
    """What `planlake status` says, with another text in the file where that is asked for."""

    def saying(before="", after=""):
        file = feed.config.folder / "planlake.yaml"
        text = file.read_text()
        assert before in text
        file.write_text(text.replace(before, after) if before else text)
        left = typed_in_process(monkeypatch, capfd, ("status", "--config", file))
        assert left.status == 3
        everything = left.out + left.err
        assert TOKEN not in everything
        assert "standin-secret" not in everything
        return everything

    return saying


@pytest.mark.parametrize("name", ["token", "credential", "header.X-Key", "s3.session-token", "s3.access-key-id"])
@pytest.mark.parametrize("end", ["\nmore", "\u0142", "\u00a0"])
def test_a_secret_that_no_header_can_hold_is_refused_and_not_shown(feed, typed, served, name, end):
    file = feed.config.folder / "planlake.yaml"
    place = served.configured(**{name: f"TokSecret99{end}"}).model_dump_json()
    file.write_text(SETTINGS.replace("CATALOG", place))
    left = typed("status")
    assert left.status == 2
    assert left.err.startswith(f"Error: what is kept for catalog.properties.{name} is neither a key nor a token")
    assert "TokSecret99" not in left.out + left.err
    assert served.asked == []


def test_a_catalogue_that_does_not_answer_is_told_with_its_address(served, said):
    everything = said(f'"uri":"{served.uri}"', '"uri":"http://127.0.0.1:1"')
    assert "Error: http://127.0.0.1:1/v1/config does not answer" in everything
    assert "hint: look at catalog.uri and the network" in everything


def test_a_credential_that_is_not_known_is_told_and_not_shown(said):
    everything = said(CREDENTIAL, "standin-client:standin-secret-wrong")
    assert "Error: the catalogue does not know these credentials, or they have expired" in everything
    assert "hint: look at credential or token in catalog.properties" in everything


def test_a_warehouse_that_the_catalogue_does_not_know_is_told(said):
    assert "the catalogue answers: Exception: Unable to find warehouse nowhere" in said(
        '"warehouse":"lake"', '"warehouse":"nowhere"'
    )


ANSWERS = [
    (401, "the catalogue does not know these credentials"),
    (403, "the catalogue refuses: Exception: as the test wants it"),
    (503, "the catalogue answers: Exception: as the test wants it"),
]


@pytest.mark.parametrize(("status", "sentence"), ANSWERS)
def test_what_the_catalogue_refuses_is_a_sentence(served, feed, status, sentence):
    lake = open_lake(feed.config)
    served.status = status
    with pytest.raises(LakeError, match=sentence):
        lake.names("raw")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(200, "is not an Iceberg REST catalogue"), (404, "is not an Iceberg REST catalogue: RESTError 404")],
)
def test_an_address_of_something_else_is_told(served, said, status, sentence):
    served.status, served.page = status, b"<html>welcome</html>"
    everything = said()
    assert sentence in everything
    assert "welcome" not in everything


def test_an_address_is_needed_and_holds_no_keys(tmp_path):
    file = tmp_path / "planlake.yaml"
    for uri in ("", "uri: 'https://user:secret@host/'", "uri: sqlite:///x"):
        file.write_text(f"environments: {{a: {{catalog: {{type: rest, {uri}}}}}}}\n")
        with pytest.raises(ConfigurationError, match="a catalogue of type rest needs uri: https://HOST/PATH") as raised:
            load_config(file)
        assert "secret" not in str(raised.value)


def test_the_credential_is_in_no_repr(feed):
    assert "standin-secret" not in repr(feed.config) + repr(open_lake(feed.config))


def test_a_catalogue_that_puts_tables_elsewhere_is_refused(served, feed):
    served.puts_elsewhere = str(feed.config.folder / "elsewhere")
    with pytest.raises(LakeError, match="the catalogue puts tables elsewhere than it is told"):
        feed.run_at(DAY_1)
    assert not [one for zone in ("raw", "operations") for one in open_lake(feed.config).names(zone)]


def test_a_commit_that_fails_at_the_catalogue_is_told_and_the_next_run_goes_on(served, feed):
    assert feed.run_at(DAY_1).exit_code == 0
    served.fails_at = "current_numbered"
    change_two_kinds(feed.data)
    (failed,) = (one for one in feed.run_at(DAY_2).tables if one.table == "numbered")
    assert "the catalogue did not say whether a commit came through" in failed.message
    served.fails_at = ""
    assert feed.run_at(DAY_2).exit_code == 0


def test_a_catalogue_that_deletes_files_of_dropped_tables_has_no_previews(served, feed):
    assert feed.run_at(DAY_1).exit_code == 0
    served.drops_files = True
    with pytest.raises(LakeError, match="this catalogue deletes the files of a table that is dropped"):
        create(feed.config, "try")
    served.drops_files = False
    assert create(feed.config, "try").name == "try"
    assert not list(feed.config.folder.rglob("planlake_probe/metadata/*"))


def held(feed):
    """Every file of raw and of the refined tables."""
    return sorted(one for one in feed.config.folder.glob("lake/*/**/*") if "operations" not in str(one))


def test_forgetting_needs_a_catalogue_that_registers_a_known_table_again(served, feed):
    assert feed.run_at(DAY_1).exit_code == 0
    served.overwrites = False
    before = held(feed)
    with pytest.raises(LakeError, match="this catalogue cannot register a table it knows"):
        forget(feed.config, "numbered", "2", confirm=lambda _: True)
    assert held(feed) == before
    served.overwrites = True
    assert forget(feed.config, "numbered", "2", confirm=lambda _: True)
    with open_views(feed.config) as views:
        assert 2 not in answer(views, "select id from numbered")["id"].to_pylist()


def test_recover_points_to_the_newest_file_and_never_drops_a_table_for_it(served, feed):
    assert feed.run_at(DAY_1).exit_code == 0
    lake = open_lake(feed.config)
    last = max((lake.find("operations", name) for name in lake.names("operations")), key=written_at)
    point_to(served.catalog, last.name(), last.metadata.metadata_log[-1].metadata_file)
    served.overwrites = False
    served.asked.clear()
    with pytest.raises(LakeError, match="this catalogue cannot register a table it knows"):
        recover(feed.config)
    served.overwrites = True
    assert [one.table for one in recover(feed.config)[0]] == [last.name()[1]]
    assert served.catalog.load_table(last.name()).metadata_location == last.metadata_location
    assert not [one for one in served.asked if one.startswith("DELETE")]


def written_at(table):
    return table.metadata.last_updated_ms
