"""The vendor's documentation page: what is read of it, however it is written, and what is said of a broken one."""

from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planlake.config import Settings
from planlake.errors import ConfigurationError, DriftError
from planlake.simulator.app import documentation
from planlake.simulator.columns import fields_of
from planlake.sources.catalogue import load_catalogue
from planlake.sources.documentation_page import POSTGRES_TYPES, UNSEEN, column_type, read_documentation
from planlake.sources.page_text import page_text

KNOWN = ("fees", "wards", "action_types")
HEAD = "<tr><th>Field</th><th>Type</th><th>Description</th></tr>"


def section(name, *rows, head=HEAD):
    return f'<h3 id="{name}">{name}</h3><table>{head}{"".join(rows)}</table>'


def row(column, kind="integer", more=""):
    return f"<tr><td>{column}</td><td>{kind}</td><td>{more}</td></tr>"


def test_the_page_of_the_simulator_is_read_as_the_catalogue_it_was_made_from():
    resources = load_catalogue("tascomi").resources
    fields = {name: fields_of(resource) for name, resource in resources.items()}
    found = read_documentation(documentation(fields), resources)
    types = {name: {column: column_type(kind) for column, kind in columns.items()} for name, columns in found.items()}
    assert types == {name: dict(columns) for name, columns in fields.items()}


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("int4", "integer"),
        ("int", "integer"),
        ("smallint", "integer"),
        ("integer NOT NULL", "integer"),
        ("integer(11) default 0", "integer"),
        ("INT8", "long"),
        ("float4", "float"),
        ("float8 not null", "double"),
        ("bool DEFAULT false", "boolean"),
        ("timestamp", "timestamp"),
        ("timestamp(6) without time zone", "timestamp"),
        ("timestamp (6)  without time zone NOT NULL DEFAULT now()", "timestamp"),
        ("timestamp with time zone", "timestamp_utc"),
        ("integer[]", "text"),
        ("numeric(10, 2)", "text"),
        ("character varying(255) not null", "text"),
        ("point", "text"),
    ],
)
def test_a_type_is_the_same_by_its_other_name_with_a_length_or_a_constraint(written, kind):
    assert column_type(written) == kind


@pytest.mark.parametrize("written", [*POSTGRES_TYPES, "text", "character varying(255)", "numeric", "INTEGER", "Real"])
def test_a_type_is_that_of_its_postgres_name_and_text_where_it_has_none(written):
    assert column_type(written) == POSTGRES_TYPES.get(written.lower(), "text")


@pytest.mark.parametrize(
    "html",
    [
        pytest.param(section("fees", row("id"), row("a&amp;b", "text")), id="an escaped name"),
        pytest.param(section("fees", row("&#105;d"), row("a&#38;b", "text")), id="numeric entities"),
        pytest.param(
            section("fees", row(" \n id&nbsp;", "  INTEGER\n"), row("a&<wbr>b", " text ")), id="odd spacing and case"
        ),
        pytest.param(section("fees", row("<b>i</b>d"), row("<code>a&amp;b</code>", "<i>text</i>")), id="markup"),
        pytest.param(
            section("fees", row("id", more=f"<table>{HEAD}{row('x')}</table>"), row("a&amp;b", "text")),
            id="a table in a description",
        ),
        pytest.param(
            section("fees", row("id<table><tr><td>key</td></tr></table>"), row("a&amp;b", "text")),
            id="a table in the cell of a name",
        ),
        pytest.param(
            f"<table><tr><td>menu</td><td>{section('fees', row('id'), row('a&amp;b', 'text'))}</td></tr></table>",
            id="a table around everything",
        ),
        pytest.param(
            section("fees", "<tr><td colspan=3>Names</td></tr>", row("id"), row("a&amp;b", "text"), HEAD),
            id="titles and headings between rows",
        ),
        pytest.param(
            section(
                "fees",
                "<tr><td>1<td>no<td>id<td>integer</tr><tr><td>2<td>yes<td>a&amp;b<td>text</tr>",
                head="<caption>Fees</caption><tr><td colspan=2>About<td>FIELD:<td>type</tr>",
            ),
            id="other columns first",
        ),
    ],
)
def test_a_section_is_read_however_it_is_written(html):
    found = read_documentation(f"<h1>REST API</h1>{html}", KNOWN)
    types = {column: column_type(written) for column, written in found["fees"].items()}
    assert (list(found), types) == (["fees"], {"id": "integer", "a&b": "text"})


@pytest.mark.parametrize(
    "html",
    [
        pytest.param("<h3>action_types</h3>{}", id="its text"),
        pytest.param("<h3> Action&nbsp; Types </h3>{}", id="a title"),
        pytest.param('<h3 id="action_types">What can be done</h3>{}', id="its id"),
        pytest.param('<h3><a name="action_types"></a>What can be done</h3>{}', id="an anchor"),
        pytest.param('<section id="action_types"><h3>What can be done</h3>{}</section>', id="its section"),
        pytest.param("<h3>action_types</h3><h4>Fields</h4>{}", id="a heading above"),
    ],
)
def test_the_name_of_a_resource_is_found_at_its_heading(html):
    assert list(read_documentation(html.format(f"<table>{HEAD}{row('id')}</table>"), KNOWN)) == ["action_types"]


