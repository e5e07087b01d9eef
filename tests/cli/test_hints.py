"""A hint can be typed as it stands: with the environment and the file that are in use, behind the command's name."""

from pathlib import Path

import pytest

from planlake.cli import loading
from planlake.cli.screen import runnable


@pytest.mark.parametrize(
    ("hint", "wanted"),
    [
        ("planlake undo", "planlake undo --env A1 --config 'my file.yaml'"),
        ("planlake undo takes it back", "planlake undo --env A1 --config 'my file.yaml' takes it back"),
        ("planlake run fees", "planlake run --env A1 --config 'my file.yaml' fees"),
        ("planlake run --env B2 fees", "planlake run --config 'my file.yaml' --env B2 fees"),
        ("planlake add fees", "planlake add --config 'my file.yaml' fees"),
        ("planlake init shows every key", "planlake init --config 'my file.yaml' shows every key"),
        ("planlake env drop A1", "planlake env drop --config 'my file.yaml' A1"),
        ('planlake sql "select 1"', "planlake sql --env A1 --config 'my file.yaml' \"select 1\""),
        ("set the clock, then planlake doctor", "set the clock, then planlake doctor"),
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
