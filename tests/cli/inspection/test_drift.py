"""`planlake drift`: what it prints and writes, its exit status, and the file it takes differences over into."""

import csv
import json
import os
import stat
from errno import ENOSPC

import pytest

from conftest import feeding, table_of
from documenting import NOW, SETTINGS, documented, records, save, served
from planlake.config import load_config
from planlake.lake.open_lake import open_lake
from planlake.lake.state.lock import hold_for_writing
from planlake.sources.catalogue import catalogue_of

COLUMNS = ["resource", "column", "what", "catalogue", "documented", "detail", "is_contradicted"]


@pytest.fixture(scope="module")
def council(tmp_path_factory):
    """A loaded lake; of `fees`, five values of `application_id` are none."""
    spoilt = [{**record, "application_id": "n/a", "due_by": "2026-12-01"} for record in records("fees")]
    with feeding(served({"fees": spoilt}), tmp_path_factory.mktemp("council"), SETTINGS) as feed:
        feed.run_at(NOW)
        feed.text = (feed.config.folder / "planlake.yaml").read_text()
        yield feed


@pytest.fixture
def drift(council, typed, tmp_path):
    """The command against a page with these changes; the file is as it was before each test."""
    file = council.config.folder / "planlake.yaml"
    file.write_text(council.text)

    def said(*arguments, change=lambda sections: None):
        sections = documented()
        sections["fees"]["due_by"] = "character varying(10)"
        change(sections)
        page = save(sections, tmp_path / "page.html")
        return typed("drift", "--docs", page, "--config", file, *arguments)

    said.file = file
    return said


def change(sections):
    """Five changes the file can hold, beside the one between page and values that it cannot."""
    sections["tree_orders"] = {"id": "integer", "since": "timestamp without time zone", "yes": "text"}
    del sections["emails"], sections["fees"]["paid"]
    sections["fees"]["due_by"] = "timestamp without time zone"
    sections["fees"]["fee"] = "text"


WANTED = {
    ("emails", "", "gone resource"),
    ("fees", "application_id", "type contradicted"),
    ("fees", "due_by", "new column"),
    ("fees", "fee", "retyped"),
    ("fees", "paid", "gone column"),
    ("tree_orders", "", "new resource"),
}


def test_differences_are_a_table_and_exit_1(drift):
    said = drift(change=change)
    assert said.status == 1
    for resource, column, what in WANTED:
        assert any(all(part in line for part in (resource, column, what)) for line in said.out.splitlines())
    assert said.err.endswith("page.html: 73 resources, 1,996 columns, 6 differences\n")


def test_json_and_csv_hold_every_difference_with_its_types(drift, tmp_path):
    said = drift("--json", "--csv", tmp_path / "out.csv", change=change)
    listed = json.loads(said.out)
    assert said.status == 1
    assert {(one["resource"], one["column"], one["what"]) for one in listed} == WANTED
    assert {tuple(one) for one in listed} == {tuple(COLUMNS)}
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [{key: str(value) for key, value in one.items()} for one in listed] == rows


def test_no_difference_is_exit_0_an_empty_list_and_a_file_with_a_head(drift, tmp_path):
    known = "resources: {fees: {known_drift: {application_id: type contradicted}}}\n"
    drift.file.write_text(drift.file.read_text() + known)
    said = drift("--json", "--csv", tmp_path / "out.csv")
    assert (said.status, said.out) == (0, "[]\n")
    assert (tmp_path / "out.csv").read_text().splitlines() == [",".join(COLUMNS)]
    shown = drift()
    assert (shown.status, shown.out) == (0, "")
    assert "no difference" in shown.err


def test_checks_are_shown_after_a_comparison_whose_check_is_of_no_table(typed, drift, tmp_path):
    drift()
    shown, pages = typed("check", "--config", drift.file, "--json"), tmp_path / "pages"
    assert shown.status == 0
    assert {one["table"] for one in json.loads(shown.out) if one["check"] == "documentation"} == {None}
    assert typed("report", "--config", drift.file, "--out", pages).status == 0
    assert (pages / "quality.html").exists()


def test_a_page_of_another_layout_is_one_clear_error(typed, drift, tmp_path):
    (tmp_path / "login.html").write_text("<title>Log in</title>")
    said = typed("drift", "--docs", tmp_path / "login.html", "--config", drift.file)
    assert (said.status, said.out) == (3, "")
    assert f"the page has no table (page={tmp_path / 'login.html'}, title=Log in)" in said.errors[0]


