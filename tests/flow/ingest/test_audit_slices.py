"""Which slice is due and which pages it takes, against plain Python: nothing is fetched and nothing is kept."""

from bisect import insort
from datetime import date, datetime, timedelta
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from planlake.flow.ingest.audit_pages import NotInOrder, SliceReading, Unproven
from planlake.flow.ingest.audit_slices import Interval, Slice, due_slice
from planlake.flow.ingest.fetch import Page
from planlake.lake.row_counts import Held
from planlake.lake.state.audits import Audited
from planlake.lake.state.ledger import FULL, ClosedWindow, History
from planlake.report.audit_share import audited_share, compared_ranges, joined
from planlake.sources.dialect import Totals
from planlake.sources.http.client import Answer
from planlake.sources.records import Records

START = datetime(2026, 1, 1, 3)  # noqa: DTZ001 - as tables keep it
SIZE = 3


class Table:
    """An API's table of ids in order, in pages; `before` may change it before each answer."""

    def __init__(self, ids, before=lambda ids: None):
        self.ids, self.before, self.asked, self.seen = sorted(ids), before, [], set()

    async def page(self, number):
        self.before(self.ids)
        self.asked.append(number)
        shown = self.ids[(number - 1) * SIZE : number * SIZE]
        self.seen |= set(shown)
        totals = Totals(len(self.ids), SIZE, number) if shown else None
        records = Records(ids=[str(one) for one in shown], hashes=["-"] * len(shown))
        return Page("audit", "audit", number, 1, START, Answer("", 200, records, totals=totals), records)

    def read(self, due):
        try:
            SliceReading(self.page, due).read().send(None)  # nothing in it waits, so it runs to its end
        except StopIteration as done:
            return done.value
        raise AssertionError("it waits")


def history(audits=(), records=0):
    return History(closed=(ClosedWindow(FULL, START, records),), audits=tuple(audits), per_page=SIZE)


def audited(interval, top, day, table):
    ends = [None if end is None else str(end) for end in (interval.first, interval.last)]
    return Audited(*ends, top.number, START + timedelta(days=day), len(table.seen), top.total)


def due_on(day, audits, records, audit_days):
    known = history(audits, records)
    return due_slice(known, START.date() + timedelta(days=day), page_size=SIZE, audit_days=audit_days)


