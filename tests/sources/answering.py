"""A server that answers with the very bytes it is told, for what no well-behaved one would send."""

import itertools
import socketserver
from contextlib import contextmanager
from threading import Thread


@contextmanager
def answering(*answers):
    """Every connection is given the next of these answers, each an iterable of bytes, the last one again and again.

    What is yielded is the address of an API and the list of what was asked, as text.
    """
    asked, given = [], itertools.chain(answers[:-1], itertools.repeat(answers[-1]))

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            lines = list(iter(lambda: self.rfile.readline().strip().decode("latin-1"), ""))
            asked.append("\n".join(lines))
            try:
                for piece in next(given):
                    self.wfile.write(piece)
            except OSError:  # the other side has heard enough
                pass

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address, daemon_threads, block_on_close = True, True, False

    with Server(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/rest/v1", asked
        finally:
            server.shutdown()


def head(status=200, **headers):
    """The first lines of an answer; a name is given with _ in place of -, a list of values one line each."""
    lines = [f"HTTP/1.1 {status} Said", "Connection: close"]
    for name, value in headers.items():
        lines += [f"{name.replace('_', '-')}: {one}" for one in (value if isinstance(value, list) else [value])]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
