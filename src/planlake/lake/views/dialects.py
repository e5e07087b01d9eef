"""The three dialects in which the views are told to others, as far as they differ.

Athena's is Trino's, Presto's as Glue calls it. What all three say alike (`max_by`, `substr`, `split_part`, `lag`)
stands in the definitions themselves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from planlake.engines.sql import identifier, literal


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one engine says what the others say otherwise; arguments are SQL, but for names and keys.

    `found` is the value of a key in a record that consists of texts, taken apart by `parsed`; `found_in_any` that in
    any other record, as text: NULL where there is no such key or the record is not JSON. It is None where `parsed`
    takes any record.
    """

    name: str
    quoted: Callable[[str], str]
    table: Callable[[str, str], str]
    types: Mapping[str, str]
    day: Callable[[str], str]  # in London, `YYYYMMDD`, of an instant in UTC
    seconds: Callable[[str], str]  # since 1970 with six decimals, as text
    words: Callable[[str], str]  # a list of what spaces separate
    series: Callable[[str, str, str], str]  # a list of whole numbers: first, last, step
    each: Callable[[str, str, str], str]  # follows a table: a row for each item of a list; the list, a name, its column
    parsed: Callable[[str], str]
    found: Callable[[str, str], str]
    found_in_any: Callable[[str, str], str] | None
    text: str = field(default="varchar")


def _path(key: str) -> str:
    return literal(f'$."{_escaped(key)}"')


def _escaped(key: str) -> str:
    return key.replace("\\", "\\\\").replace('"', '\\"')


def _by_path(record: str, key: str) -> str:
    """A value by its path, which takes its text as it stands; what is no single value is JSON."""
    path = literal(f'$["{_escaped(key)}"]')
    in_json = f"nullif(json_format(json_extract({record}, {path})), 'null')"
    return f"coalesce(json_extract_scalar({record}, {path}), {in_json})"


def _in_backticks(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _in_spark(text: str) -> str:
    """A literal of Spark, which takes a backslash for the beginning of an escape."""
    return literal(text.replace("\\", "\\\\")).replace("''", "\\'")


TYPES = {"integer": "integer", "long": "bigint", "double": "double", "boolean": "boolean", "timestamp": "timestamp(6)"}
ATHENA = Dialect(
    "athena",
    quoted=identifier,
    table=lambda database, name: f"{identifier(database)}.{identifier(name)}",
    types={**TYPES, "text": "varchar"},
    day=lambda instant: f"date_format(with_timezone({instant}, 'UTC') at time zone 'Europe/London', '%Y%m%d')",
    seconds=lambda instant: f"cast(cast(to_unixtime({instant}) as decimal(20, 6)) as varchar)",
    words=lambda text: f"split({text}, ' ')",
    series=lambda first, last, step: f"sequence({first}, {last}, {step})",
    each=lambda items, name, column: f"cross join unnest({items}) as {name}({column})",
    parsed=lambda record: f"cast(json_parse({record}) as map(varchar, varchar))",
    found=lambda parsed, key: f"element_at({parsed}, {literal(key)})",
    found_in_any=_by_path,
)
DUCKDB = Dialect(
    "duckdb",
    quoted=identifier,
    table=ATHENA.table,
    types={**TYPES, "timestamp": "timestamp", "text": "varchar"},
    day=lambda instant: f"strftime(timezone('Europe/London', timezone('UTC', {instant})), '%Y%m%d')",
    seconds=lambda instant: f"cast(cast(epoch({instant}) as decimal(20, 6)) as varchar)",
    words=lambda text: f"string_split({text}, ' ')",
    series=lambda first, last, step: f"generate_series({first}, {last}, {step})",
    each=ATHENA.each,
    parsed=lambda record: f"""from_json({record}, '"MAP(VARCHAR, VARCHAR)"')""",
    found=lambda parsed, key: f"{parsed}[{literal(key)}]",
    found_in_any=lambda record, key: (
        f"case when json_valid({record}) then json_extract_string({record}, {_path(key)}) end"
    ),
)
SPARK = Dialect(
    "spark",
    quoted=_in_backticks,
    table=lambda database, name: f"planlake.{_in_backticks(database)}.{_in_backticks(name)}",
    types={**TYPES, "integer": "int", "timestamp": "timestamp_ntz", "text": "string"},
    day=lambda instant: f"date_format(from_utc_timestamp({instant}, 'Europe/London'), 'yyyyMMdd')",
    seconds=lambda instant: f"cast(cast(unix_micros(cast({instant} as timestamp)) / 1e6 as decimal(20, 6)) as string)",
    words=ATHENA.words,
    series=ATHENA.series,
    each=lambda items, name, column: f"lateral view explode({items}) {name} as {column}",
    parsed=lambda record: f"from_json({record}, 'map<string, string>')",
    found=lambda parsed, key: f"try_element_at({parsed}, {_in_spark(key)})",
    found_in_any=None,
    text="string",
)
DIALECTS = {one.name: one for one in (ATHENA, DUCKDB, SPARK)}
