"""The chart of an answer: bars, one below the other, or a line, in the order of its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from markupsafe import Markup, escape

from planlake.errors import ConfigurationError
from planlake.report.pages.charts import rounded_up
from planlake.report.web.frames import Answer, Cell

KINDS = ("bars", "line")
MOST_BARS, LONGEST_LABEL = 40, 28
WIDTH, BAR_HEIGHT, LINE_HEIGHT = 640, 24, 200
LEFT_OF_BARS, LEFT_OF_LINE, RIGHT, BOTTOM, TOP = 208, 92, 88, 24, 12


@dataclass(frozen=True, slots=True)
class Point:
    """What stands below or beside a value, and the value."""

    label: str
    value: float


def chart_of(found: Answer, *, kind: str, x: str, y: str) -> Markup:
    """The SVG of the numbers of column `y` over column `x`; its name is the finding.

    Rows without a number are left out. A ConfigurationError says what cannot be drawn.
    """
    names = [one.name for one in found.columns]
    if kind not in KINDS or x not in names or y not in names:
        raise ConfigurationError(f"a chart is {' or '.join(KINDS)}, of two columns that the answer has")
    across, up = names.index(x), names.index(y)
    numbers = [(_label(row[across]), _number(row[up])) for row in found.rows]
    points = [Point(label, value) for label, value in numbers if value is not None]
    if not points:
        raise ConfigurationError(f"the column {y} holds no number that could be drawn", hint="choose another column")
    return _line(points, x, y) if kind == "line" else _bars(points, x, y)


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


def _bars(points: Sequence[Point], x: str, y: str) -> Markup:
    shown = points[:MOST_BARS]
    low, top = _span(shown)
    scale = (WIDTH - LEFT_OF_BARS - RIGHT) / (top - low)
    zero = LEFT_OF_BARS - low * scale
    parts = []
    for place, one in enumerate(shown):
        edge, middle = zero + one.value * scale, place * BAR_HEIGHT + BAR_HEIGHT / 2 + 4
        cut = one.label if len(one.label) <= LONGEST_LABEL else f"{one.label[: LONGEST_LABEL - 1]}\u2026"
        parts.append(
            f'<text class="last" x="{LEFT_OF_BARS - 8}" y="{middle:.1f}">{escape(cut)}</text>'
            f'<rect class="bar" x="{min(zero, edge):.1f}" y="{place * BAR_HEIGHT + 3}" width="{abs(edge - zero):.1f}" '
            f'height="{BAR_HEIGHT - 6}"><title>{escape(one.label)}: {written(one.value)}</title></rect>'
            f'<text x="{max(zero, edge) + 6:.1f}" y="{middle:.1f}">{written(one.value)}</text>'
        )
    height = len(shown) * BAR_HEIGHT
    parts.append(f'<path class="zero" d="M{zero:.1f} 0V{height}"/>')
    most, least = max(shown, key=lambda one: one.value), min(shown, key=lambda one: one.value)
    said = (
        f"{y} by {x}: most, {written(most.value)}, for {most.label}, least, {written(least.value)}, for {least.label}"
    )
    left_out = f"; the first {MOST_BARS} of {len(points):,} rows" if len(points) > MOST_BARS else ""
    return _svg("".join(parts), said + left_out, height)


def _line(points: Sequence[Point], x: str, y: str) -> Markup:
    low, top = _span(points)
    scale = (LINE_HEIGHT - TOP - BOTTOM) / (top - low)
    step = (WIDTH - LEFT_OF_LINE - RIGHT) / max(1, len(points) - 1)
    parts = []
    for tick in sorted({low, 0.0, top}):
        height = LINE_HEIGHT - BOTTOM - (tick - low) * scale
        parts.append(
            f'<path class="{"tick" if tick else "zero"}" d="M{LEFT_OF_LINE} {height:.1f}H{WIDTH - RIGHT}"/>'
            f'<text class="last" x="{LEFT_OF_LINE - 8}" y="{height + 4:.1f}">{written(tick)}</text>'
        )
    path = [
        (LEFT_OF_LINE + place * step, LINE_HEIGHT - BOTTOM - (one.value - low) * scale)
        for place, one in enumerate(points)
    ]
    parts.append(f'<path class="line-1" d="M{"L".join(f"{across:.1f} {up:.1f}" for across, up in path)}"/>')
    across, up = path[-1]
    first, last = points[0], points[-1]
    parts.append(
        f'<text x="{across + 6:.1f}" y="{up + 4:.1f}">{written(last.value)}</text>'
        f'<text x="{LEFT_OF_LINE}" y="{LINE_HEIGHT - 6}">{escape(first.label[:LONGEST_LABEL])}</text>'
        f'<text class="last" x="{WIDTH - RIGHT}" y="{LINE_HEIGHT - 6}">{escape(last.label[:LONGEST_LABEL])}</text>'
    )
    most = max(points, key=lambda one: one.value)
    said = (
        f"{y} over {x}: {written(first.value)} at first, {written(last.value)} at last, at most {written(most.value)}"
    )
    return _svg("".join(parts), f"{said} ({most.label})", LINE_HEIGHT)


def _span(points: Sequence[Point]) -> tuple[float, float]:
    """From where to where values are drawn: zero is always part of it."""
    least, most = min(one.value for one in points), max(one.value for one in points)
    return -rounded_up(-least) if least < 0 else 0.0, rounded_up(most) if most > 0 or least >= 0 else 0.0


def _svg(inside: str, title: str, height: float) -> Markup:
    """A picture whose name is its finding. What stands inside was escaped where it was made."""
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    return Markup(f'<svg class="chart" role="img" aria-label="{escape(title)}" {size}>{inside}</svg>')  # noqa: S704
