"""Every command that Planlake prints is one that there is: in hints, remarks, pages and files that it writes."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from typer.main import get_command

import planlake
from planlake.cli import loading, screen
from planlake.cli.main import app

PACKAGE = Path(planlake.__file__).parent
NAMED = re.compile(r"(?<![\w./-])planlake (?=[a-z…])")
# What ends a command where words go on: a stop, a comma, the next command, brackets and `.
ENDS = re.compile(r"[,;:.)(]+(?=\s|$)|[`<|]|\\n|\n| {2,}|--? (?=[a-z])| (?:or|and|then) (?=…?planlake )")
WORD = re.compile(r'"(?:[^"]*)"|\'[^\']*\'|\S+')
PLACE = re.compile(r"[A-Z][A-Z_|]*|.*….*|[\"'].*|[./~].*|\d{4}-\d\d-\d\d")  # what stands for a value, or is one
GROUPS = get_command(app).commands
ALL = {name: one for name, one in GROUPS.items() if not hasattr(one, "commands")}
ALL |= {f"{name} {one}": inner for name in GROUPS if name not in ALL for one, inner in GROUPS[name].commands.items()}
OF_FILES = (".html", ".jinja", ".sql", ".yaml", ".toml", ".js")
COLUMNS = {"is filled", "place", "read other bytes than UTF-8", "rows"}  # names within a query, beginning with planlake


def texts_of(file):
    """The texts that a file may print, with `…` for what differs, if it names a command; no docstring, no comment."""
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".py":
        yield from (re.sub(r"\{[{%].*?[%}]\}", "…", line) for line in text.splitlines())
        return
    if "planlake " not in text:
        return
    tree = ast.parse(text)
    silent = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            silent |= {id(one) for one in node.values}
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.value


@cache
def printed():
    """Every command that is printed somewhere, from behind `planlake` to where it ends, with its file."""
    files = [
        one for one in sorted(PACKAGE.rglob("*")) if one.suffix in (".py", *OF_FILES) and "static" not in one.parts
    ]
    found = dict[str, str]()
    for file in files:
        for text in texts_of(file):
            for begun in NAMED.finditer(text):
                found.setdefault(ENDS.split(text[begun.end() :], maxsplit=1)[0].strip(), str(file.relative_to(PACKAGE)))
    return [(command, file) for command, file in sorted(found.items()) if command not in COLUMNS]


def choices_in(annotation):
    """The words that an option takes, where it takes no others."""
    inner = get_args(annotation)
    return {one for one in inner if isinstance(one, str)} | {word for one in inner for word in choices_in(one)}


def trouble_of(typed):
    """What is wrong with a command as it is printed; empty where nothing is. Words may follow that say what it does."""
    words = WORD.findall(typed)
    try:
        name, command = named(words)
        if command is not None:
            check_words(name, command, words)
    except ValueError as error:
        return str(error)
    return ""


def named(words):
    """The command that the first words name, with its name; none where it is one of several, each read elsewhere."""
    command, name = get_command(app), ""
    while hasattr(command, "commands"):
        name = words.pop(0).rstrip("…") if words else ""
        if not name:
            return name, None
        if name not in command.commands:
            raise ValueError(f"no command is called {name!r}")
        command = command.commands[name]
    return name, command


def check_words(name, command, words):
    """Refuse options that a command has not, and values where it takes none or wants more."""
    options = {flag: one for one in command.params for flag in (*one.opts, *getattr(one, "secondary_opts", ()))}
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    given, is_said = 0, False
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            check_option(name, word, options, words)
        elif PLACE.fullmatch(word) and not is_said:
            given += 1
        else:
            is_said = True  # what follows says what it does, but for options
    if given and not arguments:
        raise ValueError(f"{name} takes no words")
    if sum(one.required for one in arguments) > given and not is_said:
        raise ValueError(f"{name} wants more")


def check_option(name, flag, options, words):
    """Refuse an option that is not there, and one without its value, which is taken from the words."""
    if flag not in options:
        raise ValueError(f"{name} has no {flag}")
    if options[flag].is_flag:
        return
    if not words:
        raise ValueError(f"{flag} has no value")
    value, choices = words.pop(0), choices_in(options[flag].type_descriptor.annotation)
    if choices and not PLACE.fullmatch(value) and value not in choices:
        raise ValueError(f"{flag} takes no {value}")


@pytest.mark.parametrize(
    ("typed", "trouble"),
    [
        ("rum", "no command is called 'rum'"),
        ("run --fast", "run has no --fast"),
        ("run TABLE --step", "--step has no value"),
        ("env drop", "drop wants more"),
        ("undo 7", ""),
        ("status FEES", ""),
        ("doctor TABLE", "doctor takes no words"),
        ("rollback … --to DATE --zone all", ""),
        ("undo takes it back", ""),
        ('sql "select 1"', ""),
        ("export --format csv FILE", ""),
    ],
)
def test_a_command_that_cannot_be_typed_is_noticed(typed, trouble):
    assert trouble_of(typed) == trouble


@pytest.mark.parametrize(("typed", "file"), [pytest.param(*one, id=one[0]) for one in printed()])
def test_a_command_that_is_printed_is_one_that_there_is(typed, file):
    assert trouble_of(typed) == "", file


def test_a_page_that_is_named_is_there():
    files = [one for one in sorted(PACKAGE.rglob("*")) if one.suffix in (".py", *OF_FILES)]
    named = {page for file in files for text in texts_of(file) for page in re.findall(r"\bdocs/[\w/-]+\.md\b", text)}
    assert "docs/settings.md" in named
    assert {page for page in named if not (PACKAGE.parents[1] / page).is_file()} == set()


@pytest.mark.parametrize("name", ALL)
def test_a_hint_gives_a_command_the_options_that_it_has(monkeypatch, name):
    """A preview in use, and a configuration elsewhere, are named where the command takes them, and nowhere else."""
    monkeypatch.setattr(loading, "_NAMED", [Path("own.yaml")])
    monkeypatch.setattr(loading, "_CHOSEN", ["A1"])
    monkeypatch.setattr(screen, "loaded_configuration", lambda: None)
    told = screen.runnable(f"hint: planlake {name}").removeprefix(f"hint: planlake {name} ")
    given = re.findall("--[a-z]+", told)
    assert not given or told.startswith("--")
    flags = {flag for one in ALL[name].params for flag in one.opts}
    assert given == [one for one in ("--env", "--config") if one in flags]
