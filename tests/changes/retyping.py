"""One table of 50 records, one of whose amounts is none; its columns get other types in the catalogue."""

from contextlib import contextmanager
from datetime import datetime

from conftest import feeding, written_config
from flow.tables import COLUMNS, DAY_1, columns_with
from flow.tables import numbered as thing
from planlake.simulator.dataset import Dataset

CELLS = (
    'select batch::int as batch, id, "column", raw_value, wanted_type from uncastable order by "column", batch, id::int'
)


def declared(more="", **types):
    """YAML of one daily table; types given here are laid over the usual ones, `more` stands beside its columns."""
    columns = f"columns: {{{columns_with(**types)}}}{more}"
    return f"source: tascomi\nresources:\n  things: {{{columns}}}\ntables: {{daily: [things]}}\n"


def declare(feed, more="", **types):
    feed.config = written_config(feed.simulator, feed.config.folder, declared(more, **types))


@contextmanager
def loaded(folder, more=""):
    """The table, loaded on the first day."""
    data = Dataset({"things": COLUMNS}, now=datetime.fromisoformat(DAY_1))
    with feeding(data, folder, declared(more)) as made:
        for identity in range(1, 51):
            data.put("things", thing(identity, amount="n/a" if identity == 7 else f"{identity}.5"))
        made.run_at(DAY_1)
        yield made
