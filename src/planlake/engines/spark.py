"""Spark 3.5: in go columns of text, out come typed columns.

Which values a type accepts stands in `casts`, the same as for DuckDB. Spark would also cast what must not be cast
(`12:30` is an instant of today, `1.5d` a number), so here too a value is cast only when all of it matches. What comes
out does not depend on what a session is set to: time zone, ANSI mode, how texts are escaped.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyspark.errors import PySparkRuntimeError
from pyspark.sql import DataFrame, SparkSession

from planlake.engines.casts import CASTS, FALSE_TEXTS, TRUE_TEXTS
from planlake.engines.sql import backquoted
from planlake.errors import ConfigurationError

SQL_TYPES = {"TIMESTAMP": "TIMESTAMP_NTZ"}  # where Spark's name differs; its own TIMESTAMP has a time zone
LOCAL = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.variable.substitute": "false",  # else Spark looks for another column than `${y}`
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",  # else INT96, which few still read
}


@contextmanager
def local_session(
    *, cores: int, memory_megabytes: int, settings: Mapping[str, str] | None = None
) -> Iterator[SparkSession]:
    """A Spark session on this machine, stopped at the end; `settings` are Spark's own and go before ours.

    It listens on loopback only and has a heap of `memory_megabytes`. A process has one session at a time, so a caller
    must not have another open. A ConfigurationError where Java does not start.
    """
    size = {"spark.driver.memory": f"{memory_megabytes}m", "spark.sql.shuffle.partitions": str(cores)}
    builder = SparkSession.builder.master(f"local[{cores}]").appName("planlake")
    for name, value in {**LOCAL, **size, **(settings or {})}.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except PySparkRuntimeError as error:
        hint = "install Java 17, or set JAVA_HOME to its folder"
        raise ConfigurationError("Spark does not start", facts={"reason": error.getErrorClass()}, hint=hint) from None
    try:
        yield session
    finally:
        session.stop()


def cast_columns(texts: DataFrame, types: Mapping[str, str]) -> DataFrame:
    """Cast the columns named in `types`; all other columns stay as they are and keep their place.

    What does not cast is NULL. No two names may differ in case only, as everywhere in Spark. It is one projection and
    given as SQL: 752 columns put together by the DataFrame API take several times as long to plan.
    """
    return texts.selectExpr(*(_cast_sql(name, types.get(name, "text")) for name in texts.columns))


def _cast_sql(column: str, type_name: str) -> str:
    name = backquoted(column)
    if type_name == "text":
        return name
    if type_name == "boolean":
        is_true, is_false = _matches(name, TRUE_TEXTS), _matches(name, FALSE_TEXTS)
        return f"case when {is_true} then true when {is_false} then false end as {name}"
    cast = CASTS[type_name]
    sql_type = SQL_TYPES.get(cast.sql_type, cast.sql_type)
    return f"case when {_matches(name, cast.accepts)} then try_cast({name} as {sql_type}) end as {name}"


def _matches(name: str, accepts: str) -> str:
    """Whether all of a value matches: `$` would also stand before a final newline, and `\\z` holds a backslash.

    No expression of `casts` holds what had to be escaped.
    """
    return f"{name} rlike '^(?:{accepts})(?!(?s:.))'"
