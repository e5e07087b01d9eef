"""Shows values as examples in messages, and takes them out of messages again.

What one function here writes another finds again, also as earlier versions wrote it: whoever is forgotten must be gone
from every message. What leaves the lake, such as log lines, has no examples at all: nobody could take them back.
"""

import re
from collections.abc import Iterable

from planlake.printable import AN_EXAMPLE, ANY_EXAMPLE, EARLIER, MOST_SHOWN, printable

EXAMPLE_LENGTH = 20  # characters of a value that are shown at most
CUT_EARLIER = (EXAMPLE_LENGTH, MOST_SHOWN)  # where versions up to now cut values
MARK = "[forgotten]"  # what stands where something showed a value
INTERNAL = "internal error"  # whose words are a library's
MASKED = re.compile(r"\[personal, \d+ characters]")
LIBRARY_WORDS = re.compile(rf"({INTERNAL}: \w+: )(?!no message).*", re.DOTALL)


def masked(value: str | None, *, is_personal: bool) -> str | None:
    """A value as findings may show it: of personal ones only that there was one, and how long."""
    if value is None or not is_personal:
        return value
    return f"[personal, {len(value)} characters]"


def shortened(value: str) -> str:
    """The first characters of a value, with dots where there are more."""
    return value[:EXAMPLE_LENGTH] + "..." * (len(value) > EXAMPLE_LENGTH)


def as_example(value: str, *, is_personal: bool = False) -> str:
    """A value as a message shows it: shortened, in quotes; a personal one masked, unless it was already."""
    if MASKED.fullmatch(value):
        return value
    return masked(value, is_personal=True) or "" if is_personal else f'"{printable(shortened(value))}"'


def for_example(example: str) -> str:
    """The end of a sentence that shows an example; nothing where there is none."""
    return f", {example} for example" if example else ""


def without_values(message: str, values: Iterable[str]) -> str:
    """A message without these values where it shows them as an example, whole or cut, now or in earlier versions.

    In the words of a library a value may stand in any form, so they go whatever they say.
    """
    for value in values:
        for shown in _forms(value):
            message = message.replace(shown, f'"{MARK}"')
        for cut in {value, *(value[:length] for length in CUT_EARLIER)}:
            message = message.replace(for_example(cut), for_example(MARK))
    return LIBRARY_WORDS.sub(rf"\1{MARK}", message)


def _forms(value: str) -> list[str]:
    cut = [f"{value[:length]}..." for length in CUT_EARLIER if len(value) > length]
    quoted = (f'"{shown}"' for one in (*cut, value) for shown in (one, printable(one)))
    in_sql = "'" + value.replace("'", "''") + "'"  # as the condition of a check names it
    return [*dict.fromkeys(quoted), in_sql, f"'{value}'"]


def with_examples_forgotten(message: str) -> str:
    """A message with a mark in the place of every example and of a library's words, as `without_values` leaves them."""
    return LIBRARY_WORDS.sub(rf"\1{MARK}", _with_instead(message, for_example(MARK)))


def without_examples(message: str) -> str:
    """A message with no example of any value, and no sign that it had one."""
    return LIBRARY_WORDS.sub(lambda found: found[1].removesuffix(": "), _with_instead(message, ""))


def _with_instead(message: str, example: str) -> str:
    """A message with something else for each example: each check keeps its own words, if all examples are in quotes."""
    is_earlier = re.search(EARLIER, re.sub(AN_EXAMPLE, r"\1", message, flags=re.DOTALL))
    written, end = (ANY_EXAMPLE, "") if is_earlier else (AN_EXAMPLE, r"\1")
    return re.sub(written, example + end, message, flags=re.DOTALL)
