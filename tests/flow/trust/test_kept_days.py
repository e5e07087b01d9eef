"""A day of a trusted table that is not kept any more is said to be gone, and is not shown as empty."""

import pytest

from flow.ingest.served import DAY_1, DAY_2, fill
from flow.trust.test_trust import modelled
from planlake.changes.maintain import maintain


@pytest.fixture
def feed(tmp_path):
    with modelled(tmp_path) as made:
        yield made


def test_a_day_that_is_not_kept_is_told_with_the_next_that_is(feed, typed):
    for number, now in enumerate((DAY_1, DAY_2, "2026-11-20T03:00:00", "2027-01-20T03:00:00")):
        fill(feed.data, "numbered", 3, f"{now[:10]} 01:00:00", start=100 + 3 * number, name=now)
        feed.run_at(now)
    assert feed.rows("select count(*)::int as n from trusted.people", as_of=DAY_1[:10])[0]["n"]
    assert "it was not built by then" in typed("sql", "--as-of", "2026-11-10", "from trusted.people").err
    assert maintain(feed.config)
    said = typed("sql", "--as-of", DAY_1[:10], "from trusted.people")
    assert said.status == 2
    assert f"trusted.people of {DAY_1[:10]} is not kept any more; the first day kept is 20261120" in said.err
    said = typed("sql", "--as-of", "2026-12-05", "from trusted.people")
    assert (said.status, "as built on 20261120" in said.err, "is not kept" in said.err) == (0, True, False)
    assert typed("sql", "--as-of", "20261120", "from trusted.people").status == 0
