"""Answers of a lake that is open: what `planlake sql` shows, without a database of its own for each of many queries."""

from planlake.lake.views.parse_query import parse_query
from planlake.lake.views.query import unknown


def answer(views, query):
    """The rows of a query as an Arrow table."""
    for names in parse_query(views.connection, query).tables:
        if not views.define(*names):
            raise unknown(views, *names)
    return views.connection.sql(query).to_arrow_table()
