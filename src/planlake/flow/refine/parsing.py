"""Takes records apart: finds all keys in raw rows, and reads the rows as tables with one column of texts per key."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.parsing import SAYS_A_KEY_TWICE, keys_and_others, parse_by_python, parse_records
from planlake.engines.sql import identifier
from planlake.lake.tables.columns import IMPORT_COLUMNS
from planlake.lake.tables.parquet import uncompressed_bytes
from planlake.sources.records import texts_of

IS_MENDED = "planlake read other bytes than UTF-8"  # no vendor's column has a name like this


@dataclass(frozen=True, slots=True)
class RecordKeys:
    """Keys of records to be refined: those of regular records, and those that only others have, if there are others."""

    regular: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    has_others: bool = False

    def __add__(self, other: "RecordKeys") -> "RecordKeys":
        """The keys of two lots of records together."""
        regular, others = {*self.regular, *other.regular}, {*self.others, *other.others}
        return RecordKeys(tuple(sorted(regular)), tuple(sorted(others - regular)), self.has_others or other.has_others)


def keys_in(cursor: Connection, rows: str, dropped: Collection[str]) -> RecordKeys:
    """Every key in raw rows, a table expression, but those that are dropped."""
    regular, texts = keys_and_others(cursor, rows)
    others = {key for text in texts for key in texts_of(text) or {}} - regular
    return RecordKeys(tuple(sorted(regular - set(dropped))), tuple(sorted(others - set(dropped))), bool(texts))


def groups_of_files(table: Table, files: Sequence[DataFile], limit: int, *, among: int) -> Iterator[list[DataFile]]:
    """Files in groups of about equal size, as many for each of the workers they are shared `among`.

    A group holds at most `limit` bytes of columns before compression, one file at least; little is not divided.
    """
    sizes = [uncompressed_bytes(table, file) for file in files]
    rounds = -(-sum(sizes) // (limit * among))
    share = max(limit // 8, sum(sizes) // max(1, rounds * among))
    group: list[DataFile] = []
    size = 0
    for file, weight in zip(files, sizes, strict=True):
        if group and size + weight > limit:
            yield group
            group, size = [], 0
        group.append(file)
        size += weight
        if size >= share:
            yield group
            group, size = [], 0
    if group:
        yield group


def read_texts(cursor: Connection, rows: str, keys: Mapping[str, str], found: RecordKeys) -> pa.Table:
    """All rows with one text column per key beside Planlake's own, and `IS_MENDED`.

    Regular records take the engine's fast way, unless their keys differ only in case, which it cannot tell apart.
    `found` are the keys of these rows, or of more: where all records are regular by it, no others are looked for.
    """
    own = ", ".join(IMPORT_COLUMNS)
    renamed = "request_id as import_request_id, position as import_position"
    mended = f"api_response_base64 is not null as {identifier(IS_MENDED)}"
    columns = f"{own}, {renamed}, record_hash, batch, is_deleted, {mended}, is_regular, api_response"
    sent = set(found.regular)
    fast = {key: column for key, column in keys.items() if key in sent}
    is_told_apart = bool(fast) and len({key.lower() for key in fast}) == len(fast)
    regular, is_regular = None, "false"
    for is_regular in ("is_regular", f"is_regular and not ({SAYS_A_KEY_TWICE})") if is_told_apart else ():
        regular = parse_records(cursor, f"(select {columns} from {rows} where {is_regular})", fast)
        if regular is not None:
            break
    parts = [_with_missing(regular, keys.values())] if regular is not None else []
    if is_regular == "is_regular" and not found.has_others:
        return parts[0]
    slow = cursor.sql(f"select {columns} from {rows} where ({is_regular}) is not true").to_arrow_table()
    if slow.num_rows or not parts:
        parts.append(parse_by_python(slow.drop_columns("is_regular"), keys, texts_of))
    names = parts[0].column_names
    return pa.concat_tables([part.select(names) for part in parts], promote_options="permissive")


def _with_missing(rows: pa.Table, columns: Iterable[str]) -> pa.Table:
    """The rows with every column, NULL where none of them had the key."""
    names = rows.column_names
    present = set(names)
    missing = [column for column in columns if column not in present]
    if not missing:
        return rows
    nothing = pa.nulls(len(rows), pa.string())
    return pa.table([*rows.columns, *(nothing for _ in missing)], names=[*names, *missing])
