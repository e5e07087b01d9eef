"""The bare prototype: the same API to Parquet files, without Iceberg, ledger, checks or anything else one would miss.

python benchmarks/bare.py http://127.0.0.1:8000/rest/v1 FOLDER TYPES.json [DAY]

Fetches with aiohttp, splits with msgspec, takes apart and casts with DuckDB, writes one file per range of ids. With a
day, only what changed on it is asked for, and only the ranges it lies in are written anew.
"""

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import aiohttp
import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

CONNECTIONS = 8
BATCH_BYTES = 64 * 2**20
RANGE = {"applications": 1_000, "documents": 20_000}
SQL_TYPES = {"integer": "INTEGER", "long": "BIGINT", "double": "DOUBLE", "float": "DOUBLE", "timestamp": "TIMESTAMP"}
PAGE = msgspec.json.Decoder(list[msgspec.Raw])


async def fetched(url: str, day: str | None) -> list[list[bytes]]:
    """Batches of page bodies of a resource."""
    window = f"&last_updated={day}" if day else ""
    batches: list[list[bytes]] = [[]]
    waiting = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS), read_bufsize=2**20) as session:
        async with session.get(f"{url}?page=1{window}") as response:
            batches[-1].append(await response.read())
            total, size = (int(response.headers[name]) for name in ("X-Number-Of-Results", "X-Results-Per-Page"))
        numbers = iter(range(2, -(-total // size) + 1))

        async def fetch() -> None:
            nonlocal waiting
            for number in numbers:
                async with session.get(f"{url}?page={number}{window}") as response:
                    body = await response.read()
                waiting += len(body)
                batches[-1].append(body)
                if waiting > BATCH_BYTES:
                    batches.append([])
                    waiting = 0

        await asyncio.gather(*(fetch() for _ in range(CONNECTIONS)))
    return [batch for batch in batches if batch]


def typed(connection: duckdb.DuckDBPyConnection, bodies: list[bytes], types: Mapping[str, str]) -> pa.Table:
    """The records of page bodies, parsed and cast."""
    texts = [bytes(raw) for body in bodies for raw in PAGE.decode(body)]
    connection.register("batch", pa.table({"text": pa.array(texts, pa.large_binary()).cast(pa.large_string())}))
    keys = list(json.loads(texts[0]))
    structure = json.dumps(dict.fromkeys(keys, "VARCHAR"))
    parsed = connection.sql(f"select unnest(from_json(text, '{structure}')) from batch").to_arrow_table()
    connection.register("parsed", parsed)
    terms = [
        f'try_cast("{key}" as {SQL_TYPES[types[key]]}) as "{key}"' if types.get(key) in SQL_TYPES else f'"{key}"'
        for key in keys
        if key != "gis_map_image_base64"
    ]
    return connection.sql(f"select {', '.join(terms)} from parsed").to_arrow_table()


def ranges(rows: pa.Table, width: int) -> Iterator[tuple[int, pa.Table]]:
    """Rows of each range of ids."""
    numbers = pc.divide(rows["id"], width)
    for number in numbers.unique().to_pylist():
        yield number, rows.filter(pc.equal(numbers, number))


def write(rows: pa.Table, file: Path) -> None:
    """One file; rows it holds already under other ids stay."""
    if file.exists():
        held = pq.read_table(file)
        kept = held.filter(pc.invert(pc.is_in(held["id"], rows["id"].combine_chunks())))
        rows = pa.concat_tables([kept, rows.cast(held.schema)])
    pq.write_table(rows, file, compression="zstd", compression_level=1, use_dictionary=False, write_statistics=["id"])


def load(base_url: str, folder: Path, types: Mapping[str, Mapping[str, str]], day: str | None) -> None:
    connection = duckdb.connect()
    for resource, columns in types.items():
        (folder / resource).mkdir(parents=True, exist_ok=True)
        for bodies in asyncio.run(fetched(f"{base_url}/{resource}", day)):
            for number, rows in ranges(typed(connection, bodies, columns), RANGE[resource]):
                write(rows, folder / resource / f"{number}.parquet")


if __name__ == "__main__":
    url, target, described, *days = sys.argv[1:]
    load(url, Path(target), json.loads(Path(described).read_text()), days[0] if days else None)
