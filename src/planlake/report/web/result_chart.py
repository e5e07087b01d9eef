"""The chart of an answer: bars, one below the other, or a line, in the order of its rows; its figures as a table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from markupsafe import Markup, escape

from planlake.checks.examples import shortened
from planlake.errors import ConfigurationError
from planlake.printable import printable
from planlake.report.pages.charts import rounded_up
from planlake.report.web.frames import Answer, Cell

KINDS = ("bars", "line")
MOST_BARS, CHARACTER = 40, 7.2  # how wide a character of a label is at most, in pixels
NARROWEST, WIDTH, BAR_HEIGHT, LINE_HEIGHT = 240, 640, 24, 200
LEFT_OF_BARS, LEFT_OF_LINE, RIGHT, BOTTOM, TOP = 208, 92, 88, 24, 12


@dataclass(frozen=True, slots=True)
class Point:
    """What stands below or beside a value, and the value."""

    label: str
    value: float


def chart_of(found: Answer, *, kind: str, x: str, y: str, width: int = WIDTH) -> Markup:
    """A figure of the numbers of column `y` over column `x`: its finding, its drawing and its table.

    Rows without a number are left out. `width` is the room there is, in pixels. A ConfigurationError says what cannot
    be drawn.
    """
    names = [one.name for one in found.columns]
    if kind not in KINDS or x not in names or y not in names:
        raise ConfigurationError(f"a chart is {' or '.join(KINDS)}, of two columns that the answer has")
    across, up = names.index(x), names.index(y)
    numbers = [(_label(row[across]), _number(row[up])) for row in found.rows]
    points = [Point(label, value) for label, value in numbers if value is not None]
    if not points:
        raise ConfigurationError(f"the column {y} holds no number that could be drawn", hint="choose another column")
    _check_repeated(points, x, y)
    draw = _line if kind == "line" else _bars
    svg, said = draw(points, min(max(width, NARROWEST), WIDTH))
    title = f"{y} by {x}" if kind == "bars" else f"{y} over {x}"
    return Markup(  # noqa: S704 - what stands inside was escaped where it was made
        f'<figure class="drawing"><figcaption id="chart-title"><b>{escape(title)}</b>: {escape(said)}</figcaption>'
        f"{svg}{_table(points, x, y)}</figure>"
    )


def _check_repeated(points: Sequence[Point], x: str, y: str) -> None:
    """Refuse what would be drawn several times at one place: whether to add it up, nobody but its author knows."""
    label, times = Counter(one.label for one in points).most_common(1)[0]
    if times > 1:
        message = f'{x} is "{printable(shortened(label))}" in {times:,} rows, and a chart has one place for it'
        hint = f"one row for each, such as: select {x}, sum({y}) from ... group by {x}"
        raise ConfigurationError(message, hint=hint)


def _table(points: Sequence[Point], x: str, y: str) -> Markup:
    rows = "".join(
        f'<tr><th scope="row">{escape(one.label)}</th><td class="number">{written(one.value)}</td></tr>'
        for one in points
    )
    return Markup(  # noqa: S704 - escaped above
        f"<details><summary>The figures as a table</summary>"
        f'<div class="region" role="region" aria-label="The figures of the chart" tabindex="0"><table class="narrow">'
        f'<thead><tr><th scope="col">{escape(x)}</th><th scope="col" class="number">{escape(y)}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def _cut(label: str, room: float) -> Markup:
    """A label as far as there is room for it, in pixels."""
    most = int(room / CHARACTER)
    return escape(label if len(label) <= most else f"{label[: most - 1]}\u2026")


def _number(value: Cell) -> float | None:
    """A number; those with more digits than a browser has come as texts."""
    try:
        found = float(value) if value is not None else None
    except ValueError:
        return None
    return found if found is not None and isfinite(found) else None


def _label(value: Cell) -> str:
    return "null" if value is None else str(value)


def written(value: float) -> str:
    """A number in a chart: `1,002`, `0.25`; of very small and very large ones three digits."""
    text = f"{value:.3g}" if 0 < abs(value) < 0.01 or abs(value) >= 1e15 else f"{value:,.2f}".rstrip("0").rstrip(".")
    return text.replace("-", "\u2212")


def _bars(points: Sequence[Point], width: int) -> tuple[Markup, str]:
    shown = points[:MOST_BARS]
    low, top = _span(shown)
    left = min(LEFT_OF_BARS, width * LEFT_OF_BARS // (WIDTH - 2 * RIGHT))
    scale = (width - left - RIGHT) / (top - low)
    zero = left - low * scale
    parts = []
    for place, one in enumerate(shown):
        edge, middle = zero + one.value * scale, place * BAR_HEIGHT + BAR_HEIGHT / 2 + 4
        parts.append(
            f'<text class="last" x="{left - 8}" y="{middle:.1f}">{_cut(one.label, left - 8)}</text>'
            f'<rect class="bar" x="{min(zero, edge):.1f}" y="{place * BAR_HEIGHT + 3}" width="{abs(edge - zero):.1f}" '
            f'height="{BAR_HEIGHT - 6}"><title>{escape(one.label)}: {written(one.value)}</title></rect>'
            f'<text x="{max(zero, edge) + 6:.1f}" y="{middle:.1f}">{written(one.value)}</text>'
        )
    height = len(shown) * BAR_HEIGHT
    parts.append(f'<path class="zero" d="M{zero:.1f} 0V{height}"/>')
    most, least = max(shown, key=lambda one: one.value), min(shown, key=lambda one: one.value)
    said = f"most, {written(most.value)}, for {most.label}, least, {written(least.value)}, for {least.label}"
    left_out = f". The first {MOST_BARS} of {len(points):,} rows are drawn" if len(points) > MOST_BARS else ""
    return _svg("".join(parts), width, height), said + left_out


def _line(points: Sequence[Point], width: int) -> tuple[Markup, str]:
    low, top = _span(points)
    scale = (LINE_HEIGHT - TOP - BOTTOM) / (top - low)
    step = (width - LEFT_OF_LINE - RIGHT) / max(1, len(points) - 1)
    parts = []
    for tick in sorted({low, 0.0, top}):
        height = LINE_HEIGHT - BOTTOM - (tick - low) * scale
        parts.append(
            f'<path class="{"tick" if tick else "zero"}" d="M{LEFT_OF_LINE} {height:.1f}H{width - RIGHT}"/>'
            f'<text class="last" x="{LEFT_OF_LINE - 8}" y="{height + 4:.1f}">{written(tick)}</text>'
        )
    path = [
        (LEFT_OF_LINE + place * step, LINE_HEIGHT - BOTTOM - (one.value - low) * scale)
        for place, one in enumerate(points)
    ]
    parts.append(f'<path class="line-1" d="M{"L".join(f"{across:.1f} {up:.1f}" for across, up in path)}"/>')
    across, up = path[-1]
    first, last = points[0], points[-1]
    room = (width - LEFT_OF_LINE - RIGHT) / 2 - 4
    parts.append(
        f'<text x="{across + 6:.1f}" y="{up + 4:.1f}">{written(last.value)}</text>'
        f'<text x="{LEFT_OF_LINE}" y="{LINE_HEIGHT - 6}">{_cut(first.label, room)}</text>'
        f'<text class="last" x="{width - RIGHT}" y="{LINE_HEIGHT - 6}">{_cut(last.label, room)}</text>'
    )
    most = max(points, key=lambda one: one.value)
    said = f"{written(first.value)} at first, {written(last.value)} at last, at most {written(most.value)}"
    return _svg("".join(parts), width, LINE_HEIGHT), f"{said} ({most.label})"


def _span(points: Sequence[Point]) -> tuple[float, float]:
    """From where to where values are drawn: zero is always part of it."""
    least, most = min(one.value for one in points), max(one.value for one in points)
    return -rounded_up(-least) if least < 0 else 0.0, rounded_up(most) if most > 0 or least >= 0 else 0.0


def _svg(inside: str, width: int, height: float) -> Markup:
    """A picture whose name is its finding. What stands inside was escaped where it was made."""
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return Markup(f'<svg class="chart" role="img" aria-labelledby="chart-title" {size}>{inside}</svg>')  # noqa: S704
