"""`planlake diagram`: which tables, which columns, which relations, and where the picture goes."""

import json

import pytest

CONFIGURATION = """\
tables:
  daily: [applications, appeals, fees]
  weekly: [wards]
"""


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "planlake.yaml"
    made.write_text(CONFIGURATION, encoding="utf-8")
    return made


@pytest.fixture
def drawn(typed, file):
    """The diagram as records."""

    def found(*arguments):
        said = typed("diagram", *arguments, "--json", "--config", file)
        assert said.status == 0, said.err
        return json.loads(said.out)

    return found


def tables(found):
    return [one["table"] for one in found["entities"]]


def pairs(found):
    return {(one["table"], one["column"], one["target"]) for one in found["relations"]}


def test_all_configured_tables_are_drawn_with_the_relations_between_them(drawn, file):
    found = drawn()
    assert tables(found) == ["appeals", "applications", "fees", "wards"]
    assert pairs(found) == {
        ("appeals", "application_id", "applications"),
        ("appeals", "ward_id", "wards"),
        ("applications", "ward_id", "wards"),
        ("fees", "appeal_id", "appeals"),
        ("fees", "application_id", "applications"),
    }
    assert not (file.parent / "lake").exists()


def test_a_named_table_is_drawn_with_what_it_leads_to_and_what_leads_to_it(drawn):
    found = drawn("fees")
    assert tables(found) == ["appeals", "applications", "enforcements", "fee_types", "fees"]
    assert {one["table"] for one in found["relations"]} == {"fees"}
    assert ("applications", "ward_id", "wards") in pairs(drawn("wards"))
    assert "applications" in tables(drawn("wards"))


def test_every_resource_of_the_catalogue_is_drawn_when_asked_for(drawn):
    assert len(drawn("--known")["entities"]) == 73


def test_guesses_are_drawn_only_when_asked_for(drawn):
    assert all(not one["is_guessed"] for one in drawn()["relations"])
    found = drawn("fees", "--guessed")
    assert "users" in tables(found)
    assert {one["column"] for one in found["relations"] if one["is_guessed"] and one["target"] == "users"} == {
        "creation_user_id",
        "last_updated_by",
    }


def columns_of(found, table):
    entity = next(one for one in found["entities"] if one["table"] == table)
    return [one["name"] for one in entity["columns"]], entity["more"]


def test_a_table_of_751_columns_shows_its_key_and_relations_or_more_when_told(drawn):
    assert columns_of(drawn(), "applications") == (["id", "ward_id"], 749)
    typed, more = columns_of(drawn("--columns", "typed"), "applications")
    assert (len(typed) + more, typed[:2]) == (751, ["id", "ward_id"])
    assert 400 < len(typed) < 500
    every, more = columns_of(drawn("--columns", "all"), "applications")
    assert (len(set(every)), len(every), more) == (751, 751, 0)


def test_columns_that_only_the_lake_knows_are_among_all(typed, lake):
    said = typed("diagram", "contacts", "--columns", "all", "--json", "--config", lake)
    names, _ = columns_of(json.loads(said.out), "contacts")
    declared, _ = columns_of(
        json.loads(typed("diagram", "contacts", "--columns", "typed", "--json", "--config", lake).out), "contacts"
    )
    described = typed("tables", "current_contacts", "--json", "--config", lake)
    stored = [one["column"] for one in json.loads(described.out)]
    assert set(declared) < set(names)
    assert set(stored) - set(names) == set(stored[stored.index("page_number") :])


@pytest.mark.parametrize(
    ("out", "start"), [("a.mmd", "erDiagram\n"), ("a.dbml", "Table "), ("a.txt", "erDiagram\n")], ids=str
)
def test_the_ending_of_the_file_names_the_format(typed, file, out, start):
    said = typed("diagram", "--out", file.parent / out, "--config", file)
    assert (said.status, said.out, said.err) == (0, "", "4 tables, 5 relations\n")
    assert (file.parent / out).read_text().startswith(start)


