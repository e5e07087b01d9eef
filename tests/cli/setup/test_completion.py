"""`planlake completion`: a shell that asks at Tab gets commands, options and names, and no lake is opened for it."""

import shutil
import subprocess

import pytest

from commands import environment, planlake
from planlake.cli.setup.completion import SHELLS, VARIABLE

CONFIG = "tables: {daily: [fees, applications], weekly: [wards]}\nenvironments: {local: {}, live: {}}\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "planlake.yaml").write_text(CONFIG)
    return tmp_path


def completed(folder, line):
    """What bash is told for a line that ends at the cursor."""
    words = line.split(" ")
    variables = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), VARIABLE: "complete_bash"}
    said = planlake(folder=folder, **variables)
    assert (said.status, said.err) == (0, "")
    return said.out.split()


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("planlake stat", ["status"]),
        ("planlake env li", ["list"]),
        ("planlake run --fu", ["--full"]),
        ("planlake run ", ["applications", "fees", "wards"]),
        ("planlake run fees ", ["applications", "wards"]),
        ("planlake status f", ["fees"]),
        ("planlake run --env l", ["live", "local"]),
        ("planlake add enforcement_o", ["enforcement_outcome_types", "enforcement_outcomes"]),
        ("planlake run --config absent.yaml ", []),
    ],
)
def test_tab_gives_commands_options_and_names_of_the_file(folder, line, names):
    assert completed(folder, line) == names
    assert [one.name for one in folder.iterdir()] == ["planlake.yaml"]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_a_script_that_calls_planlake(typed, shell):
    said = typed("completion", shell)
    assert (said.status, said.err) == (0, "")
    assert VARIABLE in said.out
    assert f"complete_{shell}" in said.out


def test_without_a_name_it_is_the_shell_this_is_typed_in(typed, monkeypatch):
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert "complete_fish" in typed("completion").out
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    said = typed("completion")
    assert (said.status, said.errors) == (2, ['Error: completion is not made for the shell "tcsh"'])
    assert "bash, zsh, fish, powershell" in said.err


def test_it_is_installed_where_bash_looks_and_completes_there(folder):
    said = planlake("completion", "bash", "--install", HOME=str(folder))
    assert (said.status, said.out) == (0, "")
    assert "written; Tab completes in the next bash" in said.err
    asks = """
    . "$HOME/.bashrc"
    COMP_WORDS=(planlake run fe) COMP_CWORD=2
    _planlake_completion planlake; echo "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        [shutil.which("bash"), "--norc", "-c", asks],
        env=environment(HOME=str(folder)), cwd=folder, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("fees\n", "")


def test_a_place_that_cannot_be_written_is_a_sentence_with_the_way_round(tmp_path):
    (tmp_path / "home").write_text("a file, and no folder")
    said = planlake("completion", "fish", "--install", HOME=str(tmp_path / "home"))
    assert (said.status, len(said.errors)) == (2, 1)
    assert "completion cannot be installed" in said.errors[0]
    assert "hint: planlake completion fish prints it" in said.err


@pytest.mark.parametrize("arguments", [("-h",), ("run", "-h"), ("env", "-h"), ("env", "list", "-h"), ("model", "-h")])
def test_every_command_knows_the_short_word_for_help(typed, arguments):
    said = typed(*arguments)
    assert (said.status, said.err, "Usage: planlake" in said.out, "-h, --help" in said.out) == (0, "", True, True)
