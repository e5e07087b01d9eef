"""Lines over time and relations between tables as SVG; beside each stands a table or a list of the same."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from math import floor

from markupsafe import Markup, escape

from planlake.report.pages import words
from planlake.report.pages.charts import rounded_up

WIDTH, HEIGHT = 520, 112  # of lines, before they are fitted to the screen
BOX, ROW, MIDDLE, GAP, MOST = 250, 28, 200, 60, 12
LETTERS = 30


def day_lines(series: Sequence[tuple[str, Sequence[tuple[date, float | None]]]], title: str, unit: str = "") -> Markup:
    """Figures over days, a line for each named series, two at most; the last figure of each stands beside.

    Lines grow and shrink with the screen, words keep their size: so these are no part of the drawing.
    """
    points = [(day, value) for _, one in series for day, value in one if value is not None]
    if len({day for day, _ in points}) < 2:
        return Markup()
    first, last = min(day for day, _ in points), max(day for day, _ in points)
    low, high = _scale([value for _, value in points])
    parts, ends = [_grid()], list[tuple[float, str]]()
    for number, (name, one) in enumerate(series, 1):
        known = [(day, value) for day, value in one if value is not None]
        if known:
            places = [
                (WIDTH * (day - first).days / (last - first).days, HEIGHT * (high - value) / (high - low))
                for day, value in known
            ]
            parts.append(_line(places, f"series-{number}"))
            said = escape(f"{_figure(known[-1][1])}{unit} {name}")
            ends.append((places[-1][1], f'<span class="of-{number}">{said}</span>'))
    steps = "".join(f"<span>{escape(_figure(one))}{unit}</span>" for one in (high, (low + high) / 2, low))
    days = "".join(f"<span>{words.short_day(one)}</span>" for one in (first, last))
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true"'
    return Markup(  # noqa: S704 - what is not of this file is escaped above
        f'<div class="lines" role="img" aria-label="{escape(title)}"><div class="steps">{steps}</div>'
        f'<svg {size}>{"".join(parts)}</svg><div class="ends">{"".join(said for _, said in sorted(ends))}</div>'
        f'<div class="days-of-lines">{days}</div></div>'
    )


def relations(name: str, led_from: Sequence[str], leads_to: Sequence[str]) -> Markup:
    """A table in the middle, what leads to it on the left and what it leads to on the right, twelve at most of each."""
    left, right = list(dict.fromkeys(led_from)), list(dict.fromkeys(leads_to))
    if not left and not right:
        return Markup()
    rows = max(min(len(one), MOST) + (len(one) > MOST) for one in (left, right))
    height = max(rows, 1) * (ROW + 8)
    centre, width = height / 2, 2 * BOX + 2 * GAP + MIDDLE
    start = BOX + GAP
    parts = [_side(left, 0, height, BOX, start), _side(right, width - BOX, height, width - BOX, start + MIDDLE)]
    parts.append(_box(start, centre - ROW / 2, MIDDLE, name, "own"))
    inside = "".join(parts)
    size = f'width="{width}" height="{height:.0f}" viewBox="0 0 {width} {height:.0f}"'
    return Markup(f'<svg class="relations" {size} aria-hidden="true" focusable="false">{inside}</svg>')  # noqa: S704


def _side(names: Sequence[str], x: float, height: float, edge: float, target: float) -> str:
    shown = [*names[:MOST], *([f"and {len(names) - MOST} more"] if len(names) > MOST else [])]
    step = height / max(len(shown), 1)
    parts = []
    for number, name in enumerate(shown):
        y = step * (number + 0.5)
        half, middle = (edge + target) / 2, height / 2
        bend = f"{half:.0f} {y:.1f} {half:.0f} {middle:.1f} {target:.0f} {middle:.1f}"
        parts.append(f'<path d="M{edge:.0f} {y:.1f}C{bend}"/>')
        parts.append(_box(x, y - ROW / 2, BOX, name, "more" if number == MOST else ""))
    return "".join(parts)


def _box(x: float, y: float, width: float, name: str, kind: str) -> str:
    said = name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"
    return (
        f'<g class="box {kind}"><rect x="{x + 0.5:.1f}" y="{y + 0.5:.1f}" width="{width - 1:.0f}" height="{ROW - 1}"/>'
        f'<text x="{x + width / 2:.1f}" y="{y + 19:.1f}">{escape(said)}</text></g>'
    )


def _scale(values: Sequence[float]) -> tuple[float, float]:
    """From where to where a scale of two round steps goes: from 0, unless all figures lie close together, far from it.

    Negative figures have their room below 0.
    """
    low, high = min(values), max(values)
    start = low if low > 0 and (high - low) < high / 5 else min(low, 0)
    step = rounded_up((high - start) / 2)
    while (first := floor(start / step) * step) + 2 * step < high:
        step = rounded_up(step * 1.01)
    return first, first + 2 * step


def _grid() -> str:
    return "".join(f'<path class="grid" d="M0 {HEIGHT * share:.1f}H{WIDTH}"/>' for share in (0, 0.5, 1))


def _figure(value: float) -> str:
    return words.number(value) if value == int(value) or abs(value) >= 100 else f"{value:.1f}".replace("-", "\u2212")


def _line(places: Sequence[tuple[float, float]], kind: str) -> str:
    return f'<path class="{kind}" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in places)}"/>'


def shades(days: Sequence[int]) -> Markup:
    """A year in one line, a unit wide for each day, the darker the more; the words stand beside it."""
    spells: dict[int, list[str]] = {}
    place = 0
    for one, some in groupby(days):
        width = len(list(some))
        spells.setdefault(one, []).append(f"M{place} 8h{width}")
        place += width
    inside = "".join(f'<path class="shade-{one}" d="{"".join(spells[one])}"/>' for one in sorted(spells) if one)
    size = f'width="{place}" height="16" viewBox="0 0 {place} 16"'
    return Markup(f'<svg class="strip" {size} aria-hidden="true" preserveAspectRatio="none">{inside}</svg>')  # noqa: S704
