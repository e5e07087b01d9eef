"""The floor: a bare aiohttp client, 8 connections, that writes the bytes of all pages to disk and does nothing else.

python benchmarks/floor_fetch.py http://127.0.0.1:8000/rest/v1 FOLDER
"""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import aiohttp

RESOURCES = ("applications", "documents")
CONNECTIONS = 8


async def fetch(base_url: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, read_bufsize=2**20) as session:
        for resource in RESOURCES:
            with (folder / f"{resource}.bin").open("wb") as stream:
                await fetch_resource(session, f"{base_url}/{resource}", stream)


async def fetch_resource(session: aiohttp.ClientSession, url: str, stream: BinaryIO) -> None:
    async with session.get(f"{url}?page=1") as response:
        stream.write(await response.read())
        total, size = (int(response.headers[name]) for name in ("X-Number-Of-Results", "X-Results-Per-Page"))
    numbers = iter(range(2, -(-total // size) + 1))
    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(fetch_pages(session, url, numbers, stream))


async def fetch_pages(session: aiohttp.ClientSession, url: str, numbers: Iterator[int], stream: BinaryIO) -> None:
    for number in numbers:
        async with session.get(f"{url}?page={number}") as response:
            stream.write(await response.read())


if __name__ == "__main__":
    asyncio.run(fetch(sys.argv[1], Path(sys.argv[2])))
