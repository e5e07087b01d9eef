"""Reports to log and lineage that the run and each of its steps began and how they ended.

Nothing here changes what a run does: a line that cannot be written and an event that does not arrive are no failure.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic

from planlake.config import Config
from planlake.errors import ConfigurationError, PlanlakeError
from planlake.lake.lake import Lake, catalogue_trouble, outside_trouble
from planlake.lake.repair.damage import explain_error
from planlake.telemetry.log import Level, Log, open_log, say
from planlake.telemetry.steps import StepEnd, StepName, StepOutcome

Reads = Sequence[tuple[str, str]]  # the tables that a model reads, by zone and name
Begin = Callable[[str, StepName, Reads], Callable[[StepEnd], None]]  # sends that a step begins, and gives its end

LEVEL_OF: Mapping[StepOutcome, Level] = {
    "done": "info",
    "unchanged": "info",
    "open": "warning",
    "held": "warning",
    "stopped": "warning",
    "failed": "error",
}


@dataclass(frozen=True, slots=True)
class Reporter:
    """Where a run is reported: its log, what its first line says of it, and where its steps begin for lineage.

    The `lake` is looked at where a step fails: files of it may be damaged.
    """

    log: Log
    about: Mapping[str, object] = field(default_factory=dict)
    begin: Begin | None = field(default=None, repr=False)
    lake: Lake | None = field(default=None, repr=False)

    def explain_error(self, error: Exception, resource: str = "") -> Exception:
        """The error that says which files of the lake are damaged, where that is what an error came from."""
        return explain_error(self.lake, error, resource) if self.lake is not None else error


@contextmanager
def open_reporter(config: Config, lake: Lake, *, run: int, about: Mapping[str, object]) -> Iterator[Reporter]:
    """Open the reporter of this run; lineage that did not arrive is one warning at the end.

    Raises ConfigurationError where lineage is asked for and its client or its key is missing.
    """
    log = open_log(config.settings.log, run=run)
    if config.lineage is None:
        yield Reporter(log, about, lake=lake)
        return
    try:
        from planlake.telemetry import lineage  # noqa: PLC0415 - brings the client, which takes a while
    except ImportError:
        hint = "pip install 'planlake[lineage]'"
        raise ConfigurationError("lineage needs OpenLineage's client", hint=hint) from None
    opened = lineage.open_lineage(config, config.lineage, lake, {"run": run, **about})
    try:
        yield Reporter(log, about, partial(lineage.send_begin, opened), lake)
    finally:
        trouble = lineage.close_lineage(opened)
        if trouble:
            say(log, "warning", "lineage incomplete", message=trouble)


@dataclass(slots=True)
class RunningStep:
    """A step that is under way; whoever carries it out puts here how it ended."""

    end: StepEnd | None = None


@contextmanager
def report_step(reporter: Reporter, table: str, step: StepName, *, reads: Reads = ()) -> Iterator[RunningStep]:
    """Report one step of a table: that it began, and how it ended, whether by a result, an error or Ctrl-C."""
    running, started = RunningStep(), monotonic()
    end = StepEnd("stopped")
    send_end = reporter.begin(table, step, reads) if reporter.begin is not None else None
    try:
        yield running
        end = running.end or StepEnd("unchanged")
    except Exception as error:
        found = reporter.explain_error(error, table)
        end = StepEnd("failed", reason_of(found, is_personal=True))  # what is reported here, nobody can forget
        if found is not error:
            raise found from error
        raise
    finally:
        end = replace(end, seconds=round(monotonic() - started, 3))
        _say_step(reporter.log, table, step=step, end=end)
        if send_end is not None:
            send_end(end)


def _say_step(log: Log, table: str, *, step: StepName, end: StepEnd) -> None:
    facts = {
        "outcome": end.outcome,
        "rows": end.rows,
        "bytes": end.received_bytes if end.bytes is None else end.bytes,
        "received": end.received,
        "seconds": end.seconds,
        "message": end.message,
    }
    say(log, LEVEL_OF[end.outcome], "step ended", table=table, step=step, **facts)


def reason_of(error: Exception, *, is_personal: bool) -> str:
    """What may be said of an error: a library's own message may hold a value, so it is left out of personal tables."""
    if isinstance(error, PlanlakeError):
        return str(error)
    if found := outside_trouble(error):
        return found.said
    if isinstance(error, OSError):  # a full disk, a read-only folder
        return f"the lake cannot be written: {error}"
    if trouble := catalogue_trouble(error):
        return trouble
    message = "no message" if is_personal or not str(error) else str(error).splitlines()[0]
    return f"internal error: {type(error).__name__}: {message}"
