"""Checks names of cadences, steps and engines as typed, and makes of them what a run is asked for."""

from datetime import date
from typing import TYPE_CHECKING, cast

from planlake.config import Config, suggestion
from planlake.errors import ConfigurationError
from planlake.telemetry.steps import STEPS, StepName

if TYPE_CHECKING:
    from planlake.lake.repair.split_histories import Chosen
    from planlake.runs.plan import Selection
    from planlake.sources.catalogue import Cadence

CADENCES = ("daily", "weekly")
ENGINES = ("local", "spark", "auto")
HISTORIES = ("older", "newer")


def selection(
    tables: list[str] | None,
    *,
    cadence: str | None = None,
    step: str | None = None,
    is_full: bool = False,
    accepts_gaps: bool = False,
) -> "Selection":
    """What a run or plan was asked for; a ConfigurationError with a suggestion for a misspelt word."""
    from planlake.runs.plan import Selection

    _check("step", step, STEPS)
    return Selection(tuple(tables or ()), cadence_of(cadence), cast("StepName | None", step), is_full, accepts_gaps)


def cadence_of(name: str | None) -> "Cadence | None":
    """The cadence of this name; None where none was named."""
    _check("cadence", name, CADENCES)
    return cast("Cadence | None", name)


def with_engine(config: Config, name: str | None) -> Config:
    """The configuration with the engine that was named, if one was."""
    _check("engine", name, ENGINES)
    if name is None:
        return config
    settings = config.settings.model_copy(update={"engine": name})
    return config.model_copy(update={"settings": settings})


def check_zone(name: str) -> None:
    """Refuse a zone that nothing can be set back in."""
    from planlake.changes.rollback import ZONES

    _check("zone", name, ZONES)


def check_origin(name: str) -> None:
    """Refuse what no table can be made of."""
    from planlake.changes.rebuild import ORIGINS

    _check("origin", name, ORIGINS)


def history_of(name: str | None) -> "Chosen | None":
    """Which history is meant; None where none was named."""
    _check("history", name, HISTORIES)
    return cast("Chosen | None", name)


def check_format(name: str | None, known: tuple[str, ...]) -> None:
    """Refuse a format that there is not."""
    _check("format", name, known)


def check_shell(name: str, known: tuple[str, ...]) -> None:
    """Refuse a shell that completion is not written for."""
    if name not in known:
        raise ConfigurationError(f'completion is not made for the shell "{name}"', hint=f"name one: {', '.join(known)}")


def check_scheduler(name: str, known: tuple[str, ...]) -> None:
    """Refuse a scheduler that no schedule is written for."""
    _check("scheduler", name, known)


def check_dialect(name: str, known: tuple[str, ...]) -> None:
    """Refuse a dialect that views are not written in."""
    _check("dialect", name, known)


def check_shown_columns(name: str, known: tuple[str, ...]) -> None:
    """Refuse a choice of columns that there is not."""
    _check("choice of columns", name, known)


def day_of(option: str, text: str | None) -> date | None:
    """The day an option names; None where it names none."""
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError:
        raise ConfigurationError(f'{option} is not a day: "{text}"', hint=f"{option} 2026-11-22") from None


def _check(word: str, given: str | None, known: tuple[str, ...]) -> None:
    if given is not None and given not in known:
        raise ConfigurationError(f'no {word} is called "{given}"', hint=suggestion(given, known))
