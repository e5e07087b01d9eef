"""Tables and keys of odd names through every command: nothing fails, and all is shown, taken back, forgotten."""

import json

import pytest

from commands import typed_in_process
from conftest import feeding
from flow.refine.naming import DAY_1, DAY_2, Sent, catalogue_text, columns_of, data_of, put, settings_of
from planlake.config import load_config
from planlake.sources.catalogue import catalogue_of

DAY_3, DAY_4 = "2026-11-19T03:00:00", "2026-11-20T03:00:00"
OTHERS = {
    'say "x"': ("text", False),
    "officer's": (None, False),
    "a.b": ("integer", False),
    "a": (None, False),
    "batch": ("integer", False),
    "Receipt": (None, False),
    "receipt": ("text", True),
    "": (None, False),
    "a\nb": ("double", False),
    "caf\u00e9": (None, False),
    "cafe\u0301": (None, True),
    "planlake_id_range": (None, True),
    "order": ("text", False),
    "n" * 300: (None, False),
    "\U0001f333": ("integer", False),
    "*": (None, False),
    "ID": (None, False),
    "\\": (None, False),
    "%s": ("text", False),
}
KEYS = {"select": 'say "x"', "main": "a.b", "0-won": "\U0001f333's \\ $.id[0]"}
ALL_MAY_GO = "settings: {dropped_rows_percent: 100, deletion_limit_percent: 100}\n"
TABLES = [
    Sent(name, key, {other: said for other, said in OTHERS.items() if other != key}) for name, key in KEYS.items()
]


def quoted(*names):
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


@pytest.fixture(scope="module")
def feed(tmp_path_factory):
    """Every table with a record of the first day and one of the second."""
    folder = tmp_path_factory.mktemp("everywhere")
    (folder / "names.toml").write_text(catalogue_text(TABLES), encoding="utf-8")
    with feeding(data_of(TABLES), folder, settings_of(TABLES) + ALL_MAY_GO) as made:
        assert made.run_at(DAY_1).exit_code == 0
        change(made, 2, "2026-11-17 09:00:00")
        assert made.run_at(DAY_2).exit_code == 0
        yield made


@pytest.fixture
def typed(feed, monkeypatch, capfd):
    """Run a command on this lake in this process, which must end well."""

    def said(*arguments, status=0):
        found = typed_in_process(monkeypatch, capfd, [*arguments, "--config", feed.config.folder / "planlake.yaml"])
        assert found.status == status, (arguments, found.everything)
        return found

    return said


def change(feed, identity, changed):
    for one in TABLES:
        put(feed.data, one, identity, changed, is_late=True)


def ids(feed, environment=None):
    """The ids that each table shows."""
    rows = {one.name: feed.rows(f"select * from {quoted(one.name)}", environment=environment) for one in TABLES}
    for one in TABLES:
        for row in rows[one.name]:
            columns_of(one, row, identity=row[one.key], is_late=row[one.key] > 1)
    return {name: sorted(row[KEYS[name]] for row in found) for name, found in rows.items()}


def every(*identities):
    return {one.name: list(identities) for one in TABLES}


def test_what_only_reads_ends_well(feed, typed, tmp_path):
    for command in ("plan", "status", "check", "runs", "advise", "doctor"):
        typed(command)
    assert {one["table"] for one in json.loads(typed("tables", "--json").out)} >= KEYS.keys()
    for one in TABLES:
        typed("tables", one.name)
        for form in ("csv", "json", "table"):
            typed("sql", f"select * from {quoted(one.name)}", "--format", form)
    for form in ("mermaid", "dbml"):
        drawn = typed("diagram", "--columns", "all", "--format", form).out
        assert all(name in drawn for name in KEYS)
    typed("diagram", "--columns", "all", "--out", tmp_path / "all.md")
    typed("export", "--out", tmp_path / "all.duckdb", *(f"history_{one.name}" for one in TABLES), *KEYS)


def test_a_preview_a_rollback_and_a_rebuild_end_well(feed, typed):
    typed("env", "create", "Preview-1")
    change(feed, 3, "2026-11-18 09:00:00")
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAY_3)
    typed("run", "--env", "Preview-1")
    assert (ids(feed), ids(feed, "Preview-1")) == (every(1, 2), every(1, 2, 3))
    assert {one["added"] for one in json.loads(typed("env", "diff", "Preview-1", "--json").out)} == {1}
    typed("env", "promote", "Preview-1", "--yes")
    assert ids(feed) == every(1, 2, 3)
    typed("rollback", "--to", "2026-11-18", "--yes")
    assert ids(feed) == every(1, 2)
    typed("undo", "--yes")
    typed("rebuild", *KEYS)
    typed("recast")
    typed("maintain")
    assert ids(feed) == every(1, 2, 3)


def test_every_record_is_equal_to_the_apis_and_what_is_gone_is_believed(feed, typed):
    typed("reconcile", "--deep")
    for one in TABLES:
        feed.data.delete(one.name, 2)
    typed("reconcile", status=1)
    typed("run", "--full")
    assert ids(feed) == every(1, 3)


def test_a_record_is_forgotten_with_every_value(feed, typed):
    for one in TABLES[1:]:
        typed("forget", one.name, "1", "--yes")
    assert ids(feed) == {**every(3), TABLES[0].name: [1, 3]}
    for one in TABLES[1:]:
        received = feed.rows(f"select * from {quoted('names-raw-zone', f'api_response_{one.name}')}")
        assert not [row for row in received if f'"{one.key}":"1"' in str(row[one.name])]


def test_what_the_page_says_is_taken_over(feed, typed, tmp_path):
    rows = "".join(
        f"<tr><td>{name}</td><td>integer</td></tr>" for name in ("batch", "import_date", "Receipt", "snapshot_day")
    )
    page = "".join(
        f"<h3>{one.name}</h3><table><tr><th>Field</th><th>Type</th></tr>"
        f"<tr><td>{one.key}</td><td>integer</td></tr>{rows}</table>"
        for one in TABLES
    )
    (tmp_path / "page.html").write_text(
        f"<html><body>{page}<h3>Runs</h3><table><tr><th>Field</th><th>Type</th></tr>"
        "<tr><td>id</td><td>integer</td></tr></table></body></html>",
        encoding="utf-8",
    )
    typed("drift", "--docs", tmp_path / "page.html", "--write", status=1)
    added = catalogue_of(load_config(feed.config.folder / "planlake.yaml")).resource("the_runs")
    assert (added.address, added.columns) == ("Runs", {"id": "integer"})
    left = typed("drift", "--docs", tmp_path / "page.html", "--json", status=1).out
    assert "Runs" not in left
    typed("plan")
    change(feed, 4, "2026-11-19 09:00:00")
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAY_4)
    typed("run")
