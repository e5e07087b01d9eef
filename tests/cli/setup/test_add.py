"""`planlake add`: names put into planlake.yaml, the rest of the file as it was, and what is known of each."""

import json
import stat

import pytest

from planlake.config import load_config
from planlake.setup import add_tables as adding

FILE = """\
# ours
api: {base_url: "https://council.example/rest/v1"}
tables:
  daily: [applications, fees]   # by day
  weekly:
    - wards   # read whole
environments:
  local: {warehouse: "${FOLDER_OF_THE_LAKE}/lake"}
"""
SHARED = "{a: {columns: {id: text}, accepted: {id: &list [fees]}}}"


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("FOLDER_OF_THE_LAKE", "lakes")
    made = tmp_path / "planlake.yaml"
    made.write_text(FILE, encoding="utf-8")
    return made


def test_names_go_where_the_catalogue_says_and_nothing_else_changes(typed, file):
    said = typed("add", "contacts", "appeal_types", "--config", file)
    assert (said.status, said.errors) == (0, [])
    assert file.read_text() == FILE.replace("applications, fees", "applications, fees, contacts").replace(
        "    - wards   # read whole\n", "    - wards   # read whole\n    - appeal_types\n"
    )
    assert load_config(file).tables.weekly == ("wards", "appeal_types")
    assert [line for line in said.err.splitlines() if line.startswith("hint")] == [
        f"hint: planlake try --config {file} contacts --env NAME",
        f"hint: planlake try --config {file} appeal_types --env NAME",
    ]
    assert "has 2 more; any other column the API sends becomes text" in said.err
    assert list(file.parent.iterdir()) == [file]


def test_what_is_known_of_a_table_is_shown(typed, file):
    said = typed("add", "appeals", "contacts", "--config", file)
    rows = {line.split()[0]: line for line in said.out.splitlines() if line.split()}
    assert "key, unique, complete in 99%" in rows["id"]
    assert "id of applications" in rows["application_id"]
    assert "perhaps id of users" in rows["last_updated_by"]
    assert "personal" in rows["surname"]
    assert "Which application the appeal is about." in rows["application_id"]


def test_a_table_of_hundreds_of_columns_shows_those_of_which_more_is_known(typed, tmp_path):
    file = tmp_path / "planlake.yaml"
    typed("init", "--config", file)
    file.write_text(file.read_text().replace("applications, ", ""))
    said = typed("add", "applications", "--dry-run", "--config", file)
    assert len(said.out.splitlines()) < 100
    assert "more columns" in said.err
    assert "applications" not in str(load_config(file).tables)
    found = json.loads(typed("add", "applications", "--config", file, "--json").out)[0]
    assert (found["cadence"], found["is_new"], len(found["columns"])) == ("daily", True, 751)
    assert found["relations"]["ward_id"] == "wards"
    stage = next(one for one in found["columns"] if one["column"] == "application_stage")
    assert (stage["confidence"], stage["labels"]["10"]) == ("public", "DECISION ISSUED")
    assert load_config(file).tables.daily[-1] == "applications"


def test_a_cadence_of_ones_own_wins_and_a_table_without_one_is_read_by_day(typed, file):
    typed("add", "contacts", "--cadence", "weekly", "--config", file)
    typed("add", "action_types", "company_types", "--config", file)
    tables = load_config(file).tables
    assert tables.weekly == ("wards", "contacts", "company_types")
    assert tables.daily == ("applications", "fees", "action_types")


def test_a_table_that_is_there_already_is_said_to_be_and_the_file_stays(typed, file):
    before = file.stat()
    said = typed("add", "fees", "fees", "--config", file)
    assert (said.status, said.err) == (0, "")
    assert said.out.count("= already there") == 1
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    moved = typed("add", "contacts", "fees", "--cadence", "weekly", "--config", file)
    assert (moved.status, moved.errors) == (2, ['Error: "fees" is read daily'])
    assert file.read_text() == FILE


def test_both_lists_are_made_in_a_file_that_says_where_it_ends(typed, file):
    text = FILE[: FILE.index("tables:")]
    file.write_text(f"{text}...\n")
    said = typed("add", "users", "breach_types", "--config", file)
    assert (said.status, said.errors) == (0, [])
    assert file.read_text() == f"{text}\ntables:\n  daily: [users]\n  weekly: [breach_types]\n...\n"


def test_a_name_goes_into_a_list_whose_last_name_was_taken_out(typed, file):
    emptied = FILE.replace("    - wards   # read whole\n", "    # none is left\n")
    file.write_text(emptied)
    said = typed("add", "appeal_types", "--config", file)
    assert (said.status, said.errors) == (0, [])
    assert file.read_text() == emptied.replace("  weekly:\n", "  weekly: [appeal_types]\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["contatcs"], "did you mean contacts", id="a name"),
        pytest.param(["notes", "contatcs"], "did you mean contacts", id="one name of several"),
        pytest.param(["contacts", "--cadence", "dayly"], "did you mean daily", id="a cadence"),
    ],
)
def test_a_misspelt_word_is_refused_with_a_suggestion_and_nothing_is_written(typed, file, arguments, message):
    said = typed("add", *arguments, "--config", file)
    assert said.status == 2
    assert message in said.err
    assert file.read_text() == FILE


def test_the_file_keeps_its_mode_and_a_link_stays_a_link(typed, file):
    file.chmod(0o640)
    link = file.parent / "linked.yaml"
    link.symlink_to(file.name)
    with file.open() as held:  # by a program that reads it meanwhile
        assert typed("add", "contacts", "--config", link).status == 0
        assert held.read() == FILE
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert "contacts" in load_config(file).tables.daily


def test_a_file_that_may_not_be_written_is_left_though_its_folder_may_be(typed, file):
    file.chmod(0o444)
    said = typed("add", "contacts", "--config", file)
    assert (said.status, said.errors) == (2, [f"Error: {file} cannot be written: it is write-protected"])
    assert "Nothing was changed" in said.err
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (FILE, 0o444)
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_somebody_changes_meanwhile_is_left_to_them(typed, file, monkeypatch):
    compare = adding._compare

    def compare_slowly(*arguments):
        compare(*arguments)
        file.write_text(FILE + "# theirs\n")

    monkeypatch.setattr(adding, "_compare", compare_slowly)
    said = typed("add", "contacts", "--config", file)
    assert (said.status, said.errors) == (1, ["Error: planlake.yaml was changed by somebody else"])
    assert file.read_text() == FILE + "# theirs\n"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"resources: {SHARED}\ntables: {{daily: *list}}\n", id="an alias"),
        pytest.param("tables:\n  <<: {daily: [fees]}\n", id="a list that is merged in"),
        pytest.param("checks:\n- table: fees\n  name: a\n  rows: |\n    id < 0", id="an end that would change"),
    ],
)
def test_a_file_that_would_say_something_else_is_left_as_it_is(typed, file, text):
    file.write_text(text)
    said = typed("add", "contacts", "--cadence", "daily", "--config", file)
    assert (said.status, said.errors) == (2, ["Error: the lists of this file cannot be edited safely"])
    assert file.read_text() == text
