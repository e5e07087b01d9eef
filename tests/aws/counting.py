"""Counts what is asked of a stand-in: a server in front of it that passes on every byte and reads the requests' heads.

What is signed stays as it is, so that keys are checked behind it as without it. Calls of Glue are counted by their
names, requests to S3 by their methods; `LIST` is a GET that lists.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import parse_headers
from io import BytesIO
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from urllib.parse import urlsplit

BLOCK = 2**16


class Counter(ThreadingTCPServer):
    """Stands in front of the server at an address; `asked` has a name and a path for each request."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), PassedOn)
        self.behind = (urlsplit(url).hostname, urlsplit(url).port)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked: list[tuple[str, str]] = []


class PassedOn(StreamRequestHandler):
    """One connection: requests are passed on one after the other, answers by a thread of their own."""

    server: Counter

    def handle(self) -> None:
        with suppress(OSError), socket.create_connection(self.server.behind) as behind:
            Thread(target=pass_back, args=(behind, self.request), daemon=True).start()
            while head := self._head():
                self.server.asked.append(name_of(head))
                behind.sendall(head)
                left = int(parse_headers(BytesIO(head.partition(b"\r\n")[2])).get("Content-Length", 0))
                while left and (block := self.rfile.read(min(left, BLOCK))):
                    behind.sendall(block)
                    left -= len(block)

    def _head(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            lines.append(line)
        return b"".join([*lines, line]) if lines else b""


def pass_back(behind: socket.socket, asking: socket.socket) -> None:
    with suppress(OSError):
        while block := behind.recv(BLOCK):
            asking.sendall(block)
    with suppress(OSError):
        asking.shutdown(socket.SHUT_RDWR)


def name_of(head: bytes) -> tuple[str, str]:
    """What a request is called, and its path."""
    first, _, rest = head.partition(b"\r\n")
    method, path, _ = first.decode().split(" ", 2)
    call = parse_headers(BytesIO(rest)).get("X-Amz-Target")
    if call:
        return call.rpartition(".")[2], path
    return "LIST" if method == "GET" and "list-type=" in path else method, path


@contextmanager
def counted(url: str) -> Iterator[Counter]:
    """A counter in front of the server at an address, until the end."""
    with Counter(url) as counter:
        Thread(target=counter.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield counter
        finally:
            counter.shutdown()
