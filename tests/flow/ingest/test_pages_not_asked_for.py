"""An API whose pages, places and totals do not say the same: nothing less than the whole is ever called loaded.

Each table of a lake meets a lie of its own. `PLANLAKE_SOAK=1` (`make soak`) makes 400 lies of the 40 drawn by chance.
"""

import json
import os
import random
from dataclasses import dataclass

import pytest

from conftest import feeding, table_of
from flow.ingest.served import DAY_1, asked, fill, held, ledger, served, settings_of
from planlake.report.status import status
from planlake.simulator.app import Speech
from planlake.simulator.faults import Answer

IS_SOAK = os.environ.get("PLANLAKE_SOAK", "0") != "0"
PAGE = 10


@dataclass(frozen=True)
class Lie:
    """What an API does instead of answering the page asked for; `None` where it is honest.

    `ignores_from` is the first page in place of which page 1 comes; `moved` by how many records each later page begins
    off its place; `total` what it says in place of the total; `stops_at` the first page that is answered with nothing;
    `says_page` whether it says the number asked for; `size` how many records a page really has.
    """

    records: int = 40
    ignores_from: int | None = None
    moved: int = 0
    total: int | None = None
    stops_at: int | None = None
    says_page: bool = True
    size: int = PAGE
    knows_ids: bool = True

    def answer(self, data, resource, query):
        filters = {name: value for name, value in query.items() if name != "page"}
        if "id" in filters and not self.knows_ids:
            filters.pop("id")
        number = int(query.get("page", "1"))
        total, _ = data.page(resource, filters, 1)
        ids = (
            data.ids(resource)
            if "id" not in filters
            else [one for one in data.ids(resource) if str(one) == filters["id"]]
        )
        shown = 1 if self.ignores_from and number >= self.ignores_from and "id" not in filters else number
        start = max(0, (shown - 1) * self.size + (self.moved * (shown - 1) if "id" not in filters else 0))
        bodies = [json.dumps(data.record(resource, one)) for one in ids[start : start + self.size]]
        if (self.stops_at and number >= self.stops_at) or not bodies:
            return Answer(202, {}, b"")
        said = total if self.total is None or "id" in filters else self.total
        place = number if self.says_page else shown
        headers = {"X-Number-Of-Results": said, "X-Results-Per-Page": PAGE, "X-Page-Number": place}
        text = {name: str(value) for name, value in headers.items()}
        return Answer(200, text, f"[{','.join(bodies)}]".encode())


LIES = {
    "page_ignored": Lie(ignores_from=2),
    "page_ignored_and_id_too": Lie(ignores_from=2, knows_ids=False),
    "page_ignored_and_said": Lie(ignores_from=2, says_page=False),
    "last_page_ignored": Lie(ignores_from=4),
    "page_ignored_in_a_whole_multiple": Lie(records=100, ignores_from=2),
    "overlapping_by_half": Lie(moved=-5),
    "overlapping_by_one": Lie(moved=-1),
    "skipping_one": Lie(moved=1),
    "total_nought": Lie(records=120, total=0),
    "total_of_a_page": Lie(records=120, total=10),
    "total_of_two_pages": Lie(records=120, total=20),
    "total_too_low": Lie(records=120, total=95),
    "total_one_too_low": Lie(records=120, total=119),
    "total_one_too_high": Lie(total=41),
    "total_far_too_high": Lie(records=25, total=100_000),
    "total_beyond_all_bounds": Lie(records=25, total=1_000_000_000),
    "total_far_too_high_and_page_ignored": Lie(ignores_from=2, total=1_000_000),
    "page_ignored_and_said_and_total_far_too_high": Lie(ignores_from=2, says_page=False, total=50_000),
    "skipping_one_and_total_too_low": Lie(ignores_from=3, moved=1, total=20),
    "nothing_from_page_3_on": Lie(stops_at=3),
    "pages_too_small": Lie(size=8),
    "pages_too_large": Lie(size=12),
}


def drawn(number):
    """Lies drawn by chance, several at a time."""
    chance = random.Random(f"lie {number}")
    return Lie(
        records=chance.choice([7, 10, 20, 30, 33, 40]),
        ignores_from=chance.choice([None, None, 2, 3, 4]),
        moved=chance.choice([0, 0, -10, -5, -1, 1, 3]),
        total=chance.choice([None, None, None, 0, 5, 10, 20, 30, 31, 50, 5000]),
        stops_at=chance.choice([None, None, None, 1, 2, 3]),
        says_page=chance.random() < 0.8,
        size=chance.choice([PAGE, PAGE, PAGE, PAGE - 1, PAGE + 1, 1]),
        knows_ids=chance.random() < 0.8,
    )


DRAWN = {f"drawn_{number}": drawn(number) for number in range(400 if IS_SOAK else 40)}
ALL = {**LIES, **DRAWN}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A lake with a table for every lie, and what its first run made of them."""

    def page(data, resource, query):
        return ALL[resource].answer(data, resource, query)

    folder, names = tmp_path_factory.mktemp("lies"), list(ALL)
    with feeding(served(names, page_size=PAGE), folder, settings_of(names), Speech(page)) as feed:
        for name, lie in ALL.items():
            fill(feed.data, name, lie.records)
        result = feed.run_at(DAY_1)
        yield feed, result, {one.table: one for one in status(feed.config).tables}


@pytest.mark.parametrize("name", ALL)
def test_only_what_an_api_shows_without_contradiction_is_called_whole(told, name):
    feed, result, known = told
    done = table_of(result, name)
    assert done.outcome in ("loaded", "unchanged", "open")
    if done.outcome == "open":
        assert not known[name].is_complete
        assert "internal error" not in done.message
        return
    lie, has = ALL[name], held(feed, name)
    said = [total for (total,) in ledger(feed, name, "total_results", "event = 'page' and total_results is not null")]
    assert len(has) == (said[-1] if said else 0)
    behind = lie.answer(feed.data, name, {"page": str(-(-len(has) // PAGE) + 1)})
    new = {int(one["id"]) for one in json.loads(behind.body or b"[]")} - has.keys()
    assert not new


@pytest.mark.parametrize("name", [name for name in LIES if name != "skipping_one"])
def test_every_known_lie_leaves_its_table_open_with_a_reason(told, name):
    _, result, known = told
    done = table_of(result, name)
    assert (done.outcome, result.exit_code) == ("open", 1)
    assert known[name].published is None
    assert done.message


@pytest.mark.parametrize("name", ALL)
def test_what_an_api_says_makes_no_requests_without_end(told, name):
    feed, _, _ = told
    assert len(asked(feed, name)) < 100


def test_what_was_refuted_is_said_in_a_sentence(told):
    _, result, _ = told
    reasons = {name: table_of(result, name).message.partition(": ")[2] for name in LIES}
    assert reasons["page_ignored"] == "pages 1 to 4 hold the same records"
    assert reasons["last_page_ignored"] == "the API says 40 records, 30 different ones came"
    assert reasons["total_nought"] == "the API says 0 records, 10 came"
    assert reasons["total_of_a_page"] == "the API says 10 records, and more came behind them"
    assert reasons["skipping_one_and_total_too_low"] == "the API says 20 records, 21 different ones came"
    assert reasons["total_far_too_high"] == "the API says 100,000 records, and nothing came on page 4"
