"""Servers that take messages on this machine: a webhook's and a mail server's, each with what it was sent."""

import json
import socketserver
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Hook:
    """A webhook: `bodies` are what was posted; it answers `status`, with `headers`."""

    port: int = 0
    status: int = 200
    headers: dict = field(default_factory=dict)
    bodies: list = field(default_factory=list)

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}/services/T000/SECRETPART"


@contextmanager
def _serving(server):
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def webhook():
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            hook.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(hook.status)
            for name, value in hook.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def do_GET(self):
            hook.bodies.append("asked by GET")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as hook.port:
        yield hook


@contextmanager
def mail_server(refuses=False):
    """Its port, and the lines of each mail it took."""
    mails = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.say("220 here")
            for line in self.rfile:
                word = line.split()[0].upper()
                if word == b"DATA":
                    self.say("354 go on")
                    mails.append([text.decode().rstrip("\r\n") for text in iter(self.rfile.readline, b".\r\n")])
                refused = refuses and word == b"RCPT"
                self.say(
                    "221 bye" if word == b"QUIT" else "550 nobody of planted@person.example" if refused else "250 ok"
                )

        def say(self, text):
            self.wfile.write(f"{text}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with _serving(server) as port:
        yield port, mails
