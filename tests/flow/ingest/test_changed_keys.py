"""Keys that are changed while a run reads with them: they are read again after a 401, and the run goes on."""

import pytest

from conftest import feeding
from flow.ingest.served import DAY_1, assert_equal, fill, served, settings_of
from planlake.errors import SourceRefused

OLD, NEW = ("public-before", "private-before"), ("public-after", "private-after")
PAGES = 6


@pytest.fixture
def reading(tmp_path):
    """A feed whose keys are in two files; `change(page, kept)` changes the API's from a page on, and what is kept."""
    with feeding(served(["things"]), tmp_path, settings_of(["things"], concurrency=4)) as feed:
        api = feed.config.source_api().model_copy(
            update={"public_key": "file:public.key", "private_key": "file:private.key"}
        )
        feed.config = feed.config.model_copy(update={"api": api})
        feed.simulator._app._keys = OLD
        keep(feed, OLD)
        fill(feed.data, "things", 2 * PAGES)

        def change(page, kept):
            def at_page(_data, _resource, _filters, number):
                if number >= page and feed.simulator._app._keys == OLD:
                    feed.simulator._app._keys = NEW
                    keep(feed, kept)

            feed.data.on_page = at_page

        feed.change = change
        yield feed


def keep(feed, keys):
    for name, key in zip(("public.key", "private.key"), keys, strict=True):
        feed.config.folder.joinpath(name).unlink(missing_ok=True)
        if key:
            feed.config.folder.joinpath(name).write_text(f"{key}\n")


def refused(feed):
    return [request.status for request in feed.simulator.requests].count(401)


@pytest.mark.parametrize("page", [2, PAGES - 1])
def test_keys_changed_in_the_middle_of_a_run_are_read_again_and_nothing_is_missing(reading, page, capfd):
    reading.change(page, NEW)
    assert reading.run_at(DAY_1).exit_code == 0
    assert refused(reading) >= 1
    assert_equal(reading, "things")
    captured = capfd.readouterr()
    assert [key for key in (*OLD, *NEW) if key in captured.out + captured.err] == []


@pytest.mark.parametrize(
    "kept", [OLD, ("public-after", "another"), ("", "")], ids=["as before", "wrong ones", "none any more"]
)
def test_where_there_is_no_good_key_the_run_ends_as_ever_and_names_none(reading, kept, capfd):
    reading.change(2, kept)
    with pytest.raises(SourceRefused, match="the keys are wrong, as this machine's clock is right") as raised:
        reading.run_at(DAY_1)
    captured = capfd.readouterr()
    said = repr(raised.value) + "".join(raised.value.lines()) + captured.out + captured.err
    assert [key for key in (*OLD, *NEW, "another") if key in said] == []
