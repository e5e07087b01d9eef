"""Charts as SVG. Each has a title that says what it shows; the same figures stand in a table beside it."""

from collections.abc import Sequence

from markupsafe import Markup, escape

from planlake.report.pages.figures.completeness import Spell

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
