"""Random histories: after every run current, history and increment equal the oracle's, and at the end every past day.

A table of a lake is a history of its own; every example carries a table of each kind below, so 2 examples are 20
histories. `PLANLAKE_SOAK=1` (`make soak`) makes it 1,000; `PLANLAKE_SHRINK=1` looks for the smallest that fails.
"""

import os
import shutil

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from conftest import feeding
from flow.killing import Commits
from flow.remembering import KINDS, PAGE_SIZE, Lake, settings_of
from histories import TIMES, Step, histories
from report.showing import Showing

IS_SOAK = os.environ.get("PLANLAKE_SOAK", "0") != "0"
EXAMPLES, MORE_STEPS = (1000 // len(KINDS), 3) if IS_SOAK else (20 // len(KINDS), 1)
PHASES = [Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if "PLANLAKE_SHRINK" in os.environ else [])]
COMMITS = 40  # about as many as a run of all kinds makes
ONE_OF_EACH = [kind for kind in KINDS if kind[0] in ("numbered_1", "lettered_1")]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def feed(tmp_path_factory):
    with feeding(
        Showing([name for name, *_ in KINDS], page_size=PAGE_SIZE), tmp_path_factory.mktemp("histories"), settings_of()
    ) as made:
        yield made


def lived(feed, folder, history, kinds=KINDS):
    """Live through a history, comparing all the way."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        lake = Lake(feed, folder, Commits(monkeypatch), kinds)
        for step in history:
            lake.take(step)
        if lake.is_behind:
            lake.repeat()
        with pytest.MonkeyPatch.context() as without_tags:
            lake.check_every_day(without_tags)
        return lake.commits.number


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=PHASES,
    derandomize=not IS_SOAK,  # the same ones in every CI run; new ones in make soak
)
@given(history=histories(len(KINDS), COMMITS, MORE_STEPS))
def test_after_every_run_and_for_every_past_day_the_tables_are_what_the_oracle_says(feed, tmp_path_factory, history):
    folder = tmp_path_factory.mktemp("lake")
    lived(feed, folder, history)
    shutil.rmtree(folder)


# ---------------------------------------------------------------- one of everything

CONTRADICTED = (
    ("contradict", 0, 1),
    ("repeat", 0, 1),
    ("contradict", 1, 2),
    ("contradict", 3, 3),
    ("put_undated", 4, 2),
    ("repeat", 5, 1),
)
DAYS = (
    tuple(("put", who, who + 1) for who in range(6)),
    (*CONTRADICTED, ("contradict", 4, 0), ("delete", 2, 0), ("spoil_a_cell", 5, 0), ("add_a_column", 5, 0)),
    (*(("stop_repeating", who, 0) for who in range(6)), ("bring_back", 2, 1), ("put_back_dated", 1, 9)),
    (("drop_a_column", 0, 0), ("put_with_a_date_that_does_not_cast", 3, 4), ("delete", 1, 0)),
)


def test_a_history_with_one_of_everything_is_as_the_oracle_says(feed, tmp_path):
    steps = [
        Step(1, time, "full", 0, False, True, (changes, changes)) for time, changes in zip(TIMES, DAYS, strict=True)
    ]
    lived(feed, tmp_path, steps, ONE_OF_EACH)


# ---------------------------------------------------------------- a run killed at each of its commits

BEGINNING = (("put", 0, 1), ("put", 1, 2), ("put", 2, 3), ("put", 3, 4))
CHANGES = (("put", 1, 5), ("delete", 2, 0), ("contradict", 3, 0), ("spoil_a_cell", 0, 0), ("add_a_column", 1, 0))


def killed_at(number, *, is_repeated):
    """A first load, a full reading that is killed before a commit, and the day after."""
    both = (BEGINNING, BEGINNING), (CHANGES, CHANGES), ((), ())
    return [
        Step(0, "03:00", "due", 0, False, True, both[0]),
        Step(1, "03:00", "full", number, False, is_repeated, both[1]),
        Step(1, "03:00", "due", 0, False, True, both[2]),
    ]


@pytest.mark.parametrize("number", range(1, 13))
def test_a_run_killed_before_any_of_its_commits_is_made_up_for_by_the_next(feed, tmp_path, number):
    lived(feed, tmp_path, killed_at(number, is_repeated=bool(number % 2)), ONE_OF_EACH)


@pytest.mark.parametrize("number", range(1, 8))
def test_a_first_load_killed_before_any_of_its_commits_is_made_up_for_by_the_next(feed, tmp_path, number):
    steps = [Step(0, "03:00", "due", number, False, True, (BEGINNING, BEGINNING))]
    lived(feed, tmp_path, steps, ONE_OF_EACH)
