"""docs/python.md: every block of it is carried out as it stands, and prints what the page says."""

import ast
import re
import shlex
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

import planlake

PAGE = Path(__file__).parents[2] / "docs/python.md"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
LIBRARIES = {"pandas": ".df()", "polars": ".pl()"}  # which may not be installed, and what needs them


def needs(source):
    return [library for library, call in LIBRARIES.items() if call in source]


def shown(source, names):
    """What a cell of a notebook shows: what it prints, then the value of its last line."""
    cell = ast.parse(source)
    last = cell.body.pop() if isinstance(cell.body[-1], ast.Expr) else None
    with redirect_stdout(StringIO()) as printed:
        exec(compile(cell, "docs/python.md", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "docs/python.md", "eval"), names) if last else None
        if value is not None:
            printed.write(f"{value!r}\n")
    return printed.getvalue()


def test_every_block_of_the_page_runs_and_prints_what_stands_below_it(served, typed):
    names = {}
    for language, source, wanted in BLOCKS:
        if language == "sh":
            commands = [shlex.split(line)[1:] for line in source.splitlines() if line != "planlake demo"]
            assert [typed(*command).status for command in commands] == [0] * len(commands)
        elif not needs(source):
            assert shown(source, names) == wanted, source


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_blocks_for_data_frames_run(demo, library):
    pytest.importorskip(library, reason=f"BLOCKS NOT RUN: {library} is not installed")
    names = {"lake": planlake.open_lake("demo-lake")}
    sources = [source for _, source, _ in BLOCKS if library in needs(source)]
    assert sources
    assert all(shown(source, names) for source in sources)


@pytest.mark.parametrize("name", planlake.__all__)
def test_every_public_name_is_on_the_page(name):
    assert re.search(rf"\b{name}\b", PAGE.read_text(encoding="utf-8"))
