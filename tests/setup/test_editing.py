"""Adding a name to the lists of a configuration changes the lines of that list and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from planlake.errors import ConfigurationError
from planlake.setup.yaml_lists import with_tables

NAMES = ["applications", "fees", "yes", "123", "a b", "é", "contacts", "it's", "null"]
COMMENTS = ["", "  # why", "   # [not, a, list]", "  # daily: x"]
BETWEEN = ["", "# remark: [a]\n", "\n", "  # deeper\n\n"]


def load(text):
    return YAML(typ="safe").load(text)


def quoted(draw, name):
    plain = name.isidentifier() and name.isascii() and name not in ("yes", "null")
    styles = ['"{}"', *(["{}"] if plain else []), *(["'{}'"] if "'" not in name else [])]
    return draw(st.sampled_from(styles)).format(name)


@st.composite
def written_lists(draw, cadence):
    """The lines of one list, in one of the ways people write them."""
    names = [quoted(draw, name) for name in draw(st.lists(st.sampled_from(NAMES), max_size=4, unique=True))]
    comment = st.sampled_from(COMMENTS)
    style = draw(st.sampled_from(["flow", "lines", "wrapped", "block", "none"]))
    if style == "none" or (style == "block" and not names):
        return [f"  {cadence}:{draw(st.sampled_from(['', ' ~', ' null', ' []', ' [ ]']))}{draw(comment)}"]
    trailing = draw(st.sampled_from(["", ","])) if names else ""
    if style == "flow":
        return [f"  {cadence}: [{', '.join(names)}{trailing}]{draw(comment)}"]
    if style == "wrapped":
        return [f"  {cadence}: [{(',' + chr(10) + '      ').join(names)}{trailing}]{draw(comment)}"]
    if style == "lines":
        commas = [*[","] * (len(names) - 1), trailing]
        lines = [f"    {name}{comma}{draw(comment)}" for name, comma in zip(names, commas, strict=False)]
        return [f"  {cadence}: [{draw(comment)}", *lines, *draw(st.sampled_from([[], ["    # end"]])), "  ]"]
    indent = draw(st.sampled_from(["  ", "    ", "      "]))
    lines = [f"{indent}-{draw(st.sampled_from([' ', '   ']))}{name}{draw(comment)}" for name in names]
    return [f"  {cadence}:{draw(comment)}", *lines]


@st.composite
def files(draw):
    """A configuration, the cadence to add to, and the first and last line of what may change."""
    between = st.sampled_from(BETWEEN)
    cadences = draw(st.lists(st.sampled_from(["daily", "weekly"]), max_size=2, unique=True))
    head = f"source: tascomi\n{draw(between)}api: {{base_url: 'https://x/rest/v1'}}  # the API\n{draw(between)}"
    if not cadences:
        head += draw(st.sampled_from(["", "tables:  # none yet\n", "tables: {}\n", "tables: ~\n"]))
    elif draw(st.booleans()):
        entries = ", ".join(f"{one}: [{'fees' if one == 'daily' else ''}]" for one in cadences)
        head += f"tables: {{{entries}}}  # in one line\n"
    else:
        lists = [draw(between) + "\n".join(draw(written_lists(one))) + "\n" for one in cadences]
        head += "tables:\n" + "".join(lists)
    settings = f"{draw(between)}settings:\n  attempts: 2  # few\n"
    tail = draw(st.sampled_from(["", settings, "# the end", "notes: |-\n  a\n", "# why\n...\n", "..."]))
    text = (head + tail).removesuffix(draw(st.sampled_from(["", "\n"])))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


def lines_of_list(text, cadence):
    """The numbers of the lines that a list or, where it is absent, its section may be written in."""
    tables = load_lines(text)
    place = tables.get((cadence,)) or tables.get(("tables",))
    end = len(text.splitlines()) - text.rstrip().endswith("...")
    return place if place else (end, end)


def load_lines(text):
    from ruamel.yaml.nodes import MappingNode  # noqa: PLC0415

    root = YAML(typ="safe", pure=True).compose(text)
    found = {}
    for key, value in root.value:
        if key.value == "tables":
            found["tables",] = (key.start_mark.line, value.end_mark.line)
            for name, entry in value.value if isinstance(value, MappingNode) else ():
                found[name.value,] = (name.start_mark.line, entry.end_mark.line)
    return found


@given(text=files(), cadence=st.sampled_from(["daily", "weekly"]), more=st.permutations(["wards", "no", "x: y"]))
def test_only_lines_of_the_list_change_and_the_names_are_its_last(text, cadence, more):
    names = more[:2]
    before, after = text.splitlines(), (new := with_tables(text, cadence, names)).splitlines()
    first, last = lines_of_list(text, cadence)
    same_before = next((n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before))
    rest = (before[same_before:][::-1], after[same_before:][::-1])
    same_behind = next((n for n, (a, b) in enumerate(zip(*rest, strict=False)) if a != b), len(rest[0]))
    assert first <= same_before
    assert len(before) - same_behind <= last + 1
    assert len([line for line in before if "#" in line]) <= len([line for line in after if "#" in line])
    wanted = load(text)
    lists = wanted["tables"] = wanted.get("tables") or {}
    lists[cadence] = [*(lists.get(cadence) or []), *names]
    assert load(new) == wanted
    assert ("\r\n" in new) == ("\r\n" in text)
    assert not (("\r\n" in text) and "\n" in new.replace("\r\n", ""))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param(
            "tables:\n  daily:\n    - fees   # money\n    # more to come\n  weekly: []\n",
            "tables:\n  daily:\n    - fees   # money\n    - wards\n    # more to come\n  weekly: []\n",
            id="a list with a remark at its end",
        ),
        pytest.param(
            "tables:\n  daily: [\n    fees,  # money\n    notes  # words\n  ]\n",
            "tables:\n  daily: [\n    fees,  # money\n    notes,  # words\n    wards\n  ]\n",
            id="a name on each line",
        ),
        pytest.param(
            "tables:\n  daily: [fees,\n          notes]\n",
            "tables:\n  daily: [fees,\n          notes,\n          wards]\n",
            id="wrapped",
        ),
        pytest.param("tables: {weekly: [a]}", "tables: {weekly: [a], daily: [wards]}", id="all in one line"),
        pytest.param("source: x", "source: x\n\ntables:\n  daily: [wards]\n", id="no tables"),
        pytest.param("source: x\n...\n", "source: x\n\ntables:\n  daily: [wards]\n...\n", id="no tables, and an end"),
        pytest.param("tables:  # none\n", "tables: {daily: [wards]}  # none\n", id="nothing under tables"),
        pytest.param(
            "\ufefftables:\n- daily".replace("- daily", "  daily: ['a']"),
            "\ufefftables:\n  daily: ['a', wards]",
            id="a byte order mark",
        ),
    ],
)
def test_a_name_is_written_as_the_others_are(text, wanted):
    assert with_tables(text, "daily", ["wards"]) == wanted


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: &x [fees]\ntables: {daily: *x}", id="an alias"),
        pytest.param("tables:\n  daily:\n    ? - fees\n", id="no list"),
        pytest.param("- tables", id="no mapping"),
        pytest.param("source: x\n---\nsource: y\n", id="two documents"),
    ],
)
def test_a_list_that_cannot_be_edited_safely_is_refused(text):
    with pytest.raises(ConfigurationError, match="cannot be edited safely"):
        with_tables(text, "daily", ["wards"])


def test_a_comma_in_a_comment_is_none_of_the_list():
    text = 'tables:\n  daily: [\n    "fees",\n    "123"   # [not, a, list]\n  ]\n'
    assert with_tables(text, "daily", ["wards"]) == (
        'tables:\n  daily: [\n    "fees",\n    "123",   # [not, a, list]\n    wards\n  ]\n'
    )
