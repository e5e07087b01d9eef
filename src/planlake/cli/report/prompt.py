"""Reads lines typed at the prompt of `planlake sql` and joins them into whole queries.

A few words alone on a line are no query: those that people know from other prompts leave, list the tables, or help.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

LEAVE = ("quit", "exit", ".quit", ".exit", ".q", "\\q")
HELP = ("help", "?", ".help", ".h", "\\?", "\\h")
TABLES = ("tables", ".tables", "\\d", "\\dt", "\\dv", "\\d+")
COLUMNS = re.compile(r"(?:\\d\+?|\.schema|\.columns)\s+(?P<table>\S+)", re.IGNORECASE)
LOOKS = ("\\x", "\\timing")  # what changes how answers are shown
COMMANDS = ("\\d", "\\dt", "\\x", "\\x auto", "\\timing", "\\?", "\\q")
HELP_TEXT = """\
A query ends with ; and may take several lines: select * from NAME limit 5;
\\d, \\dt   lists the tables, like: show tables;
\\d NAME   lists the columns of a table, like: describe NAME;
\\x        shows each row as lines, a column each, or no more; \\x auto: where the screen is too narrow
\\timing   says how long each query took, or no more
Tab       completes names of databases, tables and columns
help      shows this, like \\?
Ctrl-C    stops a query, or drops what was typed so far
quit      leaves, like exit, \\q or Ctrl-D"""

Read = Callable[[str, str], str]  # a line, after the text that was typed before it, at this prompt


@dataclass(slots=True)
class Look:
    """How answers are shown, as it was last said at the prompt: rows as lines, and how long a query took."""

    expanded: Literal["on", "off", "auto"] = "off"
    is_timed: bool = False


def plain_line(_: str, prompt: str) -> str:
    """A line typed where nothing is completed."""
    return input(prompt)


def queries(look: Look, *, is_asked: bool, read: Read = plain_line) -> Iterator[str]:
    """Queries as they are typed; a semicolon inside a text ends none. Where nobody `is_asked`, no prompt is shown."""
    from planlake.cli.screen import remark
    from planlake.lake.views.parse_query import check_text

    text = ""
    while True:
        try:
            line = read(text, ("     ...> " if text.strip() else "planlake> ") if is_asked else "")
        except EOFError:
            break
        except KeyboardInterrupt:  # as in other prompts: what was typed so far is dropped
            if not is_asked:
                raise
            text = ""
            remark("")
            continue
        word = line.strip().rstrip(";").rstrip()
        if is_command(word, is_begun=bool(text.strip())):
            if word.lower() in LEAVE:
                return
            yield from _meant(word, look)
            continue
        if is_asked and text.strip() and word.lower() in (*LEAVE, *HELP):
            remark(f'"{word}" is read as part of the query; inside one, \\q leaves, \\? helps and Ctrl-C drops it')
        text += line + "\n"
        check_text(text)
        complete, text = _split(text)
        yield from complete
    if text.strip():
        yield text


def is_command(word: str, *, is_begun: bool) -> bool:
    """Whether what stands alone on a line is no part of a query; words of letters may be, once one `is_begun`."""
    if is_begun and word[:1] not in ("\\", "."):
        return False
    first = (word.lower().split() or [""])[0]
    known = first in LOOKS or word.lower() in (*LEAVE, *HELP, *TABLES) or COLUMNS.fullmatch(word) is not None
    return known or (not is_begun and word[:1] in ("\\", "."))


def _meant(word: str, look: Look) -> Iterator[str]:
    """The query that a command stands for; none for help, how answers look, and commands that nobody knows."""
    from planlake.cli.screen import remark

    of_table = COLUMNS.fullmatch(word)
    if word.lower() in TABLES:
        yield "show tables"
    elif of_table:
        yield f"describe {of_table['table']}"
    elif word.lower() in HELP:
        remark(HELP_TEXT)
    elif said := _changed(look, word.lower().split()):
        remark(said)
    else:
        remark(f'Error: nothing is called "{word}" here\nhint: help lists what is; a query ends with ;')


def _changed(look: Look, words: list[str]) -> str:
    """Change how answers are shown, and say so; nothing where the words ask for nothing of that kind."""
    switched = {"on": "off", "off": "on", "auto": "off"}
    match words:
        case ["\\x", *given] if given in ([], ["on"], ["off"], ["auto"]):
            look.expanded = given[0] if given else switched[look.expanded]  # type: ignore[assignment]
            how = {"on": "as lines", "off": "as a table", "auto": "as lines where the screen is too narrow for a table"}
            return f"Rows are shown {how[look.expanded]}"
        case ["\\timing", *given] if given in ([], ["on"], ["off"]):
            look.is_timed = given == ["on"] if given else not look.is_timed
            return "Each query says how long it took" if look.is_timed else "No query says how long it took"
    return ""


def _split(text: str) -> tuple[list[str], str]:
    """Whole queries of what was typed so far, and what is left of it."""
    import duckdb

    if not text.rstrip().endswith(";"):
        return [], text
    try:
        return [statement.query for statement in duckdb.extract_statements(text)], ""
    except duckdb.Error as error:
        return ([], text) if "unterminated" in str(error).lower() else ([text], "")
