"""Which values of the configuration's `models: {settings: ...}` models ask for, by `setting('NAME', DEFAULT)`."""

import re
from collections.abc import Iterable, Mapping

from planlake.config import suggestion
from planlake.engines.sql import literal

CALL = re.compile(r"\b(?:number_|day_)?setting\s*\(\s*('(?:[^']|'')*'\s*,)?", re.IGNORECASE)


def settings_asked(text: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Those of the settings that a query asks for; all of them where it works out a name."""
    asked = {found.rstrip(", \n\t") for found in CALL.findall(text)}
    return {name: value for name, value in settings.items() if "" in asked or literal(name) in asked}


def settings_of_no_query(texts: Iterable[str], settings: Mapping[str, str]) -> list[tuple[str, str]]:
    """Settings that no query asks for, which do nothing, each with a hint."""
    asked = "\n".join(texts)
    known = {found[1:].rstrip(", \n\t").rstrip("'") for found in CALL.findall(asked) if found}
    unasked = settings.keys() - settings_asked(asked, settings).keys()
    return [(name, suggestion(name, known) if known else "no model asks for any") for name in sorted(unasked)]
