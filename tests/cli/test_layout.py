"""How tables are laid out: whatever is in them, nothing is split, lost or wider than the screen."""

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from planlake.cli.layout import Column, lay_out

WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-:.%日本", min_size=1, max_size=20)
CELLS = st.lists(WORDS, max_size=12).map(" ".join)
NUMBERS = st.integers(0, 10**12).map("{:,}".format) | st.just("")
NAMES = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)


@st.composite
def tables(draw):
    rows = draw(st.integers(1, 4))
    kinds = draw(st.lists(st.booleans(), min_size=1, max_size=7))
    return [
        Column(draw(NAMES), draw(st.lists(NUMBERS if is_number else CELLS, min_size=rows, max_size=rows)), is_number)
        for is_number in kinds
    ]


def words_of(lines):
    said = " ".join(lines)
    return {*said.split(), *said.replace(": ", " ").replace("; ", " ").split()}


@settings(deadline=None, max_examples=300)
@given(tables(), st.integers(40, 160), st.data())
def test_every_word_is_whole_every_cell_is_there_and_no_line_is_too_wide(columns, width, data):
    spare = data.draw(st.lists(st.sampled_from([one.name for one in columns]), max_size=2))
    head, *rows = lay_out(columns, width, spare=spare, aside=[columns[-1].name])
    assert max(cell_len(line) for lines in (head, *rows) for line in lines) <= width
    assert [line for lines in (head, *rows) for line in lines if line != line.rstrip()] == []
    for number, lines in enumerate(rows):
        wanted = [one.cells[number] for one in columns[:1] + [one for one in columns[1:] if one.name not in spare]]
        assert {word.rstrip(":;") for cell in wanted for word in cell.split()} <= {
            word.rstrip(":;") for word in words_of(lines)
        }


def laid(columns, width, **how):
    return [line for lines in lay_out(columns, width, **how) for line in lines]


TABLES = Column("table", ["fees", "applications"])
ROWS = Column("rows now", ["1,002", "3"], is_number=True)
WHY = Column("why", ["3 pages of 26 November: answer 503", ""])


def test_what_fits_stands_side_by_side_numbers_to_the_right():
    assert laid([TABLES, ROWS, WHY], 80) == [
        "table         rows now  why",
        "────────────  ────────  ──────────────────────────────────",
        "fees             1,002  3 pages of 26 November: answer 503",
        "applications         3",
    ]


def test_a_text_is_broken_between_words_while_it_has_room_for_some_words():
    assert laid([TABLES, ROWS, WHY], 50) == [
        "table         rows now  why",
        "────────────  ────────  ──────────────────────────",
        "fees             1,002  3 pages of 26 November:",
        "                        answer 503",
        "applications         3",
    ]


def test_then_heads_are_broken_and_the_text_stands_below_its_row():
    assert laid([TABLES, ROWS, WHY], 19) == [
        "               rows",
        "table           now",
        "────────────  ─────",
        "fees          1,002",
        "    why: 3 pages of",
        "    26 November:",
        "    answer 503",
        "applications      3",
    ]


def test_a_column_without_a_value_is_left_out_and_so_are_spare_ones_where_there_is_no_room():
    empty, spare = Column("gaps", ["", ""]), Column("hash", ["6009eb34", "6009eb34"])
    assert laid([TABLES, empty, ROWS, spare], 40)[0] == "table         rows now  hash"
    assert laid([TABLES, empty, ROWS, spare], 24, spare=["hash"])[0] == "table         rows now"
    assert laid([Column("table", []), Column("gaps", [])], 40) == ["table  gaps", "─────  ────"]
