"""Writes log lines to standard error: what happened with its facts, as JSON where that is no terminal.

Facts are names and figures of our own and the messages of errors, never a record or a key.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from planlake.printable import printable

Level = Literal["info", "warning", "error"]
LEVELS: Mapping[Level, int] = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
FIRST = ("timestamp", "level", "event")


@dataclass(frozen=True, slots=True)
class Log:
    """How lines are written, from which level on, and the facts that every line has."""

    form: Literal["json", "text", "off"]
    least: Level = "info"
    facts: Mapping[str, object] = field(default_factory=dict)


def open_log(form: Literal["auto", "json", "text", "off"], **facts: object) -> Log:
    """A log of this form; "auto" is JSON, and on a terminal text of what is at least a warning."""
    if form != "auto":
        return Log(form, facts=facts)
    return Log("text", "warning", facts) if sys.stderr.isatty() else Log("json", facts=facts)


def say(log: Log, level: Level, event: str, **facts: object) -> None:
    """Write one line; facts that are None or empty are left out. A line that cannot be written stops nothing."""
    if log.form == "off" or LEVELS[level] < LEVELS[log.least]:
        return
    import structlog  # noqa: PLC0415 - brings a renderer of tracebacks, which a run on a terminal need not wait for

    logger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),  # looked up for each line: progress bars take its place for a while
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _ordered,
            *_renderers(log.form),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[log.least]),
    )
    told = {name: value for name, value in facts.items() if value is not None and value not in ("", [])}
    with suppress(OSError, ValueError):  # whoever read our errors has gone
        logger.log(LEVELS[level], event, **log.facts, **told)


def _renderers(form: str) -> tuple[Any, ...]:
    """JSON writes what cannot be seen as escapes by itself."""
    import structlog  # noqa: PLC0415

    if form == "json":
        return (structlog.processors.JSONRenderer(),)
    return _seen, structlog.processors.LogfmtRenderer()


def _seen(_: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: printable(value) if isinstance(value, str) else value for name, value in line.items()}


def _ordered(_: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: line.pop(name) for name in FIRST} | dict(line)
