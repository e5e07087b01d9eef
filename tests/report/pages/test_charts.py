"""Charts: heights follow values, the name says the finding, and text in them is text."""

import re
from datetime import date
from xml.etree import ElementTree

import pytest

from planlake.report.pages.charts import Bar, bars, line, rounded_up, small_line, year_strip
from planlake.report.pages.drawings import day_lines
from planlake.report.pages.figures.completeness import Spell

DAYS = [date(2026, 11, 1), date(2026, 11, 2)]


def as_number(said):
    return float(said.replace(",", "").replace("\u2212", "-"))


def rects(chart):
    return [one.attrib for one in ElementTree.fromstring(chart).iter() if one.tag.endswith("rect")]


def test_bars_are_as_high_as_their_values():
    drawn = rects(bars([Bar("1", 5), Bar("2", 10), Bar("3", 0)], "Three runs"))
    first, second, third = (float(one["height"]) for one in drawn)
    assert (2 * first, third) == (second, 0)
    assert {float(one["y"]) + float(one["height"]) for one in drawn} == {136.0}


@pytest.mark.parametrize("draw", [bars, line, small_line])
def test_nothing_is_drawn_of_nothing_and_text_is_text(draw):
    chart = draw([], "\"><script>alert('x')</script>")
    assert ElementTree.fromstring(chart).attrib["aria-label"] == "\"><script>alert('x')</script>"


def test_a_limit_is_a_dashed_line_and_the_last_value_stands_at_the_end():
    chart = line([1.0, 4.0], "Rose from 1 to 4", limit=2.0)
    assert 'class="limit"' in chart
    assert re.search(r">4</text></svg>$", chart)


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (1, 1), (1.2, 2), (6.5, 10), (99, 100), (0.06, 0.1), (0.004, 0.005), (1_234, 2_000)]
)
def test_axes_end_at_round_numbers(value, top):
    assert rounded_up(value) == pytest.approx(top)


def test_in_a_strip_what_is_not_whole_stands_tall_and_what_was_not_due_is_left_out():
    spells = [
        Spell("not due", date(2026, 1, 1), 5),
        Spell("complete", date(2026, 1, 6), 3),
        Spell("gap", date(2026, 1, 9), 1),
    ]
    drawn = [(one["class"], one["x"], one["width"], one["height"]) for one in rects(year_strip(spells))]
    assert drawn == [("is-complete", "5", "3", "4"), ("is-gap", "8", "1", "16")]


@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ([0, 187], ["200", "100", "0"]),
        ([5, 5], ["7", "6", "5"]),
        ([970, 1003], ["1,050", "1,000", "950"]),
        ([-3, 4], ["5", "0", "\u22125"]),
        ([0.2, 0.3], ["0.4", "0.2", "0"]),
    ],
)
def test_lines_lie_between_round_steps(values, steps):
    drawn = ElementTree.fromstring(day_lines([("rows", list(zip(DAYS, values, strict=True)))], "Rose"))
    said = [one.text for one in drawn[0]]
    assert said == steps
    (low, high), (first, last) = (as_number(said[2]), as_number(said[0])), values
    places = [float(one) for one in re.findall(r"\d+\.\d (\d+\.\d)", drawn[1][-1].attrib["d"])]
    assert places == pytest.approx([112 * (high - one) / (high - low) for one in (first, last)], abs=0.06)


def test_lines_say_their_last_figures_in_words_and_text_is_text():
    series = [("a<b", list(zip(DAYS, [1, 2], strict=True))), ("none", [(DAYS[0], 3), (DAYS[1], None)]), ("no", [])]
    drawn = ElementTree.fromstring(day_lines(series, "<script>", " %"))
    assert drawn.attrib["aria-label"] == "<script>"
    assert ["".join(one.itertext()) for one in drawn[2]] == ["3 % none", "2 % a<b"]
    assert [one.text for one in drawn[3]] == ["1\u00a0Nov\u00a02026", "2\u00a0Nov\u00a02026"]
    assert day_lines([("one", [(DAYS[0], 1)])], "One day is no line") == ""
