"""The casts behind one call: a table of texts and the types wanted, in; the typed table, out."""

from collections.abc import Callable, Mapping

import pyarrow as pa
import pytest

from planlake.engines.duckdb.casting import cast_columns
from planlake.engines.duckdb.connection import connected


@pytest.fixture(scope="session")
def cast_texts() -> Callable[[pa.Table, Mapping[str, str]], pa.Table]:
    def cast(texts, types):
        with connected(500) as connection:
            return cast_columns(connection, texts, types)

    return cast
