"""What is seen: the exit status, words on the screen, rows and columns, and what did not change."""

import json
import re

from pytest_bdd import parsers, then

from documenting import FIELDS
from features.screen import tables_on
from planlake.lake.tables.columns import IMPORT_COLUMNS

SHOWN = {"float": "double"}  # types that are shown by another name
OWN = {*IMPORT_COLUMNS, "batch", "last_import_date", "last_snapshot_date"}


@then("it ends well")
def ended_well(person):
    person.expects(person.said.status == 0, "it ends well (exit status 0)")


@then(parsers.parse("it ends with status {status:d}"))
def ended(person, status):
    person.expects(person.said.status == status, f"exit status {status}, not {person.said.status}")


@then(parsers.parse('I see "{text}"'))
def seen(person, text):
    person.expects(text in person.screen, f"the words {text!r}")


@then(parsers.parse('I do not see "{text}"'))
def not_seen(person, text):
    person.expects(text not in person.screen, f"nothing of {text!r}")


@then("I see the rows:")
@then("I see the row:")
def rows(person, datatable):
    """In a table with these columns each of these rows, cell by cell; other rows and columns may be there.

    `...` in a cell stands for anything.
    """
    names, *wanted = datatable
    found = [shown for _, rows in tables_on(person.said.out) for shown in rows if names[0] in shown]
    cells = [[shown.get(name, "") for name in names] for shown in found]  # empty columns are not shown
    for row in wanted:
        said = ", ".join(f"{name} {cell}".strip() for name, cell in zip(names, row, strict=True))
        person.expects(any(all(map(_is, cell, row)) for cell in cells), f"a row with {said}")


def _is(cell, wanted):
    """Whether a cell is as wanted, from its first to its last character."""
    return bool(re.fullmatch(re.escape(wanted).replace(r"\.\.\.", ".*"), cell))


# ---------------------------------------------------------------- answers


@then(parsers.parse("the answer has {count:d} rows"))
@then(parsers.parse("the answer has {count:d} row"))
def counted(person, count):
    person.expects(len(person.rows) == count, f"{count} rows, not {len(person.rows)}")


@then("every row says:")
def every_row(person, datatable):
    person.expects(person.rows, "at least one row")
    for column, value in datatable:
        found = {str(row.get(column)) for row in person.rows}
        person.expects(found == {value}, f"{column} is {value} in every row, not {', '.join(sorted(found))}")


@then(parsers.parse("the column {column} holds the records as the API sent them"))
def as_sent(person, council, column):
    sent = {record["id"]: record for record in council.data.records(column)}
    for row in person.rows:
        record = json.loads(row[column] or "{}")
        person.expects(record and record == sent.get(record["id"]), "each record as the API has it")


@then(parsers.parse("every column of the vendor's is text"))
def all_text(person):
    found = {column for row in person.rows for column, value in row.items() if not isinstance(value, str | None)}
    person.expects({"id", "last_updated"} <= set(person.rows[0]), "the vendor's columns")
    person.expects(found <= OWN, f"nothing but text in {', '.join(sorted(found - OWN))}")


@then(parsers.parse("{table} has its columns with the types of the vendor's documentation"))
def documented_types(person, table):
    """As `planlake tables TABLE --json` lists them."""
    shown = {row["column"]: row["type"] for row in json.loads(person.said.out)}
    wanted = {column: SHOWN.get(kind, kind) for column, kind in FIELDS[table].items()}
    wrong = [f"{column} {kind}" for column, kind in wanted.items() if shown.get(column) != kind]
    person.expects(not wrong, f"the types documented: {', '.join(wrong)}")


@then("the columns are:")
def columns(person, datatable):
    """Some of the columns of `planlake tables TABLE --json`, in this order, each with its type."""
    shown = [[row["column"], row["type"]] for row in json.loads(person.said.out)]
    wanted = [list(row) for row in datatable]
    person.expects([row for row in shown if row in wanted] == wanted, f"the columns {wanted}")


@then("the last columns are:")
def last_columns(person, datatable):
    shown = [[row["column"], row["type"]] for row in json.loads(person.said.out)]
    wanted = [list(row) for row in datatable]
    person.expects(shown[-len(wanted) :] == wanted, f"{wanted} at the end")


# ---------------------------------------------------------------- everybody else


@then(parsers.parse("everybody else still sees {count:d} rows in {table}"))
def others(person, count, table):
    person.ask(f"select count(*) as n from {table}")
    person.expects(person.rows == [{"n": count}], f"{count} rows in {table}")


@then(parsers.parse("everybody else still sees as many rows in {table} as the API has"))
def as_many(person, council, table):
    others(person, council.data.count(table), table)


@then(parsers.parse("everybody else still sees {count:d} row fewer in {table} than the API has"))
def fewer(person, council, count, table):
    person.ask(f"select count(*) as n from {table}")
    wanted = council.data.count(table) - count
    person.expects(person.rows == [{"n": wanted}], f"{count} row fewer in {table} than the API has")


@then(parsers.parse("everybody else sees nothing of {table}"))
def hidden(person, table):
    person.type("planlake tables")
    shown = [row["table"] for _, rows in tables_on(person.said.out) for row in rows]
    person.expects("fees" in shown, "the tables that everybody has")
    found = [name for name in shown if name == table or name.endswith(f"_{table}")]
    person.expects(not found, f"no {table} outside the preview, and not {', '.join(found)}")


@then("planlake.yaml has changed in nothing but:")
def few_lines(person, docstring):
    new = [line.strip() for line in person.file.read_text().splitlines() if line not in person.before.splitlines()]
    person.expects(new == docstring.splitlines(), f"these lines alone to be new:\n{docstring}\nand not {new}")


@then("planlake.yaml is as it was")
def same_file(person):
    person.expects(person.file.read_text() == person.before, "no change of planlake.yaml")


@then("the API was not asked once more")
def not_asked(person, council):
    asked = [f"{request.path} {request.query}" for request in council.simulator.requests]
    person.expects(not asked, f"no request to the API, not {', '.join(asked)}")
