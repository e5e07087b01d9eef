"""Runs the simulator as a server at an address on this machine."""

import socket
import threading
import time
from types import TracebackType
from typing import Self

import uvicorn

from planlake.errors import ConfigurationError
from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY, ROOT, Request, Speech, create_app
from planlake.simulator.dataset import Dataset
from planlake.simulator.faults import FaultPlan

HOST = "127.0.0.1"


class Simulator:
    """The API on 127.0.0.1 in a background thread, from entering the context to leaving it; port 0 is a free one."""

    def __init__(
        self,
        data: Dataset,
        *,
        port: int = 0,
        public_key: str = PUBLIC_KEY,
        private_key: str = PRIVATE_KEY,
        faults: FaultPlan | None = None,
        speech: Speech | None = None,
    ) -> None:
        self.data = data
        self.url = ""
        self._port = port
        self._app = create_app(data, public_key=public_key, private_key=private_key, faults=faults, speech=speech)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def requests(self) -> list[Request]:
        """Every request answered so far, oldest first; may be cleared."""
        return self._app.requests

    @property
    def faults(self) -> FaultPlan:
        """What goes wrong; assign another plan at any time."""
        return self._app.faults

    @faults.setter
    def faults(self, plan: FaultPlan) -> None:
        self._app.faults = plan

    def start(self) -> None:
        """Listen and serve; a port in use is a ConfigurationError."""
        listener = _listen(self._port)
        self._port = listener.getsockname()[1]
        self.url = f"http://{HOST}:{self._port}{ROOT.rstrip('/')}"
        config = uvicorn.Config(
            self._app,
            http="httptools",
            loop="asyncio",
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            date_header=False,  # the application gives it, so that a fault can change it
            server_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        options = {"sockets": [listener]}
        self._thread = threading.Thread(target=self._server.run, kwargs=options, name="simulator", daemon=True)
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop serving; the next start listens on the same port."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(timeout=10)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(
        socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )  # named, so that asyncio sets no delay
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        hint = "choose another port, or 0 for a free one"
        raise ConfigurationError("the simulator's port is in use", facts={"port": port}, hint=hint) from error
    return listener
