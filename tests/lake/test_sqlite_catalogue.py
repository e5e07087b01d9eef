"""Our way of asking an SQLite catalogue answers and refuses as pyiceberg's own does on the same file."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchNamespaceError, NoSuchTableError
from sqlalchemy.exc import DatabaseError

from planlake.lake.sqlite_catalogue import SqliteCatalogue
from planlake.lake.tables.columns import schema_of

DATABASES = ("tascomi-raw-zone", "a_b", "of%all", "above.below", "x_y.below")
ASKED = (*DATABASES, "above", "x_y", "xzy", "aXb", "of all", "TASCOMI-RAW-ZONE", "nowhere", "with_nothing")
OLDER = "alter table iceberg_tables drop column iceberg_type"
A_VIEW = "insert into iceberg_tables values ('planlake', 'a_b', 'seen', 'x.json', null, 'VIEW')"
ANOTHERS = "update iceberg_tables set catalog_name = 'another' where table_namespace = 'of%all'"
UNLISTED = "delete from iceberg_namespace_properties where namespace = 'x_y.below'"
UNTYPED = "update iceberg_tables set iceberg_type = null where table_namespace = 'a_b'"


@pytest.fixture
def place(tmp_path):
    return {"uri": f"sqlite:///{tmp_path}/catalog.db", "warehouse": str(tmp_path)}


def ours(place):
    return SqliteCatalogue("planlake", Path(place["uri"].removeprefix("sqlite:///")), warehouse=place["warehouse"])


@pytest.fixture
def own(place):
    """A catalogue with a table in each database."""
    made = ours(place)
    for database in DATABASES:
        made.create_namespace(database)
        made.create_table(f"{database}.things", schema_of({"id": "integer"}))
    made.create_namespace("with_nothing.below")
    return made


def changed(place, statement):
    with closing(sqlite3.connect(place["uri"].removeprefix("sqlite:///"))) as file:
        file.execute(statement)
        file.commit()


def answers(catalogue):
    """What a catalogue says to every question, errors as their names."""

    def asked(question, *names):
        try:
            return question(*names)
        except (NoSuchTableError, NoSuchNamespaceError) as error:
            return type(error).__name__, str(error)

    told = {"": (True, sorted(catalogue.list_namespaces()))}
    for database in ASKED:
        told[database, "within"] = asked(lambda: sorted(catalogue.list_namespaces(database)))  # noqa: B023 - asked now
        told[database] = asked(catalogue.namespace_exists, database), asked(catalogue.list_tables, database)
        for table in ("things", "THINGS", "seen", "nothing"):
            told[database, table] = asked(lambda one: catalogue.load_table(one).metadata, (*database.split("."), table))
    return told


@pytest.mark.parametrize(
    "statement",
    [A_VIEW, ANOTHERS, UNTYPED, UNLISTED, OLDER],
    ids=["view", "other", "untyped", "unlisted", "older"],
)
def test_what_is_asked_is_answered_as_by_pyiceberg(place, own, statement):
    changed(place, statement)
    found = answers(ours(place))
    assert found == answers(SqlCatalog("planlake", **place))
    assert sum(exists for exists, _ in (found[database] for database in ASKED)) >= 5


def test_a_commit_is_read_by_pyiceberg_and_one_that_changes_nothing_writes_nothing(place, own):
    table = own.load_table("a_b.things")
    before = table.metadata_location
    with table.transaction() as transaction:
        transaction.set_properties(said="once")
    assert own.commit_table(table, (), ()).metadata_location == table.metadata_location
    read = SqlCatalog("planlake", **place).load_table("a_b.things")
    assert (read.properties["said"], read.metadata_location) == ("once", table.metadata_location)
    assert [entry.metadata_file for entry in read.metadata.metadata_log] == [before]


def test_a_commit_that_another_one_has_overtaken_is_refused_and_leaves_that_one(place, own, monkeypatch):
    table, other = own.load_table("a_b.things"), SqlCatalog("planlake", **place).load_table("a_b.things")
    written = SqliteCatalogue._write_metadata

    def overtaken(*values):
        monkeypatch.setattr(SqliteCatalogue, "_write_metadata", staticmethod(written))
        with other.transaction() as transaction:
            transaction.set_properties(said="first")
        written(*values)

    monkeypatch.setattr(SqliteCatalogue, "_write_metadata", staticmethod(overtaken))
    with pytest.raises(CommitFailedException, match=r"a_b\.things"), table.transaction() as transaction:
        transaction.set_properties(said="second")
    assert own.load_table("a_b.things").properties["said"] == "first"


def test_a_commit_reads_no_metadata_that_its_table_was_loaded_with(own, monkeypatch):
    table = own.load_table("a_b.things")
    monkeypatch.setattr("pyiceberg.serializers.FromInputFile.table_metadata", None)
    with table.transaction() as transaction:
        transaction.set_properties(said="once")
    assert table.properties["said"] == "once"


def test_a_commit_on_a_table_loaded_before_another_one_keeps_what_that_one_said(own):
    before, table = own.load_table("a_b.things"), own.load_table("a_b.things")
    with table.transaction() as transaction:
        transaction.set_properties(first="1")
    with before.transaction() as transaction:
        transaction.set_properties(second="2")
    found = own.load_table("a_b.things").properties
    assert (found["first"], found["second"]) == ("1", "2")


def test_a_table_that_was_dropped_meanwhile_is_not_made_again_by_a_commit(place, own):
    table = own.load_table("a_b.things")
    own.drop_table("a_b.things")
    with pytest.raises(CommitFailedException), table.transaction() as transaction:
        transaction.set_properties(said="too late")
    assert own.list_tables("a_b") == []


def test_a_table_that_is_made_by_its_first_commit_is_made(place, own):
    with own.create_table_transaction("a_b.others", schema_of({"id": "integer"})) as transaction:
        transaction.set_properties(said="at once")
    assert SqlCatalog("planlake", **place).load_table("a_b.others").properties["said"] == "at once"


def test_a_file_that_is_no_catalogue_is_not_taken_for_an_empty_one(place):
    file = place["uri"].removeprefix("sqlite:///")
    Path(file).write_text("not a database " * 100, encoding="utf-8")
    with pytest.raises(DatabaseError, match="not a database"):
        ours(place)


def test_a_catalogue_that_is_there_is_read_and_committed_to_without_sqlalchemy(place, own):
    file = place["uri"].removeprefix("sqlite:///")
    program = f"""
import sys
from pathlib import Path
from planlake.lake.sqlite_catalogue import SqliteCatalogue
catalogue = SqliteCatalogue("planlake", Path({file!r}), warehouse={place["warehouse"]!r})
with catalogue.load_table("a_b.things").transaction() as transaction:
    transaction.set_properties(said="once")
print(len(catalogue.list_tables("a_b")), len(catalogue.locations()), "sqlalchemy" in sys.modules)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert (said.stdout, own.load_table("a_b.things").properties["said"]) == (f"1 {len(DATABASES)} False\n", "once")
