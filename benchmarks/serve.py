"""The serving process: records rendered once into a file, then sent as they lie, so that serving costs next to nothing.

    python benchmarks/serve.py --port 8000 --state full        # 20,000 applications and 200,000 documents
    python benchmarks/serve.py --port 8000 --state day         # what changed on 2026-11-23
    python benchmarks/serve.py --port 8000 --state scattered   # the same number of changes, anywhere
    python benchmarks/serve.py --applications 200000           # the same records over again, under other ids

It speaks as the API does: `/rest/v1/<resource>?page=N`, `&last_updated=DAY`, paging headers, 202 where there is
nothing. Signatures are not checked. One line on stdout says when it listens. More records than are rendered are made
while they are sent, by putting other ids into the rendered ones: a table of any size takes no more disk.
"""

import argparse
import asyncio
import json
import mmap
import re
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from records import DAY, PAGE_SIZE, SCALE, SIZES, changed_ids, full_ids, records

HERE = Path(__file__).parent
RENDERED = HERE / "work" / f"pages-{SCALE:g}"
STATES = ("full", "day", "scattered")
NUMBERED = re.compile("_[0-9]+$")  # `documents_7` shows the same as `documents`: lakes of many large tables
NOTHING = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


def render(resource: str, state: str, folder: Path) -> None:
    """Write the records of a resource, with commas between, and where each begins, unless they are there already."""
    body, index = folder / f"{state}-{resource}.records", folder / f"{state}-{resource}.json"
    if index.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    starts = [0]
    with body.open("wb") as stream:
        for record in records(resource, state):
            starts.append(starts[-1] + stream.write(record) + stream.write(b","))
    index.write_text(json.dumps(starts))


def render_all(state: str, folder: Path) -> None:
    """Write the records of every resource, in as many processes as there are cores."""
    with ProcessPoolExecutor() as workers:
        for rendered in [workers.submit(render, resource, state, folder) for resource in SIZES]:
            rendered.result()


class Rendered:
    """The rendered records of one resource in one state, mapped into memory."""

    def __init__(self, resource: str, state: str, folder: Path) -> None:
        with (folder / f"{state}-{resource}.records").open("rb") as stream:
            self._body = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
        self._starts: list[int] = json.loads((folder / f"{state}-{resource}.json").read_text())
        self.ids = full_ids(resource) if state == "full" else changed_ids(resource, state)

    def record(self, place: int) -> memoryview:
        """One record."""
        return self._body[self._starts[place] : self._starts[place + 1] - 1]

    def page(self, first: int, last: int) -> memoryview:
        """Records from one place to before another, with the commas between."""
        return self._body[self._starts[first] : self._starts[last] - 1]

    def renamed(self, identities: range) -> bytes:
        """Records under other ids: those rendered come round again and again, ending with the last one."""
        return b",".join(self._under(identity) for identity in identities)

    def _under(self, identity: int) -> bytes:
        place = (identity - self.ids[0]) % len(self.ids)
        head = len(f'{{"id":"{self.ids[place]}"')
        return f'{{"id":"{identity}"'.encode() + self.record(place)[head:]


class Pages:
    """What is served in one state; `totals` may be more than is rendered, then older ids go before."""

    def __init__(self, state: str, folder: Path, totals: Mapping[str, int] | None = None) -> None:
        self.is_full = state == "full"
        self.rendered = {resource: Rendered(resource, state, folder) for resource in SIZES}
        self.totals = {resource: len(rendered.ids) for resource, rendered in self.rendered.items()}
        if self.is_full:
            self.totals.update(totals or {})

    def answer(self, target: str) -> Iterator[bytes | memoryview]:
        """Everything to be sent for the address of a request."""
        address = urlsplit(target)
        query = parse_qs(address.query)
        asked, number = address.path.rpartition("/")[2], int(query.get("page", ["1"])[0])
        resource = NUMBERED.sub("", asked)
        is_served = query.get("last_updated") == (None if self.is_full else [str(DAY)])
        total = self.totals.get(resource, 0)
        first = (number - 1) * PAGE_SIZE
        if not is_served or not 0 <= first < total:
            yield NOTHING
            return
        body = self._body(resource, first, min(first + PAGE_SIZE, total))
        yield head(len(body) + 2, total, number)
        yield b"["
        yield body
        yield b"]"

    def _body(self, resource: str, first: int, last: int) -> bytes | memoryview:
        rendered, total = self.rendered[resource], self.totals[resource]
        if total == len(rendered.ids):
            return rendered.page(first, last)
        oldest = rendered.ids[-1] + 1 - total
        return rendered.renamed(range(oldest + first, oldest + last))


def head(length: int, total: int, number: int) -> bytes:
    """The head of a page's answer."""
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
        f"X-Number-Of-Results: {total}\r\nX-Results-Per-Page: {PAGE_SIZE}\r\nX-Page-Number: {number}\r\n\r\n"
    ).encode()


class Served(Protocol):
    """What a connection needs: everything to be sent for the address of a request."""

    def answer(self, target: str) -> Iterator[bytes | memoryview]:
        """Head and body, in parts."""


class Connection(asyncio.Protocol):
    """One kept-alive connection; a request is a few hundred bytes without a body."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Make room for a whole page in the socket, so that it leaves in one piece."""
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**22)

    def data_received(self, data: bytes) -> None:
        """Answer every request that has arrived whole."""
        self.received += data
        while b"\r\n\r\n" in self.received:
            request, _, self.received = self.received.partition(b"\r\n\r\n")
            self.transport.writelines(self.served.answer(request.split(b" ", 2)[1].decode()))


async def serve(served: Served, port: int) -> None:
    """Serve until cancelled; says on stdout where."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(served), "127.0.0.1", port)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/rest/v1", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 is a free one")
    parser.add_argument("--state", choices=STATES, default="full")
    parser.add_argument("--pages", type=Path, default=RENDERED, help="where rendered records are kept")
    for resource, size in SIZES.items():
        parser.add_argument(f"--{resource}", type=int, default=size, help="how many in the full state")
    given = parser.parse_args()
    render_all(given.state, given.pages)
    served = Pages(given.state, given.pages, {resource: getattr(given, resource) for resource in SIZES})
    try:
        asyncio.run(serve(served, given.port))
    except KeyboardInterrupt:
        print("stopped")


if __name__ == "__main__":
    main()
