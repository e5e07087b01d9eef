"""The serving process: pages rendered once into a file, then sent as they lie, so that serving costs next to nothing.

    python benchmarks/serve.py --port 8000 --state full        # 20,000 applications and 200,000 documents
    python benchmarks/serve.py --port 8000 --state day         # what changed on 2026-11-23
    python benchmarks/serve.py --port 8000 --state scattered   # the same number of changes, anywhere

It speaks as the API does: `/rest/v1/<resource>?page=N`, `&last_updated=DAY`, paging headers, 202 where there is
nothing. Signatures are not checked. One line on stdout says when it listens.
"""

import argparse
import asyncio
import json
import mmap
import socket
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from records import CHANGED_APPLICATIONS, DAY, NEW_DOCUMENTS, PAGE_SIZE, SIZES, pages

HERE = Path(__file__).parent
STATES = ("full", "day", "scattered")
CHANGES = {"applications": CHANGED_APPLICATIONS, "documents": NEW_DOCUMENTS}
NOTHING = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


def render(resource: str, state: str, folder: Path) -> None:
    """Write the pages of a resource and where each begins, unless they are there already."""
    body, index = folder / f"{state}-{resource}.pages", folder / f"{state}-{resource}.json"
    if index.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    offsets = [0]
    with body.open("wb") as stream:
        for page in pages(resource, state):
            offsets.append(offsets[-1] + stream.write(page))
    index.write_text(json.dumps(offsets))


class Pages:
    """The rendered pages of one state, mapped into memory."""

    def __init__(self, state: str, folder: Path) -> None:
        self.state = state
        self.totals = SIZES if state == "full" else CHANGES
        self.bodies: dict[str, memoryview] = {}
        self.offsets: dict[str, list[int]] = {}
        for resource in SIZES:
            with (folder / f"{state}-{resource}.pages").open("rb") as stream:
                self.bodies[resource] = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
            self.offsets[resource] = json.loads((folder / f"{state}-{resource}.json").read_text())

    def answer(self, target: str) -> tuple[bytes, memoryview | None]:
        """Head and body for the address of a request."""
        address = urlsplit(target)
        query = parse_qs(address.query)
        resource, number = address.path.rpartition("/")[2], int(query.get("page", ["1"])[0])
        is_served = query.get("last_updated") == (None if self.state == "full" else [str(DAY)])
        if resource not in self.bodies or not is_served or not 0 < number < len(self.offsets[resource]):
            return NOTHING, None
        start, stop = self.offsets[resource][number - 1 : number + 1]
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {stop - start}\r\n"
            f"X-Number-Of-Results: {self.totals[resource]}\r\nX-Results-Per-Page: {PAGE_SIZE}\r\n"
            f"X-Page-Number: {number}\r\n\r\n"
        )
        return head.encode(), self.bodies[resource][start:stop]


class Connection(asyncio.Protocol):
    """One kept-alive connection; a request is a few hundred bytes without a body."""

    def __init__(self, served: Pages) -> None:
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
            head, body = self.served.answer(request.split(b" ", 2)[1].decode())
            self.transport.write(head)
            if body is not None:
                self.transport.write(body)


async def serve(state: str, port: int, folder: Path) -> None:
    served = Pages(state, folder)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(served), "127.0.0.1", port)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/rest/v1", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 is a free one")
    parser.add_argument("--state", choices=STATES, default="full")
    parser.add_argument("--pages", type=Path, default=HERE / "work" / "pages", help="where rendered pages are kept")
    given = parser.parse_args()
    with ProcessPoolExecutor() as workers:
        for rendered in [workers.submit(render, resource, given.state, given.pages) for resource in SIZES]:
            rendered.result()
    try:
        asyncio.run(serve(given.state, given.port, given.pages))
    except KeyboardInterrupt:
        print("stopped")


if __name__ == "__main__":
    main()
