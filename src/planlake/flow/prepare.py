"""From windows to readings: in go due windows and the ledger's history, out come readings ready to be asked for."""

from datetime import datetime

from planlake.clock import london_day
from planlake.config import Settings
from planlake.flow.reading import WHOLE_WINDOW, Reading, resumed
from planlake.flow.windows import Window
from planlake.lake.ledger import FULL, History
from planlake.sources.catalogue import Cadence, Resource


def reading_of(window: Window, resource: Resource, history: History, started_at: datetime, *, per_page: int) -> Reading:
    """A reading that begins a window anew."""
    last = history.last_full()
    must_have_records = window.name == FULL and last is not None and last.records > 0
    return Reading(
        window.name,
        started_at,
        per_page,
        event=window.event,
        known_records=window.known_records,
        closes=window.closes,
        settles=window.settles,
        must_have_records=must_have_records,
        has_text_ids=resource.type_of(resource.key) == "text",
    )


def continued(reading: Reading, resource: Resource, cadence: Cadence, history: History) -> Reading:
    """The reading, going on where an earlier run stopped, where what changed since will be seen.

    That is so where day windows follow from the day the reading began, or where it began today.
    """
    earlier = history.pages_of(FULL)
    if reading.window != FULL or not earlier:
        return reading
    began = min(page.requested_at for page in earlier.values())
    is_followed = bool(resource.changed) and cadence != "weekly"
    if is_followed or london_day(began) == london_day(reading.started_at):
        return resumed(reading, earlier)
    return reading


def give_up(reading: Reading, history: History, settings: Settings, *, accepts_gaps: bool) -> None:
    """Make gaps of the pages that failed in too many runs, or of all that failed where gaps are accepted.

    A first load or a full reading never closes with gaps unless they are accepted, and never where not even the
    total is known; a day of which nothing is known is given up as a whole.
    """
    for page, error in reading.troubles().items():
        runs = history.failures.get((reading.window, page), 0) + 1
        is_given_up = accepts_gaps or (reading.window != FULL and runs >= settings.gap_after_runs)
        if is_given_up and not reading.is_unknown:
            reading.gaps[page] = error
        elif is_given_up and reading.window != FULL:
            reading.gaps[WHOLE_WINDOW] = error
