"""Sends two OpenLineage events for each step of a run, to a file or an address.

A thread of its own sends them, so an address that is slow or gone holds up no run. Of the official client only the
events and the transports are used: its `OpenLineageClient` would add what variables and files of the machine say.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from openlineage.client.event_v2 import RunEvent
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider
from openlineage.client.transport.transport import Transport
from openlineage.client.uuid import generate_new_uuid

from planlake.config import Config
from planlake.config_sections import Lineage as Place
from planlake.errors import ConfigurationError
from planlake.lake.lake import Lake
from planlake.sources.secrets import read_secret
from planlake.telemetry.lineage_events import OfRun, OfStep, end_event, made_by, shown_at, start_event
from planlake.telemetry.steps import StepEnd, StepName

ENDPOINT = "api/v1/lineage"  # where an address without a path takes events
TIMEOUT_SECONDS = 2.0
LAST_SECONDS = 20.0  # what a run waits at its end for events that go well,
REST_SECONDS = 1.0  # and for the rest once one has failed


@dataclass(frozen=True, slots=True)
class Lineage:
    """The lineage of one run on its way."""

    run: OfRun
    place: str
    transport: Transport = field(repr=False)
    sender: ThreadPoolExecutor = field(repr=False)
    sent: list[Future[None]] = field(default_factory=list, repr=False)


def open_lineage(config: Config, place: Place, lake: Lake, about: Mapping[str, object]) -> Lineage:
    """Where the events of the run that `about` describes go; a ConfigurationError where
    their key is missing, or a file holds something else."""
    api = config.api.base_url if config.api else ""
    namespace = place.namespace or f"planlake-{about['environment']}"
    run = OfRun(str(generate_new_uuid()), namespace, api, lake, about)
    return Lineage(run, place.to, _transport(config, place), ThreadPoolExecutor(1, thread_name_prefix="lineage"))


def send_begin(
    lineage: Lineage, table: str, step: StepName, reads: Iterable[tuple[str, str]] = ()
) -> Callable[[StepEnd], None]:
    """Send that a step begins; what is given back sends how it ended. `reads`: zone and name of a model's tables."""
    places = tuple(shown_at(lineage.run.lake, zone, name) for zone, name in reads)
    this = OfStep(lineage.run, str(generate_new_uuid()), table, step, places)
    _send(lineage, lambda at: start_event(this, at))

    def end(how: StepEnd) -> None:
        made = made_by(this, how)  # read at once: the next commit changes it
        _send(lineage, lambda at: end_event(this, at, how, made))

    return end


def close_lineage(lineage: Lineage) -> str:
    """Wait a little for events under way and let the rest go; what is to be said of those that did not arrive."""
    wait(lineage.sent, timeout=LAST_SECONDS, return_when=FIRST_EXCEPTION)
    wait(lineage.sent, timeout=REST_SECONDS)
    lineage.sender.shutdown(wait=False, cancel_futures=True)
    errors = [one.exception() for one in lineage.sent if one.done() and not one.cancelled()]
    failed = [error for error in errors if error is not None]
    lost = len(lineage.sent) - len(errors) + len(failed)
    if not lost:
        return ""
    reason = _reason(failed[0]) if failed else "it is too slow"
    return f"{lost} of {len(lineage.sent)} events did not arrive at {lineage.place}: {reason}"


def _send(lineage: Lineage, event: Callable[[str], RunEvent]) -> None:
    """Have an event made and sent; it has the time of now, whenever that is done."""
    at = datetime.now(UTC).isoformat()
    lineage.sent.append(lineage.sender.submit(lambda: lineage.transport.emit(event(at)) and None))


def _transport(config: Config, place: Place) -> Transport:
    if place.to.startswith("file:"):
        file = config.folder / place.to.removeprefix("file:")
        _check_takes_events(file)
        return FileTransport(FileConfig(str(file), append=True))
    key = read_secret("lineage.key", place.key, config.folder) if place.key else ""
    return HttpTransport(
        HttpConfig(
            place.to,
            endpoint="" if urlsplit(place.to).path.strip("/") else ENDPOINT,
            timeout=TIMEOUT_SECONDS,
            auth=ApiKeyTokenProvider({"apiKey": key}) if key else TokenProvider({}),
            retry={"total": 0},
        )
    )


def _check_takes_events(file: Path) -> None:
    """Refuse a file that holds something else: lines at its end would spoil a catalogue, or the configuration."""
    try:
        if not file.is_file():  # a pipe would be waited for
            return
        with file.open("rb") as stream:
            is_other = stream.read(1) not in (b"", b"{")
    except OSError:  # it is made by the first event, or that says what is wrong
        return
    if is_other:
        hint = "name a file of its own: file:lineage.jsonl"
        raise ConfigurationError("lineage.to: the file holds no events", facts={"file": file}, hint=hint)


def _reason(error: BaseException) -> str:
    """Why an event did not arrive; a library's own words may hold the key, so they are not repeated."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"status {status}"
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else None
    return (cause.strerror if cause else None) or type(error).__name__
