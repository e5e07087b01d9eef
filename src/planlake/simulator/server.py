"""Runs the simulator as a server at an address on this machine."""

from types import TracebackType
from typing import Self

from planlake.loopback import HOST, Running, listen, serve
from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY, ROOT, Request, Speech, create_app
from planlake.simulator.dataset import Dataset
from planlake.simulator.faults import FaultPlan


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
        self._running: Running | None = None

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
        listener = listen(self._port, hint="choose another port, or 0 for a free one")
        self._port = listener.getsockname()[1]
        self.url = f"http://{HOST}:{self._port}{ROOT.rstrip('/')}"
        # The application gives the date itself, so that a fault can change it.
        self._running = serve(
            self._app, listener, "simulator", http="httptools", date_header=False, timeout_keep_alive=60
        )

    def stop(self) -> None:
        """Stop serving; the next start listens on the same port."""
        if self._running:
            self._running.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
