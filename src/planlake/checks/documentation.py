"""Finds how the vendor's page, the catalogue and the records received differ about a resource.

A column has one difference at most. Page and catalogue are compared first; what the API sends decides where they agree,
and where the catalogue says nothing.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

NEW_RESOURCE, GONE_RESOURCE = "new resource", "gone resource"
NEW_COLUMN, GONE_COLUMN, RETYPED = "new column", "gone column", "retyped"
UNDOCUMENTED, NEVER_SENT, CONTRADICTED = "undocumented but sent", "documented but never sent", "type contradicted"
MENDED = "mended"  # told once a difference is no more
CLASSES = (
    NEW_RESOURCE,
    GONE_RESOURCE,
    NEW_COLUMN,
    GONE_COLUMN,
    RETYPED,
    UNDOCUMENTED,
    NEVER_SENT,
    CONTRADICTED,
)
PAGE_CLASSES = (NEW_RESOURCE, GONE_RESOURCE, NEW_COLUMN, GONE_COLUMN, RETYPED)
WHOLE = "*"  # stands for the resource itself where columns are named


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: its class, the types on both sides where they matter, and more about it in words.

    `column` is empty where the resource itself differs; `documented` is the type as the page writes it.
    `is_contradicted` says whether values speak against it.
    """

    resource: str
    column: str
    what: str
    catalogue: str = ""
    documented: str = ""
    detail: str = ""
    is_contradicted: bool = False


@dataclass(frozen=True, slots=True)
class Sides:
    """What is said of one resource: by the page, by the catalogue, by the records, and by the page when first read.

    `documented` and `catalogue` are types by column, None where that side has no such resource; `written` are the
    types as the page writes them. `sent` are the keys that records have, None where nothing was loaded; `contradicted`
    says of columns why their values speak against the documented type. `remembered` is None before the first reading.
    """

    resource: str
    documented: Mapping[str, str] | None
    catalogue: Mapping[str, str] | None
    written: Mapping[str, str] = field(default_factory=dict)
    sent: Collection[str] | None = None
    contradicted: Mapping[str, str] = field(default_factory=dict)
    remembered: Collection[str] | None = None


def differences(sides: Sides, known: Mapping[str, str]) -> list[Difference]:
    """Every difference of a resource, but those `known`: a class by column, `*` for the resource itself."""
    found = _differences(sides)
    return [one for one in found if known.get(one.column or WHOLE) != one.what]


def outdated_known_drift(sides: Sides, known: Mapping[str, str]) -> list[Difference]:
    """Known differences of a resource that no longer exist; those only records can show, if records are loaded."""
    found = {(one.column or WHOLE, one.what) for one in _differences(sides)}
    told = CLASSES if sides.sent is not None else PAGE_CLASSES
    return [
        Difference(sides.resource, column if column != WHOLE else "", what)
        for column, what in known.items()
        if what in told and (column, what) not in found
    ]


def _differences(sides: Sides) -> Iterator[Difference]:
    if sides.documented is None:
        count = len(sides.catalogue or ())
        loaded = "" if sides.sent is None else "; loaded"
        yield Difference(
            sides.resource, "", GONE_RESOURCE, detail=f"the catalogue has it, with {count} columns{loaded}"
        )
    elif sides.catalogue is None:
        yield Difference(
            sides.resource, "", NEW_RESOURCE, detail=f"the page has it, with {len(sides.documented)} columns"
        )
    else:
        columns = {*sides.documented, *sides.catalogue, *(sides.sent or ()), *(sides.remembered or ())}
        for column in sorted(columns):
            one = _of_column(
                sides, column, documented=sides.documented.get(column), catalogue=sides.catalogue.get(column)
            )
            if one is not None:
                yield one


def _of_column(sides: Sides, column: str, *, documented: str | None, catalogue: str | None) -> Difference | None:
    one = Difference(sides.resource, column, "", catalogue or "", sides.written.get(column, ""))
    if documented is not None:
        what = _what_of_documented(sides, column, documented=documented, catalogue=catalogue)
        details = [_said_of(sides, column), sides.contradicted.get(column, "")]
    else:
        what = _what_of_undocumented(sides, column, catalogue)
        details = [_said_of(sides, column)]
    if not what:
        return None
    is_contradicted = documented is not None and column in sides.contradicted
    return replace(one, what=what, detail="; ".join(filter(None, details)), is_contradicted=is_contradicted)


def _what_of_documented(sides: Sides, column: str, *, documented: str, catalogue: str | None) -> str:
    is_missing = sides.sent is not None and column not in sides.sent
    if catalogue is not None and catalogue != documented:
        return RETYPED
    if catalogue is None and (documented != "text" or _is_new(sides, column)):
        return NEW_COLUMN
    if is_missing:
        return NEVER_SENT
    return CONTRADICTED if column in sides.contradicted else ""


def _is_new(sides: Sides, column: str) -> bool:
    """Whether a text column that nobody declared was neither sent nor on the page before, as far as that is known."""
    if sides.remembered is not None and column in sides.remembered:
        return False
    return column not in sides.sent if sides.sent is not None else sides.remembered is not None


def _what_of_undocumented(sides: Sides, column: str, catalogue: str | None) -> str:
    if catalogue is not None:
        return GONE_COLUMN
    return UNDOCUMENTED if sides.sent is not None and column in sides.sent else GONE_COLUMN


def _said_of(sides: Sides, column: str) -> str:
    """What the records say of a column."""
    if sides.sent is None:
        return "not loaded"
    return "sent" if column in sides.sent else "not sent"


def differences_to_report(found: Iterable[Difference], told: Mapping[tuple[str, str], str]) -> list[Difference]:
    """What is to be told: differences that were not told of their column last, and those told that are no more.

    `told` is the class told last, by resource and column.
    """
    listed = {(one.resource, one.column): one for one in found}
    new = [one for place, one in listed.items() if told.get(place) != one.what]
    gone = [place for place, what in told.items() if what != MENDED and place not in listed]
    return [*new, *(Difference(*place, MENDED, detail=f"was: {told[place]}") for place in sorted(gone))]
