"""Every setting at the end of its range: a run does what it does, or says why not; none is a defect of ours."""

import pytest

from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, assert_equal, fill, served, settings_of
from planlake.config import Settings

# how slow the machine of a test is decides, and words have no ends
NOT_TRIED = ("log", "lake_readers", "engine", "timeout_seconds", "connect_timeout_seconds")


def ends(kind):
    """All settings at their lowest or highest, as YAML."""
    found = {}
    for name, field in Settings.model_fields.items():
        if name not in NOT_TRIED:
            found[name] = next(getattr(one, kind) for one in field.metadata if hasattr(one, kind))
    return found


@pytest.mark.parametrize("kind", ["ge", "le"])
def test_two_days_are_loaded_with_every_setting_at_its_end(tmp_path, kind):
    data = served(["things"])
    fill(data, "things", 5)
    text = settings_of(["things"]).replace("settings: {attempts: 2, timeout_seconds: 2}", f"settings: {ends(kind)}")
    with feeding(data, tmp_path, text) as feed:
        results = [feed.run_at(DAY_1)]
        fill(data, "things", 3, "2026-11-17 09:00:00", start=5)
        results += feed.run_at(DAY_2), feed.run_at("2026-11-19T03:00:00", is_full=True)
        assert [one.exit_code for one in results] == [0, 0, 0], results
        assert_equal(feed, "things")
