"""What people call types: the words of the catalogue and of planlake.yaml, wherever a column is shown."""

import re

import pyarrow as pa

OF_SQL = (  # DuckDB's names; of whole numbers those of at most 32 bits are integers, as in the catalogue
    (re.compile(r"U?(TINY|SMALL)INT|INTEGER"), "integer"),
    (re.compile(r"U?BIGINT|U?INTEGER"), "long"),
    (re.compile(r"U?HUGEINT|DECIMAL.*"), "decimal"),
    (re.compile(r"DOUBLE|FLOAT"), "double"),
    (re.compile(r"TIMESTAMP.*"), "timestamp"),
    (re.compile(r"VARCHAR|JSON|UUID|ENUM.*"), "text"),
)


def word_of_sql(kind: str) -> str:
    """The word for a type of DuckDB, such as `BIGINT`."""
    if kind.endswith("]"):
        return f"list of {word_of_sql(kind[: kind.rindex('[')])}"
    if kind.startswith(("STRUCT", "MAP")):
        return "structure" if kind.startswith("STRUCT") else "map"
    return next((word for one, word in OF_SQL if one.fullmatch(kind)), kind.lower())


def word_of_declared(kind: str) -> str:
    """The word for a type that a catalogue declares: a float is a double, an instant with a zone a timestamp."""
    return {"float": "double", "timestamp_utc": "timestamp"}.get(kind, kind)


def word_of(kind: pa.DataType) -> str:
    """The word for a type of Arrow, as DuckDB's answers have it."""
    if pa.types.is_dictionary(kind):
        return word_of(kind.value_type)
    if pa.types.is_map(kind) or pa.types.is_struct(kind):
        return "map" if pa.types.is_map(kind) else "structure"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return f"list of {word_of(kind.value_type)}"
    return next((word for is_one, word in OF_ARROW if is_one(kind)), str(kind))


OF_ARROW = (
    (lambda kind: pa.types.is_integer(kind) and (kind.bit_width < 32 or kind == pa.int32()), "integer"),
    (pa.types.is_integer, "long"),
    (pa.types.is_floating, "double"),
    (pa.types.is_decimal, "decimal"),
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_timestamp, "timestamp"),
    (pa.types.is_date, "date"),
    (pa.types.is_time, "time"),
    (lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind), "text"),
)
