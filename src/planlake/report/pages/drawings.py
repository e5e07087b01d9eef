"""Lines over time and relations between tables as SVG; beside each stands a table or a list of the same."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby

from markupsafe import Markup, escape

from planlake.report.pages import words

WIDTH, HEIGHT, TOP, BOTTOM = 520, 160, 24, 136  # of what is drawn; labels stand on its right
LABELS, LETTER_HEIGHT = 260, 18
BOX, ROW, MIDDLE, GAP, MOST = 250, 28, 200, 60, 12
LETTERS = 30


def day_lines(series: Sequence[tuple[str, Sequence[tuple[date, float | None]]]], title: str, unit: str = "") -> Markup:
    """Figures over days, a line for each named series, two at most; the last figure stands at the end of its line."""
    points = [(day, value) for _, one in series for day, value in one if value is not None]
    if len({day for day, _ in points}) < 2:
        return Markup()
    first, last = min(day for day, _ in points), max(day for day, _ in points)
    low, high = _bounds([value for _, value in points])

    def place(day: date, value: float) -> tuple[float, float]:
        share = (value - low) / (high - low)
        return WIDTH * (day - first).days / (last - first).days, BOTTOM - (BOTTOM - TOP) * share

    parts, ends = [_grid(low, high)], list[tuple[float, str, int]]()
    for number, (name, one) in enumerate(series, 1):
        places = [place(day, value) for day, value in one if value is not None]
        parts.append(_line(places, f"series-{number}"))
        value = next(value for _, value in reversed(one) if value is not None)
        ends.append((places[-1][1], f"{_figure(value)}{unit} {name}", number))
    parts += [_text(WIDTH + 8, y + 4, said, f"of-{number}") for y, said, number in _apart(sorted(ends))]
    parts += [
        _text(0, HEIGHT - 4, words.short_day(first), "start"),
        _text(WIDTH, HEIGHT - 4, words.short_day(last), "end"),
    ]
    return _svg("".join(parts), title)


def _apart(ends: Sequence[tuple[float, str, int]]) -> list[tuple[float, str, int]]:
    """Labels at the ends of lines, the highest first, moved so that none lies on another."""
    moved: list[tuple[float, str, int]] = []
    for y, said, number in ends:
        moved.append((max(y, moved[-1][0] + LETTER_HEIGHT) if moved else y, said, number))
    over = max(0, moved[-1][0] - BOTTOM)
    return [(y - over, said, number) for y, said, number in moved]


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


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    """From where to where a scale goes: from 0, unless all figures lie close together and far from it."""
    low, high = min(values), max(values)
    if low > 0 and (high - low) < high / 5:
        room = (high - low) or high or 1
        return low - room / 4, high + room / 4
    return min(low, 0), high if high > min(low, 0) else min(low, 0) + 1


def _grid(low: float, high: float) -> str:
    parts = []
    for share in (0, 0.5, 1):
        y = BOTTOM - (BOTTOM - TOP) * share
        parts.append(f'<path class="grid" d="M0 {y:.1f}H{WIDTH}"/>')
        parts.append(_text(0, y - 4, _figure(low + (high - low) * share), "start"))
    return "".join(parts)


def _figure(value: float) -> str:
    return words.number(value) if value == int(value) or abs(value) >= 100 else f"{value:.1f}".replace("-", "\u2212")


def _line(places: Sequence[tuple[float, float]], kind: str) -> str:
    return f'<path class="{kind}" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in places)}"/>'


def _text(x: float, y: float, said: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(said)}</text>'


def _svg(inside: str, title: str) -> Markup:
    width = WIDTH + LABELS
    size = f'width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}"'
    return Markup(f'<svg class="lines" {size} role="img" aria-label="{escape(title)}">{inside}</svg>')  # noqa: S704


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
