"""Servers on this machine's loopback, each in a thread of its own: no other machine reaches them."""

import os
import socket
from dataclasses import dataclass
from threading import Thread
from time import sleep
from typing import Any

import uvicorn

from planlake.errors import ConfigurationError

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers, until it is stopped."""

    server: uvicorn.Server
    thread: Thread

    def stop(self) -> None:
        """Answer what is being answered for a second more, then listen no longer."""
        self.server.should_exit = True
        self.thread.join(timeout=10)


def listen(port: int, *, hint: str) -> socket.socket:
    """A socket that listens, 0 for a free port; a ConfigurationError with this hint where the port cannot be used."""
    # The protocol is named, so that asyncio sends answers without delay.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":  # elsewhere it would let two programs have one port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        message = f"port {port} cannot be used: {error.strerror}"
        raise ConfigurationError(message, hint=hint) from None
    return listener


def serve(app: Any, listener: socket.socket, name: str, **settings: Any) -> Running:  # noqa: ANN401 - uvicorn's own
    """Answer with an ASGI application what reaches a socket; `settings` are those of uvicorn."""
    config = uvicorn.Config(
        app,
        loop="asyncio",
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        **settings,
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name=name, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        sleep(0.005)
    return Running(server, thread)