@pytest.mark.parametrize("out", ["a.png", "a.PDF", "a.drawio"])
def test_a_file_whose_ending_names_another_format_is_refused_unless_the_format_is_named(typed, file, out):
    place = file.parent / out
    said = typed("diagram", "--out", place, "--config", file)
    ending = place.suffix.lower()
    assert (said.status, said.errors) == (2, [f"Error: a diagram cannot be written as {ending} (out={place})"])
    assert "FILE.svg, FILE.dbml or FILE.mmd" in said.err
    assert not place.exists()
    assert typed("diagram", "--out", place, "--format", "dbml", "--config", file).status == 0
    assert place.read_text().startswith("Table ")


@pytest.mark.parametrize("form", ["mermaid", "dbml"])
def test_only_an_earlier_diagram_is_written_over(typed, file, form):
    command = ("diagram", "--format", form, "--config", file, "--out")
    others = {"README.md": b"# About us\n", "catalog.db": b"SQLite format 3\0", "data.bin": b"\xff\xfe"}
    for name, content in {**others, file.name: file.read_bytes()}.items():
        place = file.parent / name
        place.write_bytes(content)
        said = typed(*command, place)
        assert (said.status, said.errors) == (2, [f"Error: {place} is not an earlier diagram in {form}"])
        assert place.read_bytes() == content
    place = file.parent / "own.txt"
    place.touch()
    assert [typed(*command, place).status for _ in range(2)] == [0, 0]
    assert [typed(*command, "/dev/null").status, typed(*command, file.parent / ("n" * 300)).status] == [0, 2]


def test_without_a_file_the_text_alone_is_on_standard_output(typed, file):
    said = typed("diagram", "--format", "dbml", "--config", file)
    assert said.out.startswith('Table "appeals" {\n  "id" integer [pk]\n')


def test_svg_is_drawn_by_graphviz(typed, file, tmp_path, monkeypatch):
    program = tmp_path / "bin/dot"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "<svg $*>"\ncat\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    said = typed("diagram", "--out", tmp_path / "a.svg", "--config", file)
    assert said.status == 0
    text = (tmp_path / "a.svg").read_text()
    assert text.startswith("<svg -Tsvg>\ndigraph planlake {")
    program.write_text("#!/bin/sh\ncat > /dev/null; echo 'syntax error' >&2; exit 1\n")
    failed = typed("diagram", "--format", "svg", "--config", file)
    assert (failed.status, failed.out, failed.errors) == (2, "", ["Error: Graphviz failed: syntax error"])


def test_without_graphviz_svg_is_refused_with_what_to_do(typed, file, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    said = typed("diagram", "--format", "svg", "--config", file)
    assert (said.status, said.out) == (2, "")
    assert said.errors == ["Error: SVG needs Graphviz: there is no program dot"]
    assert "mermaid" in said.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["fess"], "did you mean fees", id="a table"),
        pytest.param(["--format", "mermaids"], "did you mean mermaid", id="a format"),
        pytest.param(["--columns", "type"], "did you mean typed", id="columns"),
        pytest.param(["--out", "absent/a.mmd"], "cannot be written", id="a folder"),
        pytest.param(["--env", "locl"], "did you mean local", id="an environment"),
    ],
)
def test_what_is_misspelt_is_refused(typed, file, arguments, message):
    said = typed("diagram", *arguments, "--config", file)
    assert (said.status, said.out) == (2, "")
    assert message in said.err


@pytest.mark.parametrize("more", [(), ("--format", "svg")])
def test_a_diagram_into_a_folder_is_refused_with_what_to_do(typed, lake, tmp_path, more):
    said = typed("diagram", "--out", tmp_path, *more, "--config", lake)
    assert (said.status, "is a folder" in said.err, "tables.svg" in said.err) == (2, True, True)
