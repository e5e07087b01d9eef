"""`planlake simulate`: an API to run against, on this machine."""

import signal
import threading
from typing import Annotated

import typer


def simulate(
    source: Annotated[
        str,
        typer.Option(
            "--source",
            help="tascomi or ./FILE.toml: generated records; open_data or public_register: real ones.",
        ),
    ] = "tascomi",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8642,
    now: Annotated[str | None, typer.Option("--now", help="The API's clock, an instant in London.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, other records.")] = 1,
) -> None:
    """Serve a planning API on this machine until Ctrl-C."""
    from datetime import datetime

    from planlake.clock import LONDON
    from planlake.errors import ConfigurationError
    from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY
    from planlake.simulator.choose import dataset, speech
    from planlake.simulator.server import Simulator

    try:
        instant = datetime.fromisoformat(now) if now else datetime.now(LONDON).replace(tzinfo=None, microsecond=0)
    except ValueError:
        raise ConfigurationError(f'--now is no instant: "{now}"', hint="--now 2026-11-23T03:00:00") from None
    data = dataset(source, now=instant.replace(tzinfo=None), seed=seed)
    stopped = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: stopped.set())
    spoken = speech(source)
    with Simulator(data, port=port, speech=spoken) as simulator:
        typer.echo(f"{source} as of {instant:%Y-%m-%d %H:%M} at {simulator.url}   (Ctrl-C stops)")
        keys = f"TASCOMI_PUBLIC_KEY={PUBLIC_KEY} TASCOMI_PRIVATE_KEY={PRIVATE_KEY}"
        typer.echo(f"export {f'PLANLAKE_API_TOKEN={spoken.token}' if spoken and spoken.token else keys}")
        of_source = "" if source == "tascomi" else f" --source {source}"
        typer.echo(f"next: planlake init --base-url {simulator.url}{of_source}")
        stopped.wait()
