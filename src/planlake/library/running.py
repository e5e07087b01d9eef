"""Plans and carries out a run for a program."""

import warnings
from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from planlake.config import Config, suggestion
from planlake.errors import ConfigurationError, ConflictError
from planlake.flow.results import RunResult
from planlake.library.configuration import Place, read_configuration
from planlake.runs.plan import Selection, Step, steps_of
from planlake.runs.run import run as run_selected
from planlake.runs.run import table_plans

Often = Literal["daily", "weekly"]


def plan(
    config: Place | None = None,
    tables: str | Iterable[str] = (),
    *,
    environment: str | None = None,
    cadence: Often | None = None,
    full: bool = False,
    settings: Mapping[str, object] | None = None,
) -> list[Step]:
    """The steps that `run` would carry out now, in order; nothing is asked of the API and nothing is written.

    Each names its `table`, its `step` (ingest, refine, snapshot), the `windows` it would ask for, and `why`; the
    arguments are those of `run`.

    >>> [step.why for step in planlake.plan("demo-lake", "fees") if step.step == "ingest"]
    ['2026-11-22, today so far']

    Raises what `open_lake` raises.
    """
    chosen = Selection(_names(tables), _cadence(cadence), is_full=full)
    return list(steps_of(table_plans(read_configuration(config, settings), chosen, environment=environment)))


def run(
    config: Place | None = None,
    tables: str | Iterable[str] = (),
    *,
    environment: str | None = None,
    cadence: Often | None = None,
    full: bool = False,
    settings: Mapping[str, object] | None = None,
) -> RunResult:
    """Load what is due, or the named tables, through all steps, and tell what became of each.

    `config`, `environment` and `settings` are those of `open_lake`. `cadence` takes the "daily" or the "weekly" tables
    alone, those that are due. `full` reads whole tables.

    >>> done = planlake.run("demo-lake", ["fees", "wards"])
    >>> done.exit_code, done.troubled, [table.outcome for table in done.tables]
    (0, [], ['unchanged', 'unchanged'])

    A table's own trouble is part of the result: `troubled` names those that failed, stayed open, are held or lost days,
    and `exit_code` is 1 then. Raises ConfigurationError for what is wrong in the file or the arguments,
    SourceUnreachable and SourceRefused where no table could be read at all, ConflictError where another run has the
    lake, LakeError where it cannot be written. What was committed before is kept. Log lines go to standard error:
    `settings={"log": "off"}` writes none.
    """
    chosen = Selection(_names(tables), _cadence(cadence), is_full=full)
    configured = read_configuration(config, settings)
    try:
        done = run_selected(configured, chosen, environment=environment)
    except ConflictError:  # another run has the lake: it tells what there is to tell
        raise
    except Exception as error:
        _follow_up(configured, environment, error)
        raise
    _follow_up(configured, environment)
    return done


def _follow_up(config: Config, environment: str | None, error: Exception | None = None) -> None:
    """Write the pages and tell people where the configuration wants it; a warning where that went wrong."""
    from planlake.report.telling.after_run import after_run  # noqa: PLC0415 - only what is wanted is imported

    for trouble in after_run(config, environment, error=error):
        warnings.warn(trouble.partition("\n")[0], stacklevel=3)


def _names(tables: str | Iterable[str]) -> tuple[str, ...]:
    return (tables,) if isinstance(tables, str) else tuple(tables)


def _cadence(cadence: Often | None) -> Often | None:
    if cadence is not None and cadence not in get_args(Often):
        raise ConfigurationError(f'no cadence is called "{cadence}"', hint=suggestion(cadence, get_args(Often)))
    return cadence
