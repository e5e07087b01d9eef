"""What a model says of its table and columns is shown and exported like the catalogue's meanings."""

import json

import duckdb

from conftest import feeding
from flow.ingest.served import DAY_1, PATIENCE, TWO_KINDS, two_kinds

SETTINGS = f"{TWO_KINDS}settings: {{{PATIENCE}}}\n"
MODEL = (
    "-- Everybody.\n--\n-- columns:\n--   label: the name in capitals\nselect id, name as label from refined.numbered\n"
)
VIEW = "-- How many.\n--\n-- kind: view\n-- columns:\n--   n: all of them\nselect count(*) as n from trusted.people\n"


def test_tables_exports_and_sources_of_dbt_say_what_models_say(typed, tmp_path):
    with feeding(two_kinds(20), tmp_path, SETTINGS) as feed:
        (tmp_path / "models").mkdir()
        (tmp_path / "models/people.sql").write_text(MODEL)
        (tmp_path / "models/counted.sql").write_text(VIEW)
        assert feed.run_at(DAY_1).exit_code == 0
    file, out, sources = (tmp_path / name for name in ("planlake.yaml", "planning.duckdb", "sources.yml"))
    for name in ("people", "tascomi-trusted-zone.people"):
        rows = {one["column"]: one for one in json.loads(typed("tables", name, "--json", "--config", file).out)}
        assert (rows["label"]["meaning"], rows["label"]["source"]) == ("the name in capitals", "people.sql")
    said = typed("export", "people", "counted", "--out", out, "--dbt-sources", sources, "--config", file)
    assert (said.status, said.errors) == (0, [])
    with duckdb.connect(str(out), read_only=True) as connection:
        query = "select column_name, comment from duckdb_columns() where comment is not null order by all"
        assert connection.execute(query).fetchall() == [("label", "the name in capitals"), ("n", "all of them")]
    text = sources.read_text()
    assert 'name: "people"\n        description: "Everybody."' in text
    assert 'description: "the name in capitals"' in text
    assert "name: tascomi_trusted" in text


def test_a_trusted_table_that_shares_its_name_with_a_refined_one_is_named_with_its_database(typed, tmp_path):
    with feeding(two_kinds(20), tmp_path, SETTINGS) as feed:
        (tmp_path / "models").mkdir()
        (tmp_path / "models/numbered.sql").write_text(MODEL)
        assert feed.run_at(DAY_1).exit_code == 0
    file, out, sources = (tmp_path / name for name in ("planlake.yaml", "one.duckdb", "sources.yml"))
    (row,) = (
        one
        for one in json.loads(typed("tables", "trusted.numbered", "--json", "--config", file).out)
        if one["column"] == "label"
    )
    assert row["meaning"] == "the name in capitals"
    for named, tables in (
        (["trusted.numbered"], {"numbered": 2}),
        (["tascomi-trusted-zone.numbered"], {"numbered": 2}),
        (["numbered", "trusted.numbered"], {"numbered": None, "trusted_numbered": 2}),
    ):
        said = typed("export", *named, "--out", out, "--dbt-sources", sources, "--force", "--config", file)
        assert (said.status, said.errors) == (0, [])
        with duckdb.connect(str(out), read_only=True) as connection:
            found = {
                name: (columns, about)
                for name, columns, about in connection.execute(
                    "select table_name, column_count, comment from duckdb_tables()"
                ).fetchall()
                if name != "planlake_export"
            }
        assert found.keys() == tables.keys()
        assert all(found[name] == (columns, "Everybody.") for name, columns in tables.items() if columns)
        assert 'name: "numbered"\n        description: "Everybody."' in sources.read_text()
    assert sources.read_text().count('name: "numbered"') == 2
    said = typed("export", "trusted.nowhere", "--out", out, "--force", "--config", file)
    assert (said.status, 'no table is called "nowhere"' in said.err) == (2, True)
