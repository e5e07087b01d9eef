"""Charts as SVG. Each has a title that says what it shows; the same figures stand in a table beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from planlake.report.pages import words
from planlake.report.pages.figures.completeness import Spell
from planlake.report.pages.figures.runs import Runs

Said = Callable[[float], str]
WIDTH, HEIGHT = 640, 160  # of a chart on a page; in a row of a table it is SMALL_WIDTH x SMALL_HEIGHT
SMALL_WIDTH, SMALL_HEIGHT = 160, 32
LEFT, RIGHT, TOP, BOTTOM = 92, 16, 20, 24  # around what is drawn on a page
LABEL_EVERY, WIDEST = 5, 28

STRIP_HEIGHT, LOW = 16, 4
STRIP_CLASSES = {"complete": "complete", "full": "complete", "not asked": "unknown"}


def year_strip(spells: Sequence[Spell]) -> Markup:
    """The spells of a year in one line, a unit wide for each day; those that are not whole stand tall."""
    parts, place = [], 0
    for spell in spells:
        if spell.state not in ("not due", "open"):
            name = STRIP_CLASSES.get(spell.state, spell.state)
            height = LOW if name == "complete" else STRIP_HEIGHT
            y = STRIP_HEIGHT - height
            parts.append(
                f'<rect class="is-{escape(name)}" x="{place}" y="{y}" width="{spell.days}" height="{height}"/>'
            )
        place += spell.days
    size = f'width="{place}" height="{STRIP_HEIGHT}" viewBox="0 0 {place} {STRIP_HEIGHT}"'
    inside = "".join(parts)
    return Markup(f'<svg class="strip" {size} aria-hidden="true" preserveAspectRatio="none">{inside}</svg>')  # noqa: S704


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: what stands below it, its value, and the mark on its top (a name of `macros.html`, or none)."""

    label: str
    value: float
    mark: str = ""


def bars(given: Sequence[Bar], title: str, said: Said = words.number) -> Markup:
    """Values side by side from a zero line up, on a page; the title says the finding, `said` writes a value."""
    top = rounded_up(max((one.value for one in given), default=0))
    step = min(WIDEST, (WIDTH - LEFT - RIGHT) / max(1, len(given)))
    parts = [_ticks(top, said)]
    for place, one in enumerate(given):
        x, height = LEFT + place * step, _high(one.value, top)
        parts.append(
            f'<rect class="bar" x="{x:.1f}" y="{HEIGHT - BOTTOM - height:.1f}" width="{max(1, step - 2):.1f}" '
            f'height="{height:.1f}"><title>{escape(one.label)}: {escape(said(one.value))}</title></rect>'
        )
        if one.mark:
            y = HEIGHT - BOTTOM - height - 14
            parts.append(
                f'<use class="is-{escape(one.mark)} on-bar" href="#m-{escape(one.mark)}" '
                f'x="{x + step / 2 - 7:.1f}" y="{y:.1f}" width="12" height="12"/>'
            )
        if (len(given) - 1 - place) % LABEL_EVERY == 0:
            parts.append(f'<text x="{x + step / 2:.1f}" y="{HEIGHT - 6}" class="middle">{escape(one.label)}</text>')
    return _svg("".join(parts), title, WIDTH, HEIGHT)


def line(values: Sequence[float], title: str, said: Said = words.number, *, limit: float | None = None) -> Markup:
    """How a value went, the oldest left, with its last value at its end, on a page; a limit is a dashed line."""
    top = rounded_up(max([*values, limit or 0], default=0))
    parts = [_ticks(top, said)]
    if limit is not None:
        y = HEIGHT - BOTTOM - _high(limit, top)
        parts.append(f'<path class="limit" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
    width = WIDTH - LEFT - RIGHT - 64
    points = _points(values, top, width=width, height=HEIGHT - TOP - BOTTOM)
    if points:
        path = "L".join(f"{LEFT + x:.1f} {HEIGHT - BOTTOM - y:.1f}" for x, y in points)
        x, y = points[-1]
        parts.append(f'<path class="line-1" d="M{path}"/>')
        parts.append(
            f'<text x="{LEFT + x + 6:.1f}" y="{HEIGHT - BOTTOM - y + 4:.1f}">{escape(said(values[-1]))}</text>'
        )
    return _svg("".join(parts), title, WIDTH, HEIGHT)


def small_line(values: Sequence[float], title: str, *, limit: float | None = None) -> Markup:
    """The same in a row of a table, without words: these stand in the row."""
    top = rounded_up(max([*values, limit or 0], default=0))
    height = SMALL_HEIGHT - 4
    points = _points(values, top, width=SMALL_WIDTH - 4, height=height)
    parts = []
    if limit is not None and top:
        y = SMALL_HEIGHT - 2 - limit / top * height
        parts.append(f'<path class="limit" d="M0 {y:.1f}H{SMALL_WIDTH}"/>')
    if points:
        path = "L".join(f"{2 + x:.1f} {SMALL_HEIGHT - 2 - y:.1f}" for x, y in points)
        x, y = points[-1]
        parts.append(f'<path class="line-1" d="M{path}"/>')
        parts.append(f'<circle class="end" cx="{2 + x:.1f}" cy="{SMALL_HEIGHT - 2 - y:.1f}" r="2.5"/>')
    return _svg("".join(parts), title, SMALL_WIDTH, SMALL_HEIGHT)


def rounded_up(value: float) -> float:
    """The next of 1, 2 and 5 times a power of ten, so that ticks have short numbers; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** (len(f"{value:.0f}") - 1) if value >= 1 else 10.0 ** -(len(f"{1 / value:.0f}"))
    return next(step * power for step in (1, 2, 5, 10, 20) if step * power >= value)


def _high(value: float, top: float) -> float:
    return value / top * (HEIGHT - TOP - BOTTOM)


def _points(values: Sequence[float], top: float, *, width: float, height: float) -> list[tuple[float, float]]:
    step = width / max(1, len(values) - 1)
    return [(place * step, value / top * height) for place, value in enumerate(values)]


def _ticks(top: float, said: Said) -> str:
    """Zero, half and all, each with a line across."""
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
        name = "zero" if not share else "tick"
        parts.append(f'<path class="{name}" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" class="last">{escape(said(share * top)) if share else 0}</text>'
        )
    return "".join(parts)


def _svg(inside: str, title: str, width: int, height: int) -> Markup:
    """A picture whose name is its finding. What stands inside was escaped where it was made."""
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return Markup(f'<svg class="chart" role="img" aria-label="{escape(title)}" {size}>{inside}</svg>')  # noqa: S704


def runs_chart(page: Runs) -> Markup:
    """How long each of the last runs took; those that broke off or left a table in trouble bear a mark."""
    longest = max(page.drawn, key=lambda one: one.seconds or 0)
    last = page.drawn[-1]
    title = (
        f"The last {len(page.drawn)} runs took up to {words.duration(longest.seconds)} (run {longest.run}), "
        f"the last one {words.duration(last.seconds)}"
    )
    marks = ["failed" if one.is_broken else "gap" if one.troubled else "" for one in page.drawn]
    given = [Bar(str(one.run), one.seconds or 0, mark) for one, mark in zip(page.drawn, marks, strict=True)]
    return bars(given, title, words.duration)
