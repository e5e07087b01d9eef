"""Diagrams as text: whatever characters names hold, each format can be read, and says the names as they are."""

import html
import json
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planlake.report.diagrams.diagram import Column, Diagram, Entity, Relation
from planlake.report.diagrams.formats import dbml, dot, mermaid

# The lines that Mermaid 11 reads: an entity, one of its columns, a relation.
WORD, TEXT = r"[A-Za-z_][A-Za-z0-9_]*", r'"[^"%\\\x00-\x1f~]+"'
MERMAID = (
    "erDiagram|    }|    %% .* more columns",
    rf'    ("{WORD}"|{WORD}\[{TEXT}\]) {{',
    rf"        {WORD} (?!(?i:pk|fk|uk)\b){WORD}( PK| FK| PK, FK)?( {TEXT})?",
    rf'    ("{WORD}"|{WORD}) }}o(--|\.\.)o\| ("{WORD}"|{WORD}) : {TEXT}',
)
names = st.text(min_size=1, max_size=8) | st.sampled_from(
    ["pk", "FK", "end", "to", '"', "%%", "a~b~", "]]>", "#35;", "é"]
)


@st.composite
def diagrams(draw):
    tables = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    entities, relations = [], []
    for table in tables:
        columns = draw(st.lists(names, min_size=1, max_size=3, unique=True))
        shown = [Column(name, "integer", number == 0) for number, name in enumerate(columns)]
        entities.append(Entity(table, tuple(shown), draw(st.integers(0, 2))))
    for entity in entities:
        target = draw(st.sampled_from(entities))
        ends = (entity.table, entity.columns[-1].name, target.table, target.columns[0].name)
        relations.append(Relation(*ends, draw(st.booleans())))
    return Diagram(tuple(entities), tuple(relations))


def printable(text):
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]", "\ufffd", text)


def of_mermaid(text):
    return html.unescape(re.sub(r"#(\d+);", r"&#\1;", text))


@given(diagrams())
def test_mermaid_reads_every_line_and_shows_each_name(drawn):
    lines = mermaid(drawn).split("\n")
    assert lines.pop() == ""
    assert [line for line in lines if not any(re.fullmatch(pattern, line) for pattern in MERMAID)] == []
    shown = {of_mermaid(word) for line in lines for word in re.findall(r'"([^"]*)"', line)}
    shown |= {line.split()[1] for line in lines if line.startswith("        ")}
    for entity in drawn.entities:
        assert printable(entity.table) in shown
        assert {printable(column.name) for column in entity.columns} <= shown


@given(diagrams())
def test_names_in_dbml_come_back_as_they_are(drawn):
    text = dbml(drawn)
    quoted = {json.loads(word) for word in re.findall(r'"(?:[^"\\]|\\.)*"', text)}
    wanted = {one.table for one in drawn.entities} | {one.name for table in drawn.entities for one in table.columns}
    assert quoted == {printable(name) for name in wanted}
    assert len(re.findall(r"^Ref: ", text, re.MULTILINE)) == len(drawn.relations)


@given(diagrams())
def test_graphvizs_tables_are_well_formed_and_relations_lead_from_port_to_port(drawn):
    text = dot(drawn)
    labels = re.findall(r"label=<(<table.*</table>)>\];\n", text)
    assert len(labels) == len(drawn.entities)
    ports = set()
    for number, (label, entity) in enumerate(zip(labels, drawn.entities, strict=True)):
        table = ElementTree.fromstring(label)
        cells = ["".join(cell.itertext()) for cell in table.iter("td")]
        assert cells[0] == printable(entity.table)
        assert {printable(one.name) for one in entity.columns} <= set(cells)
        ports |= {f"t{number}:{cell.attrib['port']}" for cell in table.iter("td") if "port" in cell.attrib}
    ends = [end for pair in re.findall(r"^  (t\d+:e\d+):e -> (t\d+:w\d+):w ", text, re.MULTILINE) for end in pair]
    assert len(ends) == 2 * len(drawn.relations)
    assert set(ends) <= ports


def test_a_small_diagram_in_each_format():
    fees = Entity("fees", (Column("id", "integer", True), Column("ward_id", "integer", False, "wards")), 3)
    wards = Entity("wards", (Column("id", "integer", True),), 0)
    drawn = Diagram((fees, wards), (Relation("fees", "ward_id", "wards", "id"),))
    assert mermaid(drawn).splitlines() == [
        "erDiagram",
        '    "fees" {',
        "        integer id PK",
        "        integer ward_id FK",
        "    }",
        '    %% "fees" has 3 more columns',
        '    "wards" {',
        "        integer id PK",
        "    }",
        '    "fees" }o--o| "wards" : "ward_id"',
    ]
    assert 'Ref: "fees"."ward_id" > "wards"."id"\n' in dbml(drawn)
    assert "  t0:e1:e -> t1:w0:w [arrowhead=normal];\n" in dot(drawn)


@pytest.mark.parametrize(("draw", "sign"), [(mermaid, "}o..o|"), (dbml, "// guessed"), (dot, "style=dashed")])
def test_a_guess_is_told_from_what_is_known(draw, sign):
    one = Entity("a", (Column("id", "integer", True),), 0)
    for is_guessed in (True, False):
        text = draw(Diagram((one,), (Relation("a", "id", "a", "id", is_guessed),)))
        assert (sign in text) is is_guessed
