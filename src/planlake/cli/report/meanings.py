"""How the meanings of columns are shown: of one table, and of what a search found."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planlake.config import Config
    from planlake.lake.views.views import Views
    from planlake.report.meanings import Described, Found


def show_described(views: "Views", config: "Config", tables: Sequence[str], *, json: bool) -> None:
    """Print the columns of tables with what they mean, and below each what coded values stand for.

    As JSON one table is the list of its columns, several are such lists by the tables' names.
    """
    from planlake.cli.screen import print_json

    found = {table: _described(views, config, table) for table in tables}
    if json:
        columns = {table: [asdict(one) for one in described] for table, described in found.items()}
        print_json(columns if len(columns) > 1 else columns[tables[0]])
        return
    for table, described in found.items():
        print_described(table, described)
        print_labels(described)


def _described(views: "Views", config: "Config", table: str) -> Sequence["Described"]:
    from planlake.engines.type_words import word_of_sql
    from planlake.lake.views.query import columns_of, place_of_table
    from planlake.report.meanings import describe_table

    database, _, name = table.rpartition(".")
    columns = {column: word_of_sql(kind) for column, kind in columns_of(views, database, name).items()}
    is_trusted = place_of_table(views, database, name)[0] == "trusted"
    return describe_table(views, config, "trusted" if is_trusted else "", name, columns)


def print_described(
    title: str, found: Sequence["Described"], others: Mapping[str, Sequence[object]] | None = None
) -> None:
    """Print columns, their types, what else is known of each (`others`, by heading) and, if known, what they mean."""
    from planlake.cli.screen import print_table

    shown: dict[str, Sequence[object]] = {
        "column": [one.column for one in found],
        "type": [one.type for one in found],
        **(others or {}),
    }
    if any(one.meaning for one in found):
        shown["meaning"] = [one.meaning for one in found]
    print_table(title, [*shown], zip(*shown.values(), strict=True), numbers=("filled",))


def print_labels(found: Sequence["Described"]) -> None:
    """Print what the coded values of columns stand for, if any do."""
    from planlake.cli.screen import print_table

    rows = [(one.column, value, label) for one in found for value, label in one.labels.items()]
    if rows:
        print_table("", ("column", "value", "what it stands for"), rows)


def show_found(views: "Views", config: "Config", text: str, *, json: bool) -> None:
    """Print which tables and columns have the words of a text, table by table."""
    from planlake.cli.screen import counted, print_json, remark
    from planlake.report.meanings import search

    found = search(views, config, text)
    if json:
        print_json([_as_json(one) for one in found])
        return
    for (table, is_loaded), rows in groupby(found, lambda one: (one.table, one.is_loaded)):
        _print_found(f"{table}, {'loaded' if is_loaded else 'not loaded'}", [*rows])
    columns, tables = sum(one.column is not None for one in found), len({one.table for one in found})
    nothing = "no table or column has this in its name or meaning"
    said = f"{counted(columns, 'column', 'columns')} in {counted(tables, 'table', 'tables')}"
    remark(said if found else nothing)


def _print_found(title: str, rows: Sequence["Found"]) -> None:
    from planlake.cli.screen import console

    matching = [(one.column, one.filled) for one in rows if one.column is not None]
    if not matching:
        console(stderr=False).print(f"{title}")
        return
    filled = ["" if share is None else f"{share:.0%}" for _, share in matching]
    print_described(title, [one for one, _ in matching], {"filled": filled} if any(filled) else {})


def _as_json(one: "Found") -> dict[str, Any]:
    of_column = asdict(one.column) if one.column is not None else {"column": None}
    return {"table": one.table, "is_loaded": one.is_loaded, "filled": one.filled, **of_column}
