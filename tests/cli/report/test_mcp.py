"""`planlake mcp` where it cannot start: a sentence and what helps, and nothing on standard output."""

import sys


def test_without_its_library_it_says_what_installs_it(typed, lake, monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp", None)
    said = typed("mcp", "--config", lake)
    assert (said.status, said.out) == (2, "")
    assert "Error: assistants need the library mcp, which is not installed" in said.err
    assert "hint: pip install 'planlake[mcp]'" in said.err


def test_a_lake_that_is_not_there_is_said_before_anybody_is_answered(typed, tmp_path):
    said = typed("mcp", "--config", tmp_path / "planlake.yaml")
    assert (said.status, said.out) == (2, "")
    assert said.errors
