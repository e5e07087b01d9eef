"""A hint can be typed as it stands: with the environment and the file that are in use, behind the command's name."""

import errno
import json
import os
import re
from datetime import datetime
from pathlib import Path

import pytest
from rich.console import Console

from cli.conftest import FEW_TABLES, FIRST, SECOND, small_council
from conftest import feeding
from planlake.cli import loading
from planlake.cli.report import answers
from planlake.cli.runs.run import _remarks, _standing
from planlake.cli.screen import runnable
from planlake.cli.setup import demo
from planlake.simulator.faults import Rule


@pytest.mark.parametrize(
    ("hint", "wanted"),
    [
        ("planlake undo", "planlake undo --env A1 --config 'my file.yaml'"),
        ("planlake undo takes it back", "planlake undo --env A1 --config 'my file.yaml' takes it back"),
        ("planlake run fees", "planlake run --env A1 --config 'my file.yaml' fees"),
        ("planlake run --env B2 fees", "planlake run --config 'my file.yaml' --env B2 fees"),
        ("planlake add fees", "planlake add --config 'my file.yaml' fees"),
        ("planlake init shows every key", "planlake init --config 'my file.yaml' shows every key"),
        ("planlake model test fees", "planlake model test --env A1 --config 'my file.yaml' fees"),
        ("planlake model new fees", "planlake model new --config 'my file.yaml' fees"),
        ("planlake env drop A1", "planlake env drop --config 'my file.yaml' A1"),
        ('planlake sql "select 1"', "planlake sql --env A1 --config 'my file.yaml' \"select 1\""),
        ("set the clock, then planlake doctor", "set the clock, then planlake doctor --env A1 --config 'my file.yaml'"),
        (
            "planlake undo, then planlake rollback --zone all",
            "planlake undo --env A1 --config 'my file.yaml', then planlake rollback --env A1 --config 'my file.yaml' "
            "--zone all",
        ),
    ],
)
def test_options_stand_behind_the_name_of_the_command_and_before_what_is_said_of_it(monkeypatch, hint, wanted):
    monkeypatch.setattr(loading, "_NAMED", [Path("my file.yaml")])
    monkeypatch.setattr(loading, "_CHOSEN", ["A1"])
    assert runnable(f"hint: {hint}") == f"hint: {wanted}"


def test_a_hint_needs_nothing_where_everything_is_as_usual(monkeypatch):
    monkeypatch.setattr(loading, "_NAMED", [])
    monkeypatch.setattr(loading, "_CHOSEN", [])
    assert runnable("hint: planlake undo takes it back") == "hint: planlake undo takes it back"


def test_a_hint_names_the_program_as_it_was_called_where_its_name_alone_does_not_find_it(monkeypatch, tmp_path):
    program = tmp_path / "my venv" / "planlake"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(loading, "_NAMED", [])
    monkeypatch.setattr(loading, "_CHOSEN", [])
    monkeypatch.setattr("sys.argv", [str(program), "run"])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert runnable("hint: planlake undo takes it back") == f"hint: '{program}' undo takes it back"
    monkeypatch.setenv("PATH", str(program.parent))
    assert runnable("hint: planlake undo takes it back") == "hint: planlake undo takes it back"


def test_a_command_between_other_words_is_named_as_it_can_be_typed_too(monkeypatch, tmp_path):
    program = tmp_path / "planlake"
    program.write_text("#!/bin/sh\n")
    monkeypatch.setattr(loading, "_NAMED", [Path("own.yaml")])
    monkeypatch.setattr(loading, "_CHOSEN", [])
    monkeypatch.setattr("sys.argv", [str(program), "run"])
    monkeypatch.setenv("PATH", "")
    said = runnable("T-1 was made and is empty; `planlake env drop T-1` deletes it, planlake run does not")
    assert (
        said
        == f"T-1 was made and is empty; `{program} env drop --config own.yaml T-1` deletes it, planlake run does not"
    )
    assert (
        runnable("next: planlake init --base-url http://h")
        == f"next: {program} init --config own.yaml --base-url http://h"
    )


def test_init_names_the_file_it_wrote_and_plan_the_run_that_does_what_it_shows(typed, feed, at):
    at("2026-11-20T03:00:00")
    file = feed.file.with_name("my own.yaml")
    assert (
        typed("init", "--config", file).err == f"next: set the keys it names, then planlake doctor --config '{file}'\n"
    )
    shown = typed("plan", "fees", "--cadence", "daily", "--full", "--config", feed.file).err.splitlines()
    assert shown[-2:] == ["1 table is due", f"hint: planlake run --config {feed.file} fees --cadence daily --full"]


def test_what_is_no_hint_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(loading, "_NAMED", [Path("my file.yaml")])
    assert runnable("upgrade Planlake; planlake run was killed") == "upgrade Planlake; planlake run was killed"


