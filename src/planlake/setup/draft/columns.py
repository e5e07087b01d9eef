"""Infers the columns of records whose types nobody has declared: from every value of a sample, by the casts of refine.

A type is given where all values cast to it and none would lose what it says: `007`, `+44` and `12E4` are codes, though
each casts to a number. What is nested stays the text of its JSON.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.fitting import Fit, fit_types
from planlake.sources.catalogue import REACHES
from planlake.sources.naming import KEY_TYPES
from planlake.sources.records import members_of, plain_id, texts_of

CODE = re.compile(r"[+-]?0[0-9].*|[+].*|.*[eE].*")  # what a number would lose: zeros, a plus, the way it is written
ZONED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+[+-][0-9]{2}:?[0-9]{2}")
KEY_NAME = re.compile(r"(.*_)?(id|uuid|guid|key|ref|reference|number|no|code)", re.IGNORECASE)
CAMEL_KEY = re.compile(r".*(Id|ID|Key|Ref|Reference|Number|Code)")
PEOPLE = re.compile(
    rf"name|person|contact|address|street|{REACHES.pattern}|mobile|birth|(^|_)dob|officer|owner|applicant|agent|user|"
    r"comment|note|signature|signed|fax",
    re.IGNORECASE,
)
OTHERS_ID = re.compile(r"(.*_)?id|.*I[dD]")  # a number that leads to a record says nothing of the person itself
CHANGES = re.compile(r"modif|chang|updat", re.IGNORECASE)
FEW, TOO_FEW = 20, 5  # values that say little about the next ones, and next to nothing
NEAR_THE_END = 10**9  # a whole number of 32 bits may outgrow its type
NUMBERS = ("integer", "long", "double")
OWN_TEXT = {b'"': "text", b"{": "nested", b"[": "nested", b"t": "boolean", b"f": "boolean", b"n": ""}


@dataclass(frozen=True, slots=True)
class DraftColumn:
    """One column: the type its values fit, of how many of the sampled records it has a value, and what to look at."""

    name: str
    type: str
    filled: int
    records: int
    doubt: str = ""
    is_unique: bool = False
    may_name_people: bool = False

    @property
    def can_be_key(self) -> bool:
        """Whether every record has another value of a type that a key may have."""
        return self.is_unique and self.type in KEY_TYPES


def draft_columns(connection: Connection, texts: Sequence[bytes]) -> list[DraftColumn]:
    """The columns of these records, in the order in which their keys come."""
    decoded = [text.decode("utf-8", "replace") for text in texts]
    rows = [row for one in decoded if (row := texts_of(one)) is not None]
    names = list(dict.fromkeys(name for row in rows for name in row))
    kinds: dict[str, set[str]] = {name: set() for name in names}
    for one in decoded:
        for name, written in members_of(one.encode("utf-8", "replace")).items():
            kinds.get(name, set()).add(OWN_TEXT.get(written.strip()[:1], "number"))
    cells = pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})
    fits = fit_types(connection, cells, dict.fromkeys(names, "text"))
    values = {name: [value for row in rows if (value := row.get(name))] for name in names}
    return [_column(name, fits[name], values[name], kinds[name], len(rows)) for name in names]


def key_of(columns: Sequence[DraftColumn], address: str) -> DraftColumn | None:
    """The column that tells records apart and is called as such: `id` first, then `tree_id` of `trees`."""
    able = [one for one in columns if one.can_be_key and (KEY_NAME.fullmatch(one.name) or CAMEL_KEY.match(one.name))]
    stem = address.rpartition("/")[2].lower().removesuffix("s").removesuffix("e")

    def order(one: DraftColumn) -> tuple[bool, bool, bool]:
        name = one.name.lower()
        return name != "id", not name.startswith(stem), one.type == "text"

    return min(able, key=order, default=None)


def type_of(fit: Fit, values: Sequence[str], kinds: set[str], records: int) -> tuple[str, str]:
    """The type of a column whose values fit so, and what to look at; `kinds` is how JSON has them."""
    if why := _why_text(fit, values, kinds, records):
        return "text", why
    if fit.fits == "integer" and max(abs(int(one)) for one in values) > NEAR_THE_END:
        return "long", ""
    written = f"{fit.fits}, written as text" if fit.fits in NUMBERS and "text" in kinds else ""
    few = f"only {fit.filled} filled" if fit.filled < FEW else ""
    return fit.fits, "; ".join(filter(None, (written, few if fit.fits != "text" else "")))


def _why_text(fit: Fit, values: Sequence[str], kinds: set[str], records: int) -> str:
    """Why a column is text although something else might be thought; empty where nothing is."""
    if not fit.filled:
        return "no value in the sample"
    if "nested" in kinds:
        return "nested: kept as the text of its JSON"
    if fit.filled < TOO_FEW and fit.filled < records and fit.fits != "text":
        return f"only {fit.filled} filled, as {fit.fits}: too few to give it that type"
    if fit.fits in NUMBERS and "text" in kinds and any(CODE.fullmatch(one) for one in values):
        return "numbers with a zero or plus in front or an exponent: a type would lose that"
    is_zoned = fit.fits == "text" and all(ZONED.fullmatch(one) for one in values)
    return "instants with a zone: they stay text" if is_zoned else ""


def _column(name: str, fit: Fit, values: Sequence[str], kinds: set[str], records: int) -> DraftColumn:
    type_name, doubt = type_of(fit, values, kinds, records)
    whole = type_name in ("integer", "long")
    is_unique = fit.filled == records and len({plain_id(one) if whole else one for one in values}) == records
    is_person = bool(PEOPLE.search(name)) and type_name != "boolean" and not (whole and OTHERS_ID.fullmatch(name))
    return DraftColumn(name, type_name, fit.filled, records, doubt, is_unique, is_person)


def types_by_name(columns: Sequence[DraftColumn], key: str) -> Mapping[str, str]:
    """What a catalogue declares: typed columns and the key; any other key becomes text by itself."""
    return {one.name: one.type for one in columns if one.type != "text" or one.name == key}