@settings(deadline=None)
@given(
    ids=st.sets(st.integers(-50, 400), min_size=1, max_size=120),
    audit_days=st.integers(1, 12),
    steps=st.lists(st.integers(1, 3), min_size=30, max_size=30),
    is_daily=st.booleans(),
)
def test_every_id_is_compared_once_in_the_days_and_the_pages_are_those_it_takes(ids, audit_days, steps, is_daily):
    day, audits = 0, []
    compared_on = dict.fromkeys(ids, 0)
    for step in [1] * (3 * audit_days + 1) if is_daily else steps:
        day += step
        due = due_on(day, audits, len(ids), audit_days)
        if due is None:
            continue
        table = Table(ids)
        interval, top = table.read(due)
        inside = {one for one in ids if interval.has(one)}
        assert inside <= table.seen
        assert len(table.asked) <= due.pages + 1
        assert due.pages <= max(1, -(-4 * -(-len(ids) // SIZE) // audit_days))
        if is_daily:
            assert all(day - compared_on[one] <= audit_days for one in inside)
        compared_on.update(dict.fromkeys(inside, day))
        audits.append(audited(interval, top, day, table))
        assert due_on(day, audits, len(ids), audit_days) is None
    if is_daily:
        assert all(day - on <= audit_days for on in compared_on.values())


def deletes_and_appends(chance, stood):
    """Before each answer some records may go, anywhere, and some come, behind all others."""

    def change(ids):
        for _ in range(chance.choice((0, 0, 1, 2, 7))):
            if len(ids) > 1:
                stood.discard(ids.pop(chance.randrange(len(ids))))
        for _ in range(chance.choice((0, 0, 1, 4))):
            insort(ids, max(ids) + chance.randrange(1, 4))

    return change


@settings(deadline=None)
@given(
    ids=st.sets(st.integers(0, 300), min_size=4, max_size=90),
    place=st.floats(0, 1),
    moved=st.integers(-12, 12),
    pages=st.integers(1, 8),
    is_to_end=st.booleans(),
    seed=st.integers(),
)
def test_a_record_that_stands_the_whole_time_is_seen_however_others_come_and_go(
    ids, place, moved, pages, is_to_end, seed
):
    ordered, stood = sorted(ids), set(ids)
    index = int(place * (len(ordered) - 1))
    page = max(0, (index + 1) // SIZE + moved)  # where the place is thought to be
    due = Slice(pages, page, ordered[index], is_to_end) if page else Slice(pages, is_to_end=is_to_end)
    table = Table(ids, deletes_and_appends(Random(seed), stood))
    try:
        interval, _ = table.read(due)
    except Unproven as reason:
        assert not isinstance(reason, NotInOrder)
        return
    assert interval.first == due.behind
    assert not is_to_end or interval.last is None
    assert {one for one in stood if interval.has(one)} <= table.seen


@settings(deadline=None)
@given(
    intervals=st.lists(st.tuples(st.none() | st.integers(0, 60), st.none() | st.integers(0, 60)), max_size=6),
    held=st.sets(st.integers(0, 60)),
)
def test_what_is_covered_is_what_lies_in_one_of_the_intervals(intervals, held):
    found = [Interval(*ends) for ends in intervals]
    ranges = joined(found)
    assert all(low <= high for low, high in ranges)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(ranges))
    for one in held:
        assert any(low <= one <= high for low, high in ranges) == any(each.has(one) for each in found)


def test_the_share_is_of_the_last_days_alone_and_of_everything_after_a_full_reading():
    slices = [Audited(None, "40", 1, START + timedelta(days=3), 40, 100)]
    slices.append(Audited("40", "60", 1, START + timedelta(days=9), 20, 100))

    def share(day):
        ranges = compared_ranges(history(slices), date(2026, 1, day), audit_days=7)
        held = Held(100, sum(low <= one <= high for one in range(1, 101) for low, high in ranges))
        return audited_share(history(slices), held, date(2026, 1, day), audit_days=7)

    shares = [share(day) for day in (8, 10, 12, 20)]
    assert [(share.percent, share.since and share.since.day) for share in shares] == [
        (100, 1),
        (60, 4),
        (20, 10),
        (0, None),
    ]


def test_a_slice_that_was_voided_is_compared_again_and_one_behind_it_does_not_hide_it():
    days = [START + timedelta(days=day) for day in range(1, 4)]
    slices = [Audited(None, "9", 3, days[0], 9, 60), Audited("18", "27", 9, days[2], 9, 60)]
    due = due_slice(history(slices, 60), date(2026, 1, 5), page_size=SIZE, audit_days=10)
    assert (due.behind, due.page) == (9, 3)


def test_a_forgotten_end_is_no_place_to_go_on_from():
    days = [START + timedelta(days=day) for day in range(1, 4)]
    slices = [Audited(None, "9", 3, days[0], 9, 60), Audited("9", "[forgotten]", 6, days[1], 9, 60)]
    due = due_slice(history(slices, 60), date(2026, 1, 5), page_size=SIZE, audit_days=10)
    assert (due.behind, due.page) == (9, 3)


def test_pages_that_are_not_in_the_order_of_the_ids_end_the_slice():
    table = Table(range(1, 31))
    table.ids.reverse()
    try:
        table.read(Slice(4))
    except NotInOrder as reason:
        assert "not in the order" in str(reason)
    else:
        raise AssertionError("it was read")


def test_a_place_that_moved_far_is_found_by_halves_and_no_page_is_asked_for_in_vain_for_long():
    table = Table(range(1, 301))
    interval, top = table.read(Slice(5, page=80, behind=29))
    assert (interval, top.number) == (Interval(29, 42), 14)
    assert len(table.asked) <= 5 + 2 + 7 + 5
    assert {one for one in table.ids if interval.has(one)} <= table.seen