def test_a_resource_nobody_knows_has_the_name_of_its_heading():
    assert list(read_documentation(section("fees", row("id")) + section("tree_orders", row("id")), KNOWN)) == [
        "fees",
        "tree_orders",
    ]


NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters=[chr(each) for each in UNSEEN]),
    min_size=1,
    max_size=12,
).filter(lambda name: name == " ".join(name.split()) and name)
SPACES = st.sampled_from(["", " ", "\n  ", "&nbsp;", "\t", "<wbr>", "&#8203;"])


@settings(max_examples=150, deadline=None)
@given(
    names=st.lists(NAMES, min_size=1, max_size=5, unique=True).filter(
        lambda names: "type" not in map(str.lower, names)
    ),
    spaces=st.lists(SPACES, min_size=4, max_size=4),
    kind=st.sampled_from([*POSTGRES_TYPES, "text"]),
    is_numeric=st.booleans(),
)
def test_any_name_comes_back_whatever_stands_around_it(names, spaces, kind, is_numeric):
    def written(text):
        return "".join(f"&#{ord(each)};" for each in text) if is_numeric else escape(text)

    before, after, ahead, behind = spaces
    rows = [row(before + written(name) + after, ahead + kind.replace(" ", " \n ") + behind) for name in names]
    assert read_documentation(section("fees", *rows), KNOWN) == {"fees": dict.fromkeys(names, kind)}


# ---------------------------------------------------------------- broken pages


@pytest.mark.parametrize(
    ("html", "message", "facts"),
    [
        pytest.param("", "the page has no table", {"title": "none"}, id="nothing"),
        pytest.param(
            "<title>Log in</title><form></form>", "the page has no table", {"title": "Log in"}, id="another page"
        ),
        pytest.param(
            section("fees", row("id"), head="<tr><th>Name</th><th>Kind</th></tr>"),
            "no table of the page has the headings Field and Type",
            {"tables": 1, "first": ["Name", "Kind"]},
            id="other headings",
        ),
        pytest.param(
            section("fees", row("id")) + "<h3>wards</h3><p>see below</p><h3>Contact</h3>",
            "a section without a table of fields and types",
            {"resources": "wards"},
            id="a section without a table",
        ),
        pytest.param(
            section("fees", row("id")) + '<div id="wards"><dl><dt>id</dt></dl></div>',
            "a section without a table of fields and types",
            {"resources": "wards"},
            id="a section that is a list",
        ),
        pytest.param(section("fees"), "headings and no fields", {"resource": "fees"}, id="no rows"),
        pytest.param(
            section("fees", row("id"), row("amount", "")),
            "lacks its field or its type",
            {"resource": "fees", "row": "amount |  | "},
            id="no type",
        ),
        pytest.param(section("fees", "<tr><td>id</td></tr>"), "lacks its field or its type", {}, id="a short row"),
        pytest.param(section("fees", row("", "real")), "lacks its field or its type", {}, id="no field"),
        pytest.param(
            section("fees", row("id"), row("id", "text")), "gives one field two types", {"field": "id"}, id="two types"
        ),
        pytest.param(
            section("fees", row("id")) + section("fees", row("id")),
            "two tables of the page belong to one resource",
            {"resource": "fees"},
            id="a section twice",
        ),
        pytest.param(
            f"<table>{HEAD}{row('id')}</table>", "has no heading", {"first_field": "id"}, id="a table without a heading"
        ),
    ],
)
def test_a_page_that_is_built_otherwise_is_a_clear_error_that_says_what_was_found(html, message, facts):
    with pytest.raises(DriftError, match=message) as raised:
        read_documentation(html, KNOWN)
    assert facts.items() <= raised.value.facts.items()
    assert raised.value.state == "Nothing was compared"
    assert "--docs" in raised.value.hint


def test_a_page_that_was_cut_off_anywhere_is_told_by_its_missing_end():
    fields = {name: fields_of(resource) for name, resource in load_catalogue("tascomi").resources.items()}
    whole = documentation(fields)
    for size in (len(whole) // 2, len(whole) * 9 // 10, whole.index("</body>")):
        with pytest.raises(DriftError, match="its end is missing") as raised:
            read_documentation(whole[:size], fields)
        assert raised.value.facts["characters"] == size


@pytest.mark.parametrize(
    "html",
    [
        pytest.param(section("fees", row("id")) + f"<table>{HEAD}{row('x')}", id="a table"),
        pytest.param(f"<body>{section('fees', row('id'))}", id="a body"),
        pytest.param(f"<html>{section('fees', row('id'))}<!-- </html> -->", id="an end that is a remark"),
    ],
)
def test_what_a_page_begins_it_must_end(html):
    with pytest.raises(DriftError, match="its end is missing"):
        read_documentation(html, KNOWN)


def test_tags_in_remarks_and_scripts_are_no_beginning():
    html = f"<!-- <html><table> --><script>'<table>'</script>{section('fees', row('id'))}"
    assert list(read_documentation(html, KNOWN)) == ["fees"]


def test_a_file_that_is_too_large_is_refused_rather_than_cut(tmp_path):
    (tmp_path / "page.html").write_text("x" * (2**20 + 1))
    with pytest.raises(ConfigurationError, match=r"larger than 1 MB, which settings\.answer_megabytes allows"):
        page_text("page.html", tmp_path, Settings(answer_megabytes=1))
