"""What is given and what is done: commands, questions, the configuration, and what the vendor does meanwhile."""

import json
import shlex

from pytest_bdd import given, parsers, when

from documenting import FIELDS, VALUES, documented, save
from planlake.simulator.faults import Rule


def names(text):
    """The tables of a list such as `a, b and c`."""
    return text.replace('"', "").replace(" and ", ", ").split(", ")


# ---------------------------------------------------------------- given


@given("a council whose tables are loaded every night")
def loaded(council):
    """It is what every feature begins with."""


@given(parsers.re("(?P<tables>.+) (is|are) in the configuration"))
def configured(person, tables):
    person.type_well(f"planlake add {' '.join(names(tables))}")


@given(parsers.re(r"the preview (?P<preview>\S+)"))
def previewed(person, preview):
    if person.once(preview):
        person.type_well("planlake env list --json")
        if preview not in [one["name"] for one in json.loads(person.said.out)]:
            person.type_well(f"planlake env create {preview}")


@given(parsers.re("(?P<tables>.+) (was|were) brought into (?P<preview>.+) as far as (?P<step>.+)"))
def brought(person, tables, preview, step):
    """Every step up to this one, for tables that were not brought so far yet."""
    previewed(person, preview)
    for each in ("ingest", "refine")[: 1 + (step == "refine")]:
        new = [table for table in names(tables) if person.once(f"{preview} {table} {each}")]
        if new:
            person.type_well(f"planlake run --env {preview} --step {each} {' '.join(new)}")


@given(parsers.re("(?P<tables>.+) (was|were) tried in (?P<preview>.+)"))
def tried(person, tables, preview):
    """All the steps in a preview."""
    previewed(person, preview)
    new = [table for table in names(tables) if person.once(f"{preview} {table}")]
    if new:
        person.type_well(f"planlake run --env {preview} {' '.join(new)}")


@given(parsers.re("(?P<tables>.+) (was|were) promoted from (?P<preview>.+)"))
def promoted(person, tables, preview):
    configured(person, tables)
    tried(person, tables, preview)
    if person.once(f"promote {preview}"):
        person.type_well(f"planlake env promote {preview} --yes")


# ---------------------------------------------------------------- when


@when(parsers.parse("I type: {line}"))
def typed(person, line):
    person.type(line)


@when("I ask:")
def asked(person, docstring):
    person.ask(docstring)


@when(parsers.parse("I ask in {preview}:"))
def asked_in(person, preview, docstring):
    person.ask(docstring, "--env", preview)


@given("I write into planlake.yaml:")
def written(person, docstring):
    """For this scenario; afterwards the file is as it was."""
    before = person.file.read_text()
    person.file.write_text(f"{before}\n{docstring}\n")
    yield
    person.file.write_text(before)


@given(parsers.parse("it is {moment} o'clock"))
@when(parsers.parse("it is {moment} o'clock"))
def waited(person, moment):
    person.waits_until(f"{moment.replace(' ', 'T')}:00")


# ---------------------------------------------------------------- what the vendor does


@given(parsers.parse('the vendor sends the attribute "{column}" with every record of {table}'))
@when(parsers.parse('the vendor sends the attribute "{column}" with every record of {table}'))
def sends(council, column, table):
    for record in council.data.records(table):
        council.data.put(table, {**record, column: "of the vendor's"})


@given(parsers.parse("the vendor adds record {number:d} to {table}"))
@when(parsers.parse("the vendor adds record {number:d} to {table}"))
def adds(council, number, table):
    council.data.put(table, usual(council, table, number))


@given(parsers.parse('the vendor writes "{value}" into {column} of {count:d} records of {table}'))
@when(parsers.parse('the vendor writes "{value}" into {column} of {count:d} records of {table}'))
def writes(council, value, column, count, table):
    """Into records 101 and on, which are new at first."""
    for number in range(101, 101 + count):
        council.data.put(table, {**usual(council, table, number), column: value})


@given(parsers.parse("the vendor leaves {column} of {count:d} records of {table} empty"))
def leaves_empty(council, column, count, table):
    writes(council, "", column, count, table)


@given(parsers.parse("the vendor sends record {number:d} of {table} as {text}"))
def sends_as(council, number, table, text):
    council.data.put(table, usual(council, table, number), body=text.encode())


@given(parsers.parse("the API fails whenever it is asked for {table}"))
def fails(council, table):
    council.fail(Rule(resource=table, status=503, times=None))


@when("the API works again")
def works(council):
    council.fail()


@given("the vendor's page says:", target_fixture="page")
def page(council, datatable):
    """Each row: what changes, the resource, the column, the type."""
    sections = documented()
    for what, resource, column, kind in datatable[1:]:
        if what == "gone":
            del sections[resource][column]
        else:
            sections.setdefault(resource, {})[column] = kind
    return save(sections, council.config.folder / "documentation.html")


@when("I have the vendor's page compared")
def compared(person, page):
    person.type(f"planlake drift --docs {shlex.quote(page.name)}")


@when("I have it compared and the differences taken over")
def taken_over(person, page):
    person.type(f"planlake drift --docs {shlex.quote(page.name)} --write")


@given("the number of requests the API has answered is noted")
@when("the number of requests the API has answered is noted")
def counted(council):
    council.simulator.requests.clear()


def usual(council, table, number):
    """A record of today with a usual value in every column."""
    at = council.data.now.replace(hour=9).isoformat(" ", "seconds")
    values = {column: VALUES[kind] for column, kind in FIELDS[table].items()}
    return {**values, "id": str(number), "last_updated": at}
