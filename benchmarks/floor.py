"""The floor: the least that does the same visible work, to bare Parquet files.

python benchmarks/floor.py http://127.0.0.1:8000/rest/v1 FOLDER TYPES.json [DAY]

Fetches with aiohttp over eight connections, keeps every record as received (`raw/`), takes records apart and casts them
with DuckDB behind the regular expressions of `planlake.engines.casts` (imported, so that both accept the same values;
the SQL around them is this script's own), writes what came (`increment/`) and, per range of ids, the latest version of
each id (`current/`): zstd Parquet, level 1. With a day only what changed on it is asked for, and only the ranges it
lies in are rewritten. No Iceberg, no ledger, no hashes, no comparing with what is held, no report of bad cells, no
checks, nothing that survives a crash: it takes whatever came for complete, and ids within one load for unique.
"""

import asyncio
import json
import sys
import uuid
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import islice
from pathlib import Path

import aiohttp
import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from planlake.engines.casts import CASTS, FALSE_TEXTS, TRUE_TEXTS

CONNECTIONS = 8
BATCH_BYTES = 64 * 2**20
RANGE_CELLS, OWN_COLUMNS = 800_000, 15  # ranges of ids as wide as Planlake's, so that a day touches as many
DROPPED = "gis_map_image_base64"
PAGE = msgspec.json.Decoder(list[msgspec.Raw])


async def pages(url: str, day: str | None) -> AsyncIterator[bytes]:
    """The bodies of a resource's pages, in order."""
    window = f"&last_updated={day}" if day else ""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS), read_bufsize=2**20) as session:

        async def fetch(number: int) -> bytes:
            async with session.get(f"{url}?page={number}{window}") as response:
                return await response.read()

        async with session.get(f"{url}?page=1{window}") as response:
            yield await response.read()
            total, size = (int(response.headers[name]) for name in ("X-Number-Of-Results", "X-Results-Per-Page"))
        numbers = iter(range(2, -(-total // size) + 1))
        waiting = deque(asyncio.create_task(fetch(number)) for number in islice(numbers, CONNECTIONS))
        while waiting:
            yield await waiting.popleft()
            waiting.extend(asyncio.create_task(fetch(number)) for number in islice(numbers, 1))


async def batches(url: str, day: str | None) -> AsyncIterator[list[bytes]]:
    """Page bodies, so many at a time as are worked on together."""
    batch: list[bytes] = []
    size = 0
    async for body in pages(url, day):
        batch.append(body)
        size += len(body)
        if size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def cast_sql(type_name: str) -> str:
    """The guarded cast of a column named `value`."""
    if type_name == "boolean":
        return (
            f"case when regexp_full_match(value, '{TRUE_TEXTS}') then true "
            f"when regexp_full_match(value, '{FALSE_TEXTS}') then false end"
        )
    cast = CASTS[type_name]
    return f"case when regexp_full_match(value, '{cast.accepts}') then try_cast(value as {cast.sql_type}) end"


def typed(connection: duckdb.DuckDBPyConnection, texts: pa.Table, types: Mapping[str, str]) -> pa.Table:
    """Records taken apart and cast, all columns of one type in one statement: planning 475 terms takes longer."""
    keys = list(json.loads(texts["text"][0].as_py()))
    structure = json.dumps(dict.fromkeys(keys, "VARCHAR"))
    connection.register("texts", texts)
    parsed = connection.sql(f"select from_json_strict(text, '{structure}') as record from texts").to_arrow_table()
    columns = dict(zip(keys, parsed["record"].combine_chunks().flatten(), strict=True))
    columns.pop(DROPPED, None)
    for type_name in set(types.values()) - {"text"}:
        names = [name for name in columns if types.get(name) == type_name]
        connection.register("cells", pa.table({"value": pa.chunked_array([columns[name] for name in names])}))
        cells = connection.sql(f"select {cast_sql(type_name)} as value from cells").to_arrow_table()["value"]
        for place, name in enumerate(names):
            columns[name] = cells.slice(place * len(texts), len(texts)).combine_chunks()
    return pa.table(columns)


def write(rows: pa.Table, file: Path) -> None:
    pq.write_table(rows, file, compression="zstd", compression_level=1, use_dictionary=False, write_statistics=["id"])


class Resource:
    """The files of one resource; rows of the range that came last wait, as more of it may follow."""

    def __init__(self, folder: Path, name: str, types: Mapping[str, str]) -> None:
        self.types = types
        self.raw, self.increment, self.current = (folder / zone / name for zone in ("raw", "increment", "current"))
        for zone in (self.raw, self.increment, self.current):
            zone.mkdir(parents=True, exist_ok=True)
        self.connection = duckdb.connect()
        self.waiting: pa.Table | None = None

    def store(self, bodies: list[bytes]) -> None:
        """Everything that becomes of a batch."""
        texts = [bytes(raw) for body in bodies for raw in PAGE.decode(body)]
        table = pa.table({"text": pa.array(texts, pa.large_binary()).cast(pa.large_string())})
        name = f"{uuid.uuid4()}.parquet"
        write(table, self.raw / name)
        rows = typed(self.connection, table, self.types)
        write(rows, self.increment / name)
        *complete, last = self.ranges(rows if self.waiting is None else pa.concat_tables([self.waiting, rows]))
        for number, part in complete:
            self.replace(number, part)
        self.waiting = last[1]

    def finish(self) -> None:
        """Write what waits."""
        if self.waiting is not None:
            for number, part in self.ranges(self.waiting):
                self.replace(number, part)

    def ranges(self, rows: pa.Table) -> Iterator[tuple[int, pa.Table]]:
        """Rows, in the order of their ids, of each range of ids."""
        width = 1 << (RANGE_CELLS // (len(rows.column_names) + OWN_COLUMNS)).bit_length() - 1
        place = 0
        for entry in pc.value_counts(pc.divide(rows["id"], width)).to_pylist():
            yield entry["values"], rows.slice(place, entry["counts"])
            place += entry["counts"]

    def replace(self, number: int, rows: pa.Table) -> None:
        """Write the file of a range; rows it holds already under other ids stay."""
        file = self.current / f"{number}.parquet"
        if file.exists():
            held = pq.read_table(file)
            kept = held.filter(pc.invert(pc.is_in(held["id"], rows["id"].combine_chunks())))
            rows = pa.concat_tables([kept, rows.cast(held.schema)])
        write(rows, file)


async def load(url: str, resource: Resource, day: str | None) -> None:
    """Work on one batch while the next is on its way."""
    working: asyncio.Task[None] | None = None
    async for bodies in batches(url, day):
        if working is not None:
            await working
        working = asyncio.create_task(asyncio.to_thread(resource.store, bodies))
    if working is not None:
        await working
    resource.finish()


def main() -> None:
    base_url, folder, described, *days = sys.argv[1:]
    for name, types in json.loads(Path(described).read_text()).items():
        asyncio.run(load(f"{base_url}/{name}", Resource(Path(folder), name, types), days[0] if days else None))


if __name__ == "__main__":
    main()
