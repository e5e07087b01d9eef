"""Says in one line which tables were Spark's work and which this machine's, where that goes by what is to be read."""

from collections.abc import Sequence

from planlake.engines.choosing import MEGABYTE, Engines
from planlake.flow.results import TableResult
from planlake.printable import listed


def engines_used(engines: Engines, results: Sequence[TableResult]) -> str:
    """Which engine did which tables, and how much they read; empty where the engine is set, or nothing was done."""
    read = {
        one.table: max(step.read_bytes for step in (one.refine, one.snapshot) if step is not None)
        for one in results
        if one.refine is not None or one.snapshot is not None
    }
    if engines.name != "auto" or not any(read.values()):
        return ""
    spark = [name for name, size in read.items() if engines.name_for(size) == "spark"]
    here = [size for name, size in read.items() if name not in spark]
    limit = f"Spark's from {engines.spark_from_megabytes:,} MB of files to read"
    if not engines.has_spark:
        limit = "Spark is not installed"
    done_here = (
        f"{len(here)} table{'s' * (len(here) != 1)} on this machine (at most {max(here, default=0) / MEGABYTE:,.0f} MB)"
    )
    if not spark:
        return f"engine auto, {limit}: {done_here}"
    sizes = [f"{name} ({read[name] / MEGABYTE:,.0f} MB)" for name in spark]
    return f"engine auto, {limit}: {listed(sizes, 5)} on Spark" + (f", {done_here}" if here else "")
