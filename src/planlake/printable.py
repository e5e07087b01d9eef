"""Makes any text safe to show: one line that can neither move the cursor nor reverse the direction of writing.

Values and names of columns come from the vendor, and may hold what a terminal obeys. They pass here on their way to it,
and nowhere else: what is kept, and what is written as CSV, JSON or Parquet, stays exactly as it was received.
"""

import os
import re
import shlex
from collections.abc import Sequence

IS_PLAIN = re.compile(r"[\w@%+=:,./\\-]+")  # what no shell of Windows takes for more than it is

# How messages show a value as an example (`checks.examples` writes them), for Python and for DuckDB's SQL.
ANY_EXAMPLE = ", .* for example"  # to the last: a value may hold these words itself
MOST_SHOWN = 40  # characters of a value that any version showed
# One example, in quotes, to the end of its check. What `printable` writes for a character counts as one, so that a
# value is taken as a whole whatever it holds, and the next check is out of reach.
SHOWN = r"(?:\\[nrt]|\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|.)"
AN_EXAMPLE = rf', (?:"{SHOWN}{{0,{MOST_SHOWN + len("...")}}}"|\[personal, [0-9]+ characters\]) for example(; |$)'
EARLIER = ", | for example"  # where one of these is left, an earlier version may have shown a value without quotes


def printable(text: str) -> str:
    r"""The text with every character that cannot be seen written as Python writes it, `\n` or `\u202e` for example.

    These are line ends, tabs, control characters, marks of direction, blanks other than the usual one, and halves of
    characters; letters of all scripts with their marks stay.
    """
    return text if text.isprintable() else "".join(map(_seen, text))


def _seen(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def quoted(word: str) -> str:
    """A word of a command as it can be typed, in quotes where the shell of this machine wants them."""
    if os.name == "nt":  # where ' is a sign like any other, and no name holds a "
        return word if IS_PLAIN.fullmatch(word) else f'"{word}"'
    return shlex.quote(word)


def listed(names: Sequence[str], most: int) -> str:
    """The first names, with commas, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
