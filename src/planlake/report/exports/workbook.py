"""Writes tables as an Excel workbook, a sheet each: every text is a text cell, whatever it begins with."""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from planlake.errors import ConfigurationError
from planlake.report.exports.about import ABOUT_COLUMNS, ABOUT_TABLE, rows_of
from planlake.report.exports.rows import Work, pieces, text_of

MOST_ROWS, MOST_COLUMNS, LONGEST_TEXT, LONGEST_NAME = 1_048_576, 16_384, 32_767, 31  # of Excel
MOST_DIGITS = 15  # that Excel keeps of a number
FIRST_YEAR = 1901  # Excel counts a 29 February 1900
NO_SHEET_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]|^'|'$")
NUMBERS = re.compile(r"BOOLEAN|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*")
FORMATS = {"DATE": "yyyy-mm-dd", "TIMESTAMP": "yyyy-mm-dd hh:mm:ss.000"}
WIDTHS = {"DATE": 11, "TIMESTAMP": 23}
OTHERS = "--out FILE.csv, FILE.sqlite, FILE.duckdb or FILE.parquet has no such limit"


def write_workbook(work: Work) -> list[str]:
    """A workbook with a sheet for each table and one that says what was exported; rows are never in memory together.

    Raises ConfigurationError where a table has more rows or columns than a sheet. The sentences that are answered say
    which texts end early, since a cell holds 32,767 characters.
    """
    from xlsxwriter import Workbook  # noqa: PLC0415 - only where somebody wants Excel
    from xlsxwriter.exceptions import XlsxWriterException  # noqa: PLC0415

    _check_sizes(work)
    book = Workbook(work.place, {"constant_memory": True, "tmpdir": str(work.place.parent), "use_zip64": True})
    book.set_custom_property(ABOUT_TABLE, work.about.version)
    head = book.add_format({"bold": True})
    styles = {kind: book.add_format({"num_format": shown}) for kind, shown in FORMATS.items()}
    taken, cut = {ABOUT_TABLE, "history"}, Counter[str]()
    for table, columns in work.columns.items():
        sheet = book.add_worksheet(_sheet_name(table, taken))
        sheet.freeze_panes(1, 0)
        for place, (name, kind) in enumerate(columns.items()):
            sheet.set_column(place, place, WIDTHS.get(kind))
            sheet.write_string(0, place, _fitting(name), head)
        _write_rows(sheet, work, styles, table=table, cut=cut)
    remarks = [
        f"{place}: Excel's cells hold {LONGEST_TEXT:,} characters, so {_texts(cut[place])} early" for place in cut
    ]
    _write_about(book.add_worksheet(ABOUT_TABLE), work, remarks)
    try:
        book.close()
    except XlsxWriterException as error:
        raise OSError(str(error)) from None
    return remarks


def _check_sizes(work: Work) -> None:
    for one in work.about.tables:
        if one.rows >= MOST_ROWS:
            message = f"{one.table} has {one.rows:,} rows, and a sheet of Excel holds {MOST_ROWS - 1:,} below its head"
            raise ConfigurationError(message, hint=OTHERS)
        if one.columns > MOST_COLUMNS:
            message = f"{one.table} has {one.columns:,} columns, and a sheet of Excel holds {MOST_COLUMNS:,}"
            raise ConfigurationError(message, hint=OTHERS)


def _write_rows(sheet: Any, work: Work, styles: Mapping[str, Any], *, table: str, cut: Counter[str]) -> None:  # noqa: ANN401
    """The rows of a table from the second row of a sheet on, each cell as the column's type asks; NULL is no cell."""
    writers = [cell_writer(sheet, kind, styles.get(kind)) for kind in work.columns[table].values()]
    names, row = list(work.columns[table]), 0
    for piece in pieces(work, table, _value):
        for values in zip(*(column.to_pylist() for column in piece.columns), strict=True):
            row += 1
            for place, value in enumerate(values):
                if value is not None and writers[place](row, place, value):
                    cut[f"{table}.{names[place]}"] += 1


def _value(column: str, kind: str) -> str:
    return column if NUMBERS.fullmatch(kind) else text_of(column, kind)


def cell_writer(sheet: Any, kind: str, style: Any) -> Callable[[int, int, Any], bool]:  # noqa: ANN401
    """What writes a value of a type into a cell, and answers whether it had to be cut short."""

    def write_text(row: int, place: int, text: str) -> bool:
        shown = text if len(text) * 2 <= LONGEST_TEXT else _fitting(text)
        sheet.write_string(row, place, shown)
        return len(shown) < len(text)

    def write_number(row: int, place: int, number: float | Decimal) -> bool:
        if isinstance(number, bool):
            sheet.write_boolean(row, place, number)
        elif _is_held(number):
            sheet.write_number(row, place, number)
        else:
            sheet.write_string(row, place, str(number))
        return False

    def write_moment(row: int, place: int, text: str) -> bool:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:  # a year that Python has not
            return write_text(row, place, text)
        if moment.year < FIRST_YEAR:
            return write_text(row, place, text)
        thousandths = moment.microsecond // 1_000  # Excel shows no more of a second
        sheet.write_datetime(row, place, moment.replace(microsecond=1_000 * thousandths), style)
        return False

    if kind in FORMATS:
        return write_moment
    return write_number if NUMBERS.fullmatch(kind) else write_text


def _is_held(number: float | Decimal) -> bool:
    """Whether Excel keeps a number as it is, but for the 17th digit of one that is not whole."""
    if isinstance(number, float):
        return math.isfinite(number)
    digits = number.as_tuple().digits if isinstance(number, Decimal) else str(abs(number))
    return len(digits) <= MOST_DIGITS


def _fitting(text: str) -> str:
    """As much of a text as a cell holds; Excel counts two for characters that take two in UTF-16."""
    return text.encode("utf-16-le")[: 2 * LONGEST_TEXT].decode("utf-16-le", "ignore")


def _texts(count: int) -> str:
    return "1 text ends" if count == 1 else f"{count:,} texts end"


def _sheet_name(table: str, taken: set[str]) -> str:
    """The table's name as Excel takes one: 31 characters, none of them special, no two that differ in case alone."""
    plain = NO_SHEET_NAME.sub("_", table)
    name, number = plain[:LONGEST_NAME], 2
    while name.lower() in taken:
        name, number = f"{plain[: LONGEST_NAME - len(f'_{number}')]}_{number}", number + 1
    taken.add(name.lower())
    return name


def _write_about(sheet: Any, work: Work, remarks: Sequence[str]) -> None:  # noqa: ANN401
    lines = [ABOUT_COLUMNS, *rows_of(work.about), *((remark,) for remark in remarks)]
    for row, line in enumerate(lines):
        for place, value in enumerate(line):
            if isinstance(value, int):
                sheet.write_number(row, place, value)
            elif value is not None:
                sheet.write_string(row, place, _fitting(str(value)))