def test_only_differences_are_exit_1(typed, drift, council, tmp_path, monkeypatch):
    monkeypatch.setenv("PLANLAKE_LEASE_WAIT_SECONDS", "0")
    (tmp_path / "half.html").write_text("<html><table><tr><td>Field<td>Type")
    assert typed("drift", "--docs", tmp_path / "half.html", "--config", drift.file).status == 3
    assert typed("drift", "--docs", "http://127.0.0.1:1/x.html", "--config", drift.file).status == 3
    with hold_for_writing(open_lake(council.config, None).lock, 0):
        said = drift(change=change)
    assert (said.status, said.out) == (3, "")
    assert "another run is writing this lake" in said.errors[0]
    assert drift(change=change).status == 1


def test_a_page_without_a_name_is_a_mistake(typed, drift):
    said = typed("drift", "--docs", "", "--config", drift.file)
    assert said.status == 2
    assert "--docs names no page" in said.errors[0]


@pytest.mark.parametrize(
    "address",
    ["htps://council.example/rest/v1/documentation.html/{}", "council.example/documentation.html/{}", "a?k={}"],
)
def test_a_misspelt_address_of_the_page_is_shown_without_its_key_wherever_it_stands(typed, drift, address):
    for given in ("--docs", "the file"):
        if given == "the file":
            text = drift.file.read_text()
            drift.file.write_text(text.replace("api: {", f"api: {{documentation: '{address.format('s3cret')}', ", 1))
        arguments = ["--docs", address.format("s3cret")] if given == "--docs" else []
        said = typed("drift", *arguments, "--config", drift.file)
        assert said.status == 2
        assert "is neither an address nor a file: an address begins with http" in said.err
        assert "s3cret" not in said.out + said.err


@pytest.mark.parametrize(
    ("file", "message"),
    [
        pytest.param("absent/out.csv", "cannot be written", id="no folder"),
        pytest.param(".", "cannot be written", id="a folder"),
        pytest.param("planlake.yaml", "is not a file of differences", id="the configuration"),
    ],
)
def test_a_csv_file_that_cannot_be_written_is_a_mistake_before_anything_is_done(drift, council, file, message):
    before = council.rows("select count(*) as n from checks")
    said = drift("--csv", drift.file.parent / file, "--write", change=change)
    assert (said.status, said.out) == (2, "")
    assert message in said.errors[0]
    assert drift.file.read_text() == council.text
    assert council.rows("select count(*) as n from checks") == before


def test_an_earlier_csv_file_is_written_over(drift, tmp_path):
    for _ in range(2):
        assert drift("--csv", tmp_path / "out.csv", change=change).status == 1
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 1 + len(WANTED)


def test_what_is_left_is_named(drift):
    def bare(sections):
        sections["trees"] = {"height": "real"}

    said = drift("--write", change=bare)
    assert "2 differences are left for you to decide:" in said.err
    assert "  fees.application_id: type contradicted, sent; 5 of 5 values are not integer" in said.err
    assert "  trees: new resource, the page has it, with 1 columns" in said.err


def test_write_adds_what_the_page_says_to_the_file_and_changes_no_other_line(drift, council):
    before = council.text.splitlines()
    drift.file.chmod(0o640)
    said = drift("--write", change=change)
    assert said.status == 1  # what the values contradict is left
    after = drift.file.read_text().splitlines()
    assert after[: len(before)] == before
    assert "  weekly:  [wards, asset_constraints]" in before  # two spaces that a writer would take away
    assert stat.S_IMODE(drift.file.stat().st_mode) == 0o640
    assert [line[1:] for line in said.err.splitlines() if line.startswith("+ ")] == after[len(before) + 1 :]
    assert not any(line.startswith("-") for line in said.err.splitlines() if not line.startswith("---"))
    assert catalogue_of(load_config(drift.file)).resource("tree_orders").changed == ""
    assert list(drift.file.parent.glob(".*.new")) == []


def test_a_file_that_may_not_be_written_is_left_though_its_folder_may_be(drift, council):
    drift.file.chmod(0o444)
    said = drift("--write", change=change)
    drift.file.chmod(0o640)
    assert (said.status, said.errors) == (2, [f"Error: {drift.file} cannot be written: it is write-protected"])
    assert drift.file.read_text() == council.text
    assert list(drift.file.parent.glob(".*.new")) == []


