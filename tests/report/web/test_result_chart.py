"""Charts of answers: what is drawn, what their names say, and that nothing in them is anything but text."""

import re
from xml.etree import ElementTree as ET

import pytest

from planlake.errors import ConfigurationError
from planlake.report.web.frames import Answer, Column
from planlake.report.web.result_chart import chart_of, written


def answer(*rows):
    return Answer((Column("type", "text"), Column("fees", "number")), tuple(rows))


def drawn(*rows, kind="bars"):
    return ET.fromstring(chart_of(answer(*rows), kind=kind, x="type", y="fees")).find("svg")


def said(*rows, kind="bars"):
    return "".join(ET.fromstring(chart_of(answer(*rows), kind=kind, x="type", y="fees")).find("figcaption").itertext())


def texts(svg):
    return [one.text for one in svg.iter("text")]


def test_bars_are_as_long_as_their_values_and_say_them():
    rows = ("full", 4), ("outline", "2.50"), ("none", None), ("zero", 0)
    svg = drawn(*rows)
    widths = [float(one.get("width")) for one in svg.iter("rect")]
    assert len(widths) == 3
    assert [round(one / widths[0], 3) for one in widths] == [1, 0.625, 0]
    assert texts(svg) == ["full", "4", "outline", "2.5", "zero", "0"]
    assert said(*rows) == "fees by type: most, 4, for full, least, 0, for zero"
    figure = ET.fromstring(chart_of(answer(*rows), kind="bars", x="type", y="fees"))
    assert svg.get("aria-labelledby") == figure.find("figcaption").get("id")
    assert [[*row.itertext()] for row in figure.iter("tr")][1:] == [["full", "4"], ["outline", "2.5"], ["zero", "0"]]


def test_bars_below_zero_go_the_other_way():
    up, down = drawn(("up", 5), ("down", -5)).iter("rect")
    assert up.get("width") == down.get("width")
    assert float(down.get("x")) + float(down.get("width")) == pytest.approx(float(up.get("x")), abs=0.2)


def test_of_many_rows_the_first_are_drawn_and_the_others_told():
    rows = [(f"type {place}", place) for place in range(100)]
    assert len(list(drawn(*rows).iter("rect"))) == 40
    assert said(*rows).endswith(". The first 40 of 100 rows are drawn")


@pytest.mark.parametrize("kind", ["bars", "line"])
def test_what_would_be_drawn_twice_at_one_place_is_refused_with_what_draws_it(kind):
    with pytest.raises(ConfigurationError, match='type is "full" in 2 rows') as raised:
        drawn(("full", 4), ("outline", 1), ("full", 2), kind=kind)
    assert raised.value.hint == "one row for each, such as: select type, sum(fees) from ... group by type"


@pytest.mark.parametrize("kind", ["bars", "line"])
def test_a_chart_is_as_wide_as_the_room_for_it(kind):
    found = answer(("a type of a rather long name", 4), ("b", 1_000_000))
    for room, width in ((320, 320), (5000, 640), (10, 240)):
        svg = ET.fromstring(chart_of(found, kind=kind, x="type", y="fees", width=room)).find("svg")
        assert svg.get("width") == str(width)
        assert all(0 <= float(one.get("x")) < width for one in (*svg.iter("text"), *svg.iter("rect")))


def test_a_line_goes_through_every_value_in_the_order_of_the_rows():
    rows = ("2026-11-01", 1), ("2026-11-02", 4), ("2026-11-03", 2)
    svg = drawn(*rows, kind="line")
    path = next(one for one in svg.iter("path") if one.get("class") == "line-1").get("d")
    heights = [float(one.split()[1]) for one in re.split("[ML]", path)[1:]]
    assert len(heights) == 3
    assert (heights[0] - heights[2]) / (heights[0] - heights[1]) == pytest.approx(1 / 3, abs=0.01)
    assert said(*rows, kind="line") == "fees over type: 1 at first, 2 at last, at most 4 (2026-11-02)"
    assert {"2026-11-01", "2026-11-03"} <= set(texts(svg))


@pytest.mark.parametrize("kind", ["bars", "line"])
@pytest.mark.parametrize("value", [0, -3, 1e300, 1e-9])
def test_any_number_can_be_drawn(kind, value):
    svg = chart_of(answer(("one", value)), kind=kind, x="type", y="fees")
    assert "nan" not in svg
    assert "inf" not in svg


@pytest.mark.parametrize("kind", ["bars", "line"])
def test_what_a_table_holds_stays_text(kind):
    planted = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    found = Answer((Column(planted, "text"), Column("n", "integer")), ((planted, 1), (f"{planted}2", 2)))
    figure = ET.fromstring(chart_of(found, kind=kind, x=planted, y="n"))
    assert {one.tag for one in figure.iter()} & {"script", "img"} == set()
    assert planted in "".join(figure.find("figcaption").itertext())


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(ConfigurationError, match="the column fees holds no number"):
        drawn(("a", None), ("b", "text"), ("c", "inf"))
    for wrong in ({"kind": "pie"}, {"x": "nothing"}, {"y": "nothing"}):
        with pytest.raises(ConfigurationError, match="a chart is bars or line"):
            chart_of(answer(("a", 1)), **{"kind": "bars", "x": "type", "y": "fees", **wrong})


def test_numbers_are_written_as_people_write_them():
    assert [written(one) for one in (1002, 0.25, -3, 0, 0.001234, 2.50)] == [
        "1,002",
        "0.25",
        "\u22123",
        "0",
        "0.00123",
        "2.5",
    ]
