"""Charts: heights follow values, the name says the finding, and text in them is text."""

import re
from datetime import date
from xml.etree import ElementTree

import pytest

from planlake.report.pages.charts import Bar, bars, line, rounded_up, small_line, year_strip
from planlake.report.pages.figures.completeness import Spell


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
