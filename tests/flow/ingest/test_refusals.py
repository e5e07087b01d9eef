"""What ends a run: keys or a clock that are refused, an API that is gone, at each stage; and how many ask at once."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from conftest import feeding, table_of
from flow.ingest.served import DAY_1, DAY_2, DAY_3, DAY_4, assert_equal, fill, held, ledger, served, settings_of
from planlake.errors import SourceError, SourceRefused
from planlake.simulator.faults import FaultPlan, Rule

STAGES = {
    "a window of one page": ("2026-11-18", "1"),
    "the first page": ("2026-11-17", "1"),
    "a page in the middle": ("2026-11-17", "2"),
    "the last page": ("2026-11-17", "4"),
    "the recount": ("2026-11-16", "1"),
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A table whose next run counts the 16th again, reads the 17th in four pages and the 18th in one."""
    with feeding(
        served(["things"], now="2026-11-16T03:00:00"), tmp_path_factory.mktemp("loaded"), settings_of(["things"])
    ) as made:
        made.run_at("2026-11-16T03:00:00")
        fill(made.data, "things", 4, "2026-11-16 09:00:00")
        made.run_at(DAY_1)
        fill(made.data, "things", 2, "2026-11-16 22:00:00", start=20)
        fill(made.data, "things", 7, "2026-11-17 09:00:00", start=30)
        fill(made.data, "things", 2, "2026-11-18 09:00:00", start=40)
        yield made, made.remembered()


def rule(stage, **fault):
    day, page = STAGES[stage]
    return Rule(resource="things", query={"last_updated": day, "page": page}, times=None, **fault)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(("minutes", "said"), [(0, "the keys are wrong"), (7, "clock is 4"), (-7, "clock is 4")])
def test_a_refusal_at_any_stage_ends_the_run_and_leaves_the_old_version_live(feed, stage, minutes, said):
    before = held(feed, "things")
    date = format_datetime(datetime.now(UTC) - timedelta(minutes=minutes), usegmt=True)
    feed.fail(rule(stage, status=401, headers={"Date": date}))
    with pytest.raises(SourceRefused, match=said) as raised:
        feed.run_at(DAY_3)
    assert (raised.value.exit_code, bool(raised.value.state), bool(raised.value.hint)) == (3, True, True)
    assert held(feed, "things") == before
    feed.fail()
    assert feed.run_at("2026-11-19T05:00:00").exit_code == 0
    assert_equal(feed, "things")


@pytest.mark.parametrize("stage", STAGES)
def test_an_api_that_goes_away_at_any_stage_is_asked_again_when_it_is_back(feed, stage):
    """From that request on nothing listens any more: it is reset, and new connections are refused."""
    before = held(feed, "things")
    feed.fail(rule(stage, reset=True, mutate=lambda body: stop_listening(feed, body)))
    try:
        result = table_of(feed.run_at(DAY_3), "things")
        assert result.outcome == "open" or "2026-11-16" in result.message
    except SourceError:
        assert held(feed, "things") == before
    feed.simulator.stop()
    feed.fail()
    feed.simulator.start()
    assert feed.run_at(DAY_4).exit_code == 0
    assert_equal(feed, "things")


def stop_listening(feed, body):
    for server in feed.simulator._server.servers:
        server.close()
    return body


def test_what_one_table_is_refused_leaves_what_another_one_was_given(tmp_path):
    with feeding(served(["calm", "things"]), tmp_path, settings_of(["calm", "things"])) as feed:
        fill(feed.data, "calm", 4)
        fill(feed.data, "things", 4)
        feed.fail(Rule(resource="things", query={"page": "2"}, delay=1, status=401, times=None))
        with pytest.raises(SourceRefused):
            feed.run_at(DAY_1)
        feed.fail()
        assert feed.run_at(DAY_2).exit_code == 0
        assert_equal(feed, "calm", "things")


# ---------------------------------------------------------------- how many ask at once

SERVING = 0.08


class Watched(FaultPlan):
    """Every answer takes a while; some are refused; how many were on the way at each request is kept."""

    def __init__(self, status, refused):
        super().__init__()
        self.status, self.refused = status, refused
        self.arrivals = []

    def next_for(self, resource, query):
        now = time.monotonic()
        self.arrivals.append(now)
        number = len(self.arrivals)
        if number in self.refused:
            return Rule(status=self.status, body=b"", delay=SERVING)
        return Rule(delay=SERVING)

    def together(self):
        """For each request how many others came within the time that an answer takes."""
        return [sum(1 for other in self.arrivals if 0 <= one - other < SERVING * 0.9) for one in self.arrivals]


@pytest.mark.parametrize("status", [429, 503])
def test_concurrency_halves_when_the_api_asks_for_it_and_recovers(tmp_path, status):
    with feeding(served(["things"]), tmp_path, settings_of(["things"], concurrency=8)) as feed:
        fill(feed.data, "things", 320)
        watched = Watched(status, refused=range(30, 33))
        feed.simulator.faults = watched
        assert feed.run_at(DAY_1).exit_code == 0
        found = watched.together()
        assert max(found[10:29]) == 8
        assert max(found[38:44]) <= 5
        assert max(found[-40:]) == 8
        assert_equal(feed, "things")
        assert sum(attempts - 1 for (attempts,) in ledger(feed, "things", "attempts", "event = 'page'")) == 3
