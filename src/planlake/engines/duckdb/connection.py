"""DuckDB: in go files of JSON records, out come typed Arrow tables and the cells that did not cast.

One statement takes records apart, one casts them; both work on whole columns. Which values a type accepts stands in
`casts`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from planlake.engines.spill import spill_folder

Connection = duckdb.DuckDBPyConnection
# Joins keep the sides they are written with: of files without statistics the optimizer takes either side for one row,
# and would put the wide one into memory.
KEPT_SIDES = "build_side_probe_side"


@contextmanager
def connected(memory_limit_megabytes: int) -> Iterator[Connection]:
    """An in-memory DuckDB that spills to this process's folder beyond its memory limit; for SQL of our own only.

    What users write is carried out on a connection of `locked`.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_limit_megabytes}MB",
        "temp_directory": str(spill_folder()),
        "python_enable_replacements": False,  # a name in a query is a table, never a variable of ours
    }
    with duckdb.connect(config=settings) as connection:
        connection.execute(f"set disabled_optimizers = '{KEPT_SIDES}'")
        yield connection