def test_after_write_only_what_is_left_is_found_and_the_next_run_has_the_new_types(drift, council):
    drift("--write", change=change)
    said = drift("--json", change=change)
    assert [(one["column"], one["what"]) for one in json.loads(said.out)] == [("application_id", "type contradicted")]
    held = council.config
    council.config = load_config(drift.file)
    try:
        result = table_of(council.run_at("2026-11-18T03:00:00", "fees"), "fees")
        assert sorted(result.refine.rebuilt) == ["due_by is timestamp now", "fee is text now"]
        types = council.rows("select distinct typeof(due_by) as due, typeof(fee) as fee from fees")
        assert types == [{"due": "TIMESTAMP", "fee": "VARCHAR"}]
    finally:
        council.config = held


def full(_):
    raise OSError(ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("mode", "fsync", "message"),
    [
        pytest.param(0o444, os.fsync, "write-protected", id="write-protected"),
        pytest.param(0o644, full, "No space left", id="a full disk"),
    ],
)
def test_write_into_a_file_that_cannot_be_written_leaves_everything_alone(
    drift, council, monkeypatch, mode, fsync, message
):
    monkeypatch.setattr("planlake.setup.replace_file.os.fsync", fsync)
    drift.file.chmod(mode)
    said = drift("--write", change=change)
    drift.file.chmod(0o644)
    assert said.status == 2
    assert message in said.errors[0]
    assert drift.file.read_text() == council.text
    assert list(drift.file.parent.glob(".*.new")) == []


def test_write_with_nothing_to_take_over_leaves_the_file_alone(drift, council):
    said = drift("--write")
    assert said.status == 1
    assert drift.file.read_text() == council.text
    assert "0 differences are written" in said.err


def test_write_takes_over_no_resource_whose_name_is_none(drift, council):
    def invade(sections):
        sections["../../evil"] = {"id": "integer", "last_updated": "timestamp without time zone"}

    said = drift("--write", change=invade)
    assert (said.status, drift.file.read_text()) == (1, council.text)
    assert "../../evil" in said.out


# Of each column the type it has, the one the page says, and whether what was sent can be had as such.
OTHER_TYPES = [
    ("paid", "boolean", "integer", False),  # it is sent as t
    ("submit_date", "timestamp", "bigint", False),
    ("fee", "float", "integer", False),  # 1.5
    ("payment_method_id", "integer", "double precision", True),
    ("refunded", "boolean", "text", True),
    ("visit_notes", "text", "integer", False),  # which the catalogue does not list
]


STORY = "Mrs Smith of 1 Mare Street says that her neighbour builds"


def test_write_takes_over_no_type_that_what_was_sent_contradicts(typed, tmp_path):
    page = documented()
    spoilt = [{**record, "visit_notes": STORY, "paid": "t"} for record in records("fees")]
    with feeding(served({"fees": spoilt}), tmp_path, "tables: {daily: [fees]}\n") as feed:
        assert feed.run_at(NOW).exit_code == 0
        known = catalogue_of(feed.config).resource("fees")
        for column, kind, written, _ in OTHER_TYPES:
            assert known.type_of(column) == kind
            page["fees"][column] = written
        file = tmp_path / "planlake.yaml"
        said = typed("drift", "--docs", save(page, tmp_path / "page.html"), "--config", file, "--json", "--write")
        assert said.status == 1
        listed = {one["column"]: one["is_contradicted"] for one in json.loads(said.out)}
        detail = next(one["detail"] for one in json.loads(said.out) if one["column"] == "visit_notes")
        assert detail == 'sent; 5 of 5 values are not integer, "Mrs Smith of 1 Mare ..." for example'
        assert feed.rows("select resource from drift where detail like '%neighbour%'") == []
        assert listed == {column: not can_be_had for column, _, _, can_be_had in OTHER_TYPES}
        feed.config = load_config(file)
        taken = catalogue_of(feed.config).resource("fees")
        changed = {column for column, kind, _, _ in OTHER_TYPES if taken.type_of(column) != kind}
        assert changed == {column for column, _, _, can_be_had in OTHER_TYPES if can_be_had}
        assert feed.run_at("2026-11-18T03:00:00").exit_code == 0
