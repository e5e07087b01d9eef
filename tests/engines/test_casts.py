"""The casts do what plain Python says: to nasty texts, to any text, and to a whole wide table."""

from datetime import datetime
from random import Random

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from engines.nasty import NASTY, WITH_A_ZONE
from oracle import BAD, cast
from planlake.engines.casts import CASTS, FALSE_TEXTS, TRUE_TEXTS, whole_number
from planlake.engines.duckdb.casting import bad_cells
from planlake.simulator.generator import Shape, generate
from planlake.sources.catalogue import COLUMN_TYPES, load_catalogue

ARROW = {
    "integer": pa.int32(),
    "long": pa.int64(),
    "float": pa.float64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us"),
    "timestamp_utc": pa.timestamp("us"),
    "text": pa.string(),
}


def assert_cast_as_the_oracle(cast_texts, texts):
    """Every text, and NULL, in a column of each type."""
    table = pa.table({name: pa.array([*texts, None], pa.string()) for name in COLUMN_TYPES})
    types = {name: name for name in COLUMN_TYPES}
    typed = cast_texts(table, types)
    assert {field.name: field.type for field in typed.schema} == ARROW
    bad = {cells.column: cells.values.to_pylist() for cells in bad_cells(table, typed, types)}
    for name in COLUMN_TYPES:
        told = [cast(text, name) for text in [*texts, None]]
        assert differing(typed[name].to_pylist(), without_bad(told), texts=[*texts, None]) == [], name
        assert bad.get(name, []) == [text for text, value in zip(texts, told, strict=False) if value is BAD]


def without_bad(told):
    return [None if value is BAD else value for value in told]


def differing(held, wanted, texts):
    """The first cells that are not the same value of the same type, each with its text; 0.0 is not -0.0."""
    cells = zip(texts, held, wanted, strict=True)
    return [(text, one, other) for text, one, other in cells if repr(one) != repr(other)][:5]


def test_texts_that_engines_disagree_on_cast_as_the_rules_say(cast_texts):
    assert_cast_as_the_oracle(cast_texts, [*NASTY, *WITH_A_ZONE])


def test_every_month_ends_as_in_the_calendar(cast_texts):
    years, months, days = (1600, 1700, 1900, 2000, 2023, 2024, 9999), range(14), (0, 1, 28, 29, 30, 31, 32)
    texts = [f"{year:04}-{month:02}-{day:02}" for year in years for month in months for day in days]
    assert_cast_as_the_oracle(cast_texts, texts)


near_values = st.text("0123456789+-.eEtTrRuUfFaAlLsS: /_", max_size=22)
mended = st.from_regex(r"[+-]?[0-9]{1,12}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
instants = st.from_regex(
    r"[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]([ T][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,7})?(Z|\+00:00)?)?",
    fullmatch=True,
)
unicode_texts = st.text(max_size=12)  # without lone surrogates: those never reach an engine


def test_any_text_casts_as_the_rules_say(cast_texts):
    texts = []

    # nothing to shrink: the texts are cast all at once, and the differing ones are named
    @settings(max_examples=30, deadline=None, database=None, phases=[Phase.generate])
    @given(st.lists(st.one_of(near_values, mended, instants, unicode_texts), min_size=20, max_size=60))
    def add(more):
        texts.extend(more)

    add()
    assert len(texts) >= 600
    assert_cast_as_the_oracle(cast_texts, texts)


def test_an_empty_table_keeps_its_columns_and_gets_their_types(cast_texts):
    assert_cast_as_the_oracle(cast_texts, [])


def test_columns_of_any_name_are_cast_in_their_place_and_others_left_alone(cast_texts):
    names = ["a.b", "`", 'say "so"', "it's", "{x}", "two words", "select", "${y}", "ümlaut", "back\\slash", "*"]
    table = pa.table({name: ["7", "x"] for name in names} | {"untold": ["7", ""], "told": ["7", ""]})
    typed = cast_texts(table, dict.fromkeys(names, "integer") | {"told": "text", "absent": "long"})
    assert typed.column_names == table.column_names
    for name in names:
        assert typed[name].to_pylist() == [7, None], name
    assert typed.select(["untold", "told"]) == table.select(["untold", "told"])


def test_no_expression_holds_what_an_engine_may_read_as_an_escape():
    for accepts in (TRUE_TEXTS, FALSE_TEXTS, *(each.accepts for each in CASTS.values())):
        assert not set("\\'\"$") & set(accepts), accepts


def test_a_whole_number_is_what_a_column_of_long_takes():
    for text in [*NASTY, *WITH_A_ZONE, None]:
        told = cast(text, "long")
        assert whole_number(text) == (None if told is BAD else told), text


# ---------------------------------------------------------------- a wide table

ROWS = 500


@pytest.fixture(scope="module")
def types():
    """The types of `applications`, the widest table, and of one text more, as for a key nobody declared."""
    return load_catalogue("tascomi").resource("applications").columns | {"undeclared": "text"}


@pytest.fixture(scope="module")
def texts(types):
    """Applications as the simulator makes them, every eighth cell nasty instead."""
    catalogue, random = load_catalogue("tascomi"), Random(752)
    sizes = dict.fromkeys(catalogue.resources, 3) | {"applications": ROWS}
    made = generate(catalogue, seed=752, now=datetime(2026, 11, 20, 3), sizes=sizes, shape=Shape(fill=0.6))  # noqa: DTZ001
    records = made.records("applications")

    def cell(record, column):
        return random.choice(NASTY) if random.random() < 1 / 8 else record.get(column)

    return pa.table({column: pa.array([cell(record, column) for record in records], pa.string()) for column in types})


def test_a_table_of_752_columns_comes_out_row_by_row_as_the_rules_say(cast_texts, texts, types):
    assert (texts.num_columns, texts.num_rows) == (752, ROWS)
    typed = cast_texts(texts, types)
    assert typed.schema == pa.schema([(name, ARROW[types[name]]) for name in texts.column_names])
    for name, column in zip(texts.column_names, texts.columns, strict=True):
        told = [cast(text, types[name]) for text in column.to_pylist()]
        assert differing(typed[name].to_pylist(), without_bad(told), column.to_pylist()) == [], name


def test_the_wide_table_has_values_that_cast_and_values_that_do_not_in_every_type(cast_texts, texts, types):
    typed = cast_texts(texts, types)
    bad = {cells.column for cells in bad_cells(texts, typed, types)}
    for name, wanted in types.items():
        assert wanted == "text" or name in bad, name
        assert typed[name].null_count < ROWS, name
