"""Makes a reading, ready to be asked for, of each due window and what the ledger says of it."""

from collections.abc import Mapping
from datetime import datetime

from planlake.clock import london_day
from planlake.config import Settings
from planlake.engines.casts import whole_number
from planlake.flow.ingest.completeness import PageReading, in_order
from planlake.flow.ingest.window_reading import WHOLE_WINDOW, Reading
from planlake.flow.ingest.windows import Window
from planlake.lake.state.ledger import FULL, History, LedgerPage
from planlake.sources.catalogue import Cadence, Resource


def reading_of(window: Window, resource: Resource, *, history: History, started_at: datetime, per_page: int) -> Reading:
    """A reading that begins a window from its first page."""
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


def continue_reading(reading: Reading, resource: Resource, cadence: Cadence, history: History) -> Reading:
    """The reading, going on where an earlier run stopped, where what changed since will be seen.

    That is so where day windows follow from the day the reading began, or where it began today.
    """
    earlier = history.pages_of(FULL)
    if reading.window != FULL or not earlier:
        return reading
    began = min(page.requested_at for page in earlier.values())
    is_followed = bool(resource.changed) and cadence != "weekly"
    if is_followed or london_day(began) == london_day(reading.started_at):
        return resume_reading(reading, earlier)
    return reading


def resume_reading(reading: Reading, earlier: Mapping[int, LedgerPage]) -> Reading:
    """The reading, going on with the last of the unbroken pages that an earlier run read, in the order of their ids."""
    unbroken = [page for place, page in enumerate(sorted(earlier), start=1) if page == place]
    known = [_as_known(earlier[page]) for page in unbroken]
    count = 0 if reading.has_text_ids else in_order(known)
    if not count:
        return reading
    reading.readings = {one.page: [one] for one in known[:count]}
    reading.newest_total = earlier[count].total
    reading.started_at = min(earlier[page].requested_at for page in unbroken[:count])
    reading.is_resumed, reading.first_page = True, count
    return reading


def _as_known(page: LedgerPage) -> PageReading:
    first, last = whole_number(page.first_id), whole_number(page.last_id)
    return PageReading(page.page, page.total, page.records, first=first, last=last)


def give_up(reading: Reading, history: History, settings: Settings, *, accepts_gaps: bool) -> None:
    """Make gaps of the pages that failed in too many runs, or of all that failed where gaps are accepted.

    A window that came whole as far as can be told, and could not be proven in as many runs, is a gap as a whole. A
    first load or a full reading never closes with gaps unless they are accepted, and never where not even the
    total is known; a day of which nothing is known is given up as a whole.
    """
    for page, error in reading.troubles().items():
        runs = history.failures.get((reading.window, page), 0) + 1
        is_given_up = accepts_gaps or (reading.window != FULL and runs >= settings.gap_after_runs)
        if is_given_up and not reading.is_unknown:
            reading.gaps[page] = error
        elif is_given_up and reading.window != FULL:
            reading.gaps[WHOLE_WINDOW] = error
    is_unproven = bool(reading.verdict()) and not reading.troubles() and reading.total > 0
    runs = history.attempts.get(reading.window, 0) + 1
    if is_unproven and (accepts_gaps or (reading.window != FULL and runs >= settings.gap_after_runs)):
        reading.gaps[WHOLE_WINDOW] = reading.verdict()