def test_one_cause_that_hits_several_tables_is_said_once_with_the_tables_named(typed, feed, at):
    at("2026-11-20T03:00:00")
    feed.fail(*(Rule(resource=table, status=500, times=None) for table in ("fees", "wards")))
    said = typed("run", "--config", feed.file)
    assert said.err.splitlines()[-2] == "fees, wards have no version yet; the next run asks again"
    assert (said.out.count("status 500"), said.out.count("the same")) == (1, 1)
    shown = typed("status", "--config", feed.file)
    assert shown.out.count("status 500") == 1
    assert shown.out.startswith("! fees and wards: failed since 20 November: ")
    assert shown.out.splitlines()[1] == f"hint: planlake run --config {feed.file} fees wards"


def test_a_rollback_says_that_the_same_records_come_again_and_what_asks_for_others(typed, feed, at):
    at("2026-11-20T03:00:00")
    assert typed("run", "--config", feed.file).status == 0
    before = feed.rows("select count(*) as n from fees")
    said = typed("rollback", "fees", "--to", "0", "--yes", "--config", feed.file)
    assert "the next run applies the same records again" in said.err
    (hint,) = [line for line in said.err.splitlines() if "--zone all" in line]
    for command in hint.removeprefix("hint: ").split(", then "):
        _, *words = command.split()
        assert typed(*words, "--yes").status == 0
    asked = len(feed.simulator.requests)
    assert typed("run", "--config", feed.file).status == 0
    assert len(feed.simulator.requests) > asked
    assert feed.rows("select count(*) as n from fees") == before


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "make room on the disk of "),
        (errno.EROFS, "mount the disk of "),
        (errno.EACCES, "make "),
    ],
)
def test_the_doctor_says_what_to_do_by_what_the_disk_refused(typed, feed, at, monkeypatch, number, advice):
    at("2026-11-20T03:00:00")
    assert typed("run", "wards", "--config", feed.file).status == 0

    def refused(**_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("planlake.inspection.doctor.TemporaryFile", refused)
    (found,) = [
        one for one in json.loads(typed("doctor", "--json", "--config", feed.file).out) if one["check"] == "warehouse"
    ]
    assert found["verdict"] == "failed"
    assert found["advice"].startswith(advice)


# ---------------------------------------------------------------- queries that are printed


def queries_in(text):
    return re.findall(r'planlake sql (?:--\w+ \S+ )*"(.+?)"$', text, re.MULTILINE)


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """A lake in which much is not well, and the queries that were printed about it."""
    own = "checks: [{table: fees, name: no id above nine thousand, rows: id > 9000, holds: true}]\n"
    with feeding(small_council(), tmp_path_factory.mktemp("hints"), FEW_TABLES + own) as feed:
        feed.run_at(FIRST, "fees", "wards")
        feed.data.move_to(datetime.fromisoformat(SECOND))
        changed = {"last_updated": "2026-11-20 09:00:00", "application_id": "a text where a number belongs " * 4}
        feed.data.put("fees", {"id": "9001"} | changed)
        bad = json.dumps({"id": "no number at all, but words"} | changed).encode()
        feed.data.put("fees", {"id": "9002"} | changed, body=bad)
        result = feed.run_at(SECOND, "fees")
        lines = [line for table in result.tables for line in _remarks(table)]
        said = "\n".join([*lines, *(hint for _, hint in _standing(result.tables))])
        yield feed.config.folder / "planlake.yaml", queries_in(said)


@pytest.mark.parametrize("width", [80, 100])
def test_a_query_that_a_hint_prints_is_answered_whole_on_a_narrow_terminal(typed, monkeypatch, printed, width):
    config, queries = printed
    assert [re.search(r"from (\w+)", query)[1] for query in queries] == ["uncastable", "rejected", "checks"]
    changed = "select id, valid_from, valid_to from history_fees where valid_to is not null or true"
    monkeypatch.setattr(answers, "console", lambda stderr: Console(width=width))
    for query in [*queries, changed]:
        said = typed("sql", query, "--config", config)
        assert (said.status, said.err) == (0, ""), query
        lines = said.out.splitlines()
        wanted = [re.split(r"[. ]", one.strip())[-1] for one in query.split(" from ")[0].split(",")]
        shown = [name.strip() for name in lines[1].strip("│").split("│")]
        assert len(shown) == len(re.sub(r"\(.*?\)", "", query.split(" from ")[0]).split(",")), query
        assert "…" not in said.out
        assert shown[-1] == wanted[-1]
        assert max(map(len, lines)) <= width
        assert len(lines) > 4, query


def test_the_queries_that_the_demo_prints_are_narrow():
    source = Path(demo.__file__).read_text(encoding="utf-8")
    assert [len(query.split(",")) <= 3 for query in re.findall(r'= "(select .+?)"$', source, re.MULTILINE)] == [
        True
    ] * 2
