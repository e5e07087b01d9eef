"""The catalogue and what a table's page says of its columns: counted as plain Python counts, nothing of any person."""

import json
import re
from collections import Counter
from datetime import datetime

import pytest

from conftest import feeding
from planlake.config import Config
from planlake.engines.duckdb.connection import connected_to_read
from planlake.report.pages.figures import columns as counting
from planlake.report.pages.figures.catalogue import catalogue, search_index
from planlake.report.pages.figures.columns import profile_of, values_shown
from planlake.report.pages.figures.described import column_lines, described_tables
from planlake.report.pages.figures.kept import Kept
from planlake.report.pages.figures.lake_facts import open_facts
from planlake.report.pages.render import search_script
from planlake.report.pages.write import write_report
from planlake.simulator.choose import dataset
from planlake.sources.catalogue import catalogue_of, load_catalogue
from planlake.sources.meanings import codes_of

NOW = "2026-11-17T03:00:00"
SETTINGS = """\
source: tascomi
tables: {daily: [applications, fees, contacts], weekly: [decision_types]}
environments:
  local: {catalog: {type: sql, uri: "sqlite:///lake/catalog.db"}, warehouse: lake/}
"""
SCRIPT = '"><script>document.title="x"</script>'
MODEL = """\
-- Fees by kind of application.
--
-- columns:
--   fee: Number of the fee
select id as fee from refined.fees
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    sizes = {"applications": 40, "fees": 60, "contacts": 30}
    data = dataset("tascomi", now=datetime.fromisoformat(NOW), sizes=sizes)
    data.keeps_all = True
    for identity in data.ids("decision_types"):  # as the API sends an apostrophe
        kind = data.record("decision_types", identity)
        data.put("decision_types", {**kind, "name": f"Officer&#39;s {kind['name']}"})
    for identity in data.ids("fees")[:10]:  # said ten times, so often enough to be shown
        data.put("fees", {**data.record("fees", identity), "notes": "Planted", SCRIPT: "Planted", "fee_type_id": "777"})
    for identity in data.ids("fees")[10:14]:  # four times, which is too few
        data.put("fees", {**data.record("fees", identity), "fee_type_id": "778"})
    for identity in data.ids("contacts"):
        data.put("contacts", {**data.record("contacts", identity), "title_id": "555", "town": "Planted"})
    for identity in data.ids("applications")[:9]:
        new = {"site_address_x": "Planted", "brief_description_of_development": "Planted", "applicant_id": "998877"}
        data.put("applications", {**data.record("applications", identity), **new})
    folder = tmp_path_factory.mktemp("loaded")
    (folder / "models").mkdir()
    (folder / "models/fees_of.sql").write_text(MODEL)
    (folder / "models/fees_again.sql").write_text("-- Fees again.\nselect fee from trusted.fees_of")
    with feeding(data, folder, SETTINGS) as feed:
        feed.run_at(NOW)
        yield feed, feed.remembered()


@pytest.fixture
def lines(feed):
    """The lines of the columns of a table, by name."""

    def of(table):
        with open_facts(feed.config) as facts:
            return {one.name: one for one in column_lines(facts, catalogue_of(feed.config).resource(table))}

    return of


def test_the_share_filled_is_what_plain_python_counts(feed, lines):
    for table in ("applications", "fees"):
        records, found = feed.data.records(table), lines(table)
        kinds = load_catalogue("tascomi").resources[table].columns
        odd = {one["column"] for one in feed.rows(f"select * from uncastable where resource = '{table}'")}
        plain = [name for name in found if kinds.get(name) in ("text", "integer", "boolean") and name not in odd]
        said = {name: found[name].filled for name in plain}
        assert said == {name: sum(bool(one.get(name)) for one in records) / len(records) for name in said}
    assert len(said) > 15


def test_most_common_codes_are_what_plain_python_counts_with_what_they_stand_for(feed, lines):
    records, found = feed.data.records("applications"), lines("applications")
    counts = Counter(one["application_stage"] for one in records if one["application_stage"])
    expected = sorted(((value, n) for value, n in counts.items() if n >= 5), key=lambda one: (-one[1], one[0]))[:3]
    stage = found["application_stage"]
    assert [(one.value, round(one.share * sum(counts.values()))) for one in stage.common] == expected
    assert {one.label for one in stage.common} <= {
        "RECEIPT/RECEIVED",
        "DECISION ISSUED",
        "UNDER APPEAL",
        "VALID/COMPLETE",
    }
    truth = found["advertised_in_press"]
    assert {one.value for one in truth.common} <= {"true", "false"}
    assert sum(one.share for one in truth.common) <= 1


def test_codes_of_another_table_have_its_names(feed, lines, monkeypatch):
    monkeypatch.setattr(counting, "LEAST_ROWS", 1)
    names = {one["id"]: one["name"] for one in feed.data.records("decision_types")}
    common = lines("applications")["decision_type_id"].common
    assert common
    assert all(one.label == names[one.value].replace("&#39;", "'") for one in common)


@pytest.mark.parametrize("files", ["data/**/*.parquet", "metadata/*.json"])
def test_codes_of_a_damaged_table_have_no_names_and_every_page_is_there(feed, lines, monkeypatch, files, tmp_path):
    monkeypatch.setattr(counting, "LEAST_ROWS", 1)
    for file in feed.config.folder.glob(f"lake/**/current_decision_types/{files}"):
        file.unlink()
    assert {one.label for one in lines("applications")["decision_type_id"].common} == {""}
    write_report(feed.config, tmp_path)
    said = re.sub("</?span>", "", (tmp_path / "index.html").read_text())
    assert f"planlake {'recover' if files.endswith('json') else 'rebuild decision_types'}</code>" in said


def test_a_value_that_fewer_than_five_rows_have_is_not_shown(feed, lines, monkeypatch):
    monkeypatch.setattr(counting, "COMMON", 20)
    assert {one.value for one in lines("fees")["fee_type_id"].common} & {"777", "778"} == {"777"}
    monkeypatch.setattr(counting, "LEAST_ROWS", 4)
    assert {one.value for one in lines("fees")["fee_type_id"].common} & {"777", "778"} == {"777", "778"}


def test_nothing_planted_about_a_person_stands_on_any_page(feed, written, tmp_path):
    assert "777" in written("tables/fees.html")  # a code is shown, so that the others could be
    for file in (tmp_path / "out").rglob("*.*"):
        text = file.read_text(encoding="utf-8")
        assert "Planted" not in text, file
        assert "998877" not in text, file
        assert not re.search(r"\b555\b", text) or file.suffix == ".css", file


def test_values_are_shown_of_codes_and_truths_alone():
    resources, codes = load_catalogue("tascomi").resources, codes_of(Config())
    for name, one in resources.items():
        keys = {key: key for key in (*one.columns, "a_key_nobody_declared")}
        for column in values_shown(one, keys, codes.get(name, ())):
            assert one.columns[column] == "boolean" or column in codes[name]
            assert not one.is_personal(column)
    assert values_shown(resources["contacts"], {"agent": "agent", "id": "id"}, ["agent", "id"]) == frozenset()


def test_each_version_is_counted_once(feed, monkeypatch):
    asked, counted, kept = [], counting._counted, Kept()
    monkeypatch.setattr(counting, "_counted", lambda *given: (asked.append(1), counted(*given))[1])
    for _ in range(2):
        with open_facts(feed.config, kept=kept) as facts:
            fees = catalogue_of(feed.config).resource("fees")
            first = profile_of(facts, fees, ["fee_type_id"])
            assert profile_of(facts, fees, ["fee_type_id"]) == first
    assert len(asked) == 1
    with open_facts(feed.config, kept=kept) as facts:
        profile_of(facts, fees, [])  # other values may be shown now
    assert len(asked) == 2


def test_a_table_says_what_it_leads_to_and_who_reads_it(feed):
    with open_facts(feed.config) as facts:
        found = described_tables(facts, ["fees"])["fees"]
    relations = load_catalogue("tascomi").resources["fees"]
    known = {**relations.relations, **relations.relations_guessed}
    assert {one.column: one.table for one in found.leads_to} == known
    assert {one.table for one in found.led_from} >= {"fee_payments"}
    assert [(one.name, one.is_direct) for one in found.readers] == [("fees_of", True), ("fees_again", False)]
    assert [rows for _, rows in found.rows] == [60]


def test_the_queries_of_each_page_can_be_carried_out_as_they_stand(feed):
    with open_facts(feed.config) as facts:
        found = described_tables(facts, ["applications", "fees", "contacts", "decision_types"])
    for one in found.values():
        assert len(one.questions) >= 3
        for question in one.questions:
            assert feed.rows(question.sql)


def test_a_wide_table_has_its_fullest_columns_first_and_the_others_by_letter(feed, lines):
    with open_facts(feed.config) as facts:
        found = described_tables(facts, ["applications"])["applications"]
    grouped = [one.name for _, some in found.groups for one in some]
    names = [*(one.name for one in found.columns), *grouped, *(one.name for one in found.never_filled)]
    assert (len(found.columns), found.columns[0].name) == (50, "id")
    assert sorted(names) == sorted(lines("applications"))
    assert all(one.filled == 0 for one in found.never_filled)
    assert [letter for letter, _ in found.groups] == sorted({name[0].upper() for name in grouped})


def test_the_catalogue_has_what_is_loaded_what_is_not_and_models(feed):
    with open_facts(feed.config) as facts:
        found = catalogue(facts)
    assert [one.name for one in found.tables] == ["applications", "fees", "contacts", "decision_types"]
    assert len(found.others) == 73 - 4
    assert [(one.name, one.read_by) for one in found.models] == [("fees_of", ("fees_again",)), ("fees_again", ())]
    assert found.models[0].columns == (("fee", "Number of the fee"),)


def test_everything_is_in_the_index_and_leads_to_a_place_that_is_there(feed, written, tmp_path):
    written()
    with open_facts(feed.config) as facts:
        found = search_index(facts)
    declared = {(name, key) for name, one in load_catalogue("tascomi").resources.items() for key in one.columns}
    assert declared <= {(one.table, one.column) for one in found}
    pages = {}
    for one in found:
        file, _, anchor = one.place.partition("#")
        text = pages.setdefault(file, (tmp_path / "out" / file).read_text())
        assert not anchor or f'id="{anchor}"' in text or "<script>" in anchor, one.place


def test_the_index_is_a_script_that_nothing_on_it_can_end(feed):
    with open_facts(feed.config) as facts:
        text = search_script(search_index(facts))
    assert text.startswith("planlakeFound([[")
    assert "<" not in text
    rows = json.loads(text.removeprefix("planlakeFound(").removesuffix(");\n"))
    assert SCRIPT in [column for _, column, *_ in rows]


def test_drawings_of_names_are_escaped(feed, written):
    from planlake.report.pages.drawings import relations  # noqa: PLC0415

    assert "<script>" not in relations(SCRIPT, [SCRIPT], [SCRIPT])
    assert SCRIPT not in written("tables/fees.html")
    assert relations("fees", [f"t{one}" for one in range(21)], []).count("<rect") == 12 + 1 + 1


def test_many_columns_are_counted_with_little_memory():
    with connected_to_read(600) as connection:
        terms = ", ".join(f"(i % 7)::integer as c{number}" for number in range(300))
        connection.execute(f"create table wide as select {terms} from range(2000) as t(i)")
        found = counting._common(connection, "wide", {f"c{number}": "int" for number in range(300)})
    assert found["c299"] == (("0", 286), ("1", 286), ("2", 286))


def test_truths_are_counted_as_plain_python_counts_them(feed, lines):
    records, found = feed.data.records("applications"), lines("applications")
    truths = [name for name, one in found.items() if one.type == "boolean" and one.filled]
    for name in truths:
        counts = Counter(one[name] for one in records if one.get(name))
        said = {one.value: round(one.share * sum(counts.values())) for one in found[name].common}
        words = {"t": "true", "f": "false"}
        assert said == {words[value]: n for value, n in counts.items() if n >= counting.LEAST_ROWS}, name
    assert len(truths) > 100
