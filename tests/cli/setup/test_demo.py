"""`planlake demo`: the whole way on one machine, what it prints, and what it will not overwrite."""

import json
import re
import shlex
import subprocess

import pytest

from commands import PROGRAM, environment, planlake
from planlake.cli.setup.demo import MARK

pytestmark = pytest.mark.slow  # loads two days of 24 tables: the longest test by far, once


TUESDAY = "2026-11-24T12:00:00"  # the first day is a Sunday then, and weekly tables are not due on the second


@pytest.fixture(autouse=True)
def noon_of_that_day(monkeypatch):
    monkeypatch.setenv("PLANLAKE_NOW", TUESDAY)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A demo made where an earlier one lay: its folder and what it said."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "demo-lake/lake").mkdir(parents=True)
    (folder / "demo-lake/planlake.yaml").write_text(MARK + "source: tascomi\n")
    (folder / "demo-lake/lake/left-over").write_text("of the earlier demo")
    said = planlake("demo", folder=folder, timeout=180, PLANLAKE_NOW=TUESDAY)
    assert said.status == 0, said.err
    return folder, said


def test_the_demo_loads_at_least_ten_tables_over_two_days(shown):
    _, said = shown
    assert re.findall(r"Run (\d) of", said.out) == ["1", "2"]
    first, second = said.out.split("Run 2 of")
    loaded = re.findall(r"^(\w+) +\+ loaded", first, re.MULTILINE)
    assert len(loaded) >= 10
    assert "applications" in loaded
    assert len(re.findall(r"\+ loaded .*today so far", second)) >= 10
    assert "failed" not in said.out
    assert "Traceback" not in said.err


def commands_of(said):
    return re.findall(r"^  (\S*planlake .+)$", said.out.split("The API ended")[0], re.MULTILINE)


def test_the_demo_ends_on_three_answers_that_are_so_and_a_page_to_open(shown, typed):
    folder, said = shown
    (all_of_them, decided), (changed,), (bad,) = (
        [int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", line.split("?")[1])]
        for line in said.out.split("\n")
        if "?    " in line
    )
    query = """select (select count(*) from applications), (select count(decision_issued_date) from applications),
        (select count(*) from history_applications where valid_to is not null), (select count(*) from uncastable)"""
    told = typed("sql", query, "--format", "csv", "--config", folder / "demo-lake/planlake.yaml")
    assert [int(one) for one in told.out.splitlines()[1].split(",")] == [all_of_them, decided, changed, bad]
    page = re.search(r"^  (\S+/index\.html)$", said.out, re.MULTILINE)[1]
    assert "Everything is there" in (folder / page).read_text()


def test_the_pages_of_the_demo_are_made_at_the_machines_clock(shown):
    folder, _ = shown
    assert 'data-made-at="2026-11-24T12:00' in (folder / "demo-lake/pages/index.html").read_text(encoding="utf-8")


def test_the_demo_is_quiet_when_piped(shown):
    _, said = shown
    assert (said.log, [line for line in said.out.splitlines() if line != line.rstrip()]) == ("", [])
    assert all(line.startswith(("hint: ", "applications: ", "documents: ")) for line in said.err.splitlines()), said.err


def test_the_demo_prints_commands_to_try_and_each_runs_and_answers(shown):
    folder, said = shown
    *commands, last = commands_of(said)
    assert (len(commands), last.split()[1]) == (3, "ui")
    for command in commands:
        done = subprocess.run(
            shlex.split(command), cwd=folder, capture_output=True, text=True, env=environment(), timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), command
        assert len(done.stdout.splitlines()) > 6, command


def test_the_second_day_shows_in_the_history(shown, typed):
    folder, _ = shown
    query = "select count(*) as n from history_applications where valid_to is not null"
    said = typed("sql", query, "--format", "json", "--config", folder / "demo-lake/planlake.yaml")
    assert json.loads(said.out)[0]["n"] > 0


def test_every_hint_of_the_demo_is_a_command_that_runs(shown, typed, monkeypatch):
    folder, said = shown
    monkeypatch.chdir(folder)
    hints = re.findall(r"^hint: planlake (.+)$", said.err, re.MULTILINE)
    assert hints
    for hint in hints:
        assert typed(*shlex.split(hint)).status == 0, hint


def test_the_api_of_the_demo_can_be_served_again_and_the_lake_equals_it(shown, typed, monkeypatch):
    folder, said = shown
    simulate, reconcile, sample = re.findall(r"^  \S*planlake (.+)$", said.out.split("The API ended")[1], re.MULTILINE)
    monkeypatch.chdir(folder)
    with subprocess.Popen([PROGRAM, *shlex.split(simulate)], stdout=subprocess.PIPE, text=True) as process:
        try:
            process.stdout.readline()  # it answers
            assert typed(*shlex.split(sample)).status == 0
            ran = typed("run", "--config", "demo-lake/planlake.yaml")
            assert (ran.status, "+ loaded" in ran.out) == (0, False)
            compared = typed(*shlex.split(reconcile))
            assert (compared.status, len(re.findall("= equal", compared.out))) == (0, 24)
        finally:
            process.terminate()


def test_the_keys_of_the_demo_are_beside_its_configuration_and_not_in_it(shown):
    folder, _ = shown
    text = (folder / "demo-lake/planlake.yaml").read_text()
    for name in ("public", "private"):
        assert (folder / "demo-lake/keys" / name).read_text() not in text


def test_a_second_demo_replaces_the_first(shown):
    folder, _ = shown
    assert not (folder / "demo-lake/lake/left-over").exists()
    assert (folder / "demo-lake/planlake.yaml").read_text().startswith(MARK)


def test_a_demo_that_somebody_went_on_with_is_not_wiped_unless_they_say_so(shown):
    folder, _ = shown
    models = folder / "demo-lake/models"
    models.mkdir()
    try:
        said = planlake("demo", folder=folder, timeout=60)
    finally:
        models.rmdir()
    assert (said.status, said.out) == (2, "")
    assert said.errors == ["Error: demo-lake holds more than a demo: models is not of it"]
    assert "hint: planlake demo --folder ANOTHER; --yes makes this one anew" in said.err
    assert (folder / "demo-lake/lake").is_dir()


@pytest.mark.parametrize("name", ["notes.txt", "planlake.yaml"])
def test_a_folder_that_is_no_demo_is_refused_and_left_alone(tmp_path, name):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text("source: tascomi\n")
    said = planlake("demo", "--folder", "mine", folder=tmp_path)
    assert (said.status, said.out) == (2, "")
    assert said.errors == ["Error: mine exists and is not a demo"]
    assert [file.name for file in (tmp_path / "mine").iterdir()] == [name]


def test_a_file_in_place_of_the_folder_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine").write_text("notes")
    said = planlake("demo", "--folder", "mine", folder=tmp_path)
    assert (said.status, said.out) == (2, "")
    assert len(said.errors) == 1
    assert (tmp_path / "mine").read_text() == "notes"
