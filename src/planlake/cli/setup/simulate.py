"""`planlake simulate`: an API to run against, on this machine."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


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
    begin: Annotated[
        str | None,
        typer.Option(
            "--begin",
            help="The instant at which records are made; from it the clock moves on to --now, and nothing is deleted.",
            show_default="as --now",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, other records.")] = 1,
    fault: Annotated[
        str | None, typer.Option("--fault", help="A fault to rehearse with; any other word lists what there is.")
    ] = None,
    table: Annotated[str, typer.Option("--table", help="The table that has the fault.")] = "fees",
) -> None:
    """Serve a planning API on this machine until Ctrl-C."""
    from datetime import datetime

    from planlake.cli.screen import runnable
    from planlake.cli.stopping import until_stopped, wait_until
    from planlake.clock import LONDON
    from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY
    from planlake.simulator.choose import dataset, speech
    from planlake.simulator.rehearsals import FAULTS, plan_of
    from planlake.simulator.server import Simulator

    faults = plan_of(fault, table) if fault is not None else None
    instant = _instant("--now", now) if now else datetime.now(LONDON).replace(tzinfo=None, microsecond=0)
    data = dataset(source, now=_instant("--begin", begin) if begin else instant, seed=seed)
    data.keeps_all = begin is not None
    data.move_to(instant)
    spoken = speech(source)
    with until_stopped() as stopped, Simulator(data, port=port, speech=spoken, faults=faults) as simulator:
        typer.echo(f"{source} as of {instant:%Y-%m-%d %H:%M} at {simulator.url}   (Ctrl-C stops)")
        if fault is not None:
            whose = "" if FAULTS[fault].is_of_all else f"{table} "
            typer.echo(f"fault {fault}: {whose}{FAULTS[fault].says}")
        keys = {"TASCOMI_PUBLIC_KEY": PUBLIC_KEY, "TASCOMI_PRIVATE_KEY": PRIVATE_KEY}
        if spoken is None or not spoken.is_open:
            typer.echo(_as_typed({"PLANLAKE_API_TOKEN": spoken.token} if spoken and spoken.token else keys))
        of_source = "" if source == "tascomi" else f" --source {source}"
        typer.echo(runnable(f"next: planlake init --base-url {simulator.url}{of_source}"))
        wait_until(stopped)


def _as_typed(variables: "Mapping[str, str]") -> str:
    """What sets variables: in PowerShell on Windows, in other shells elsewhere."""
    if os.name == "nt":
        return "; ".join(f"$env:{name} = '{value}'" for name, value in variables.items())
    return f"export {' '.join(f'{name}={value}' for name, value in variables.items())}"


def _instant(option: str, text: str) -> "datetime":
    from datetime import datetime

    from planlake.errors import ConfigurationError

    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise ConfigurationError(
            f'{option} is not an instant: "{text}"', hint=f"{option} 2026-11-23T03:00:00"
        ) from None
