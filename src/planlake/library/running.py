"""Plans and carries out a run for a program."""

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, get_args

from planlake.config import suggestion
from planlake.errors import ConfigurationError
from planlake.flow.results import RunResult
from planlake.library.configuration import Place, read_configuration
from planlake.runs.plan import Selection, Step
from planlake.runs.run import planned
from planlake.runs.run import run as run_selected

Accept = Literal["gaps", "deletions"]
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
    return planned(read_configuration(config, settings), chosen, environment=environment)


def run(
    config: Place | None = None,
    tables: str | Iterable[str] = (),
    *,
    environment: str | None = None,
    cadence: Often | None = None,
    full: bool = False,
    accept: str | Collection[Accept] = (),
    settings: Mapping[str, object] | None = None,
) -> RunResult:
    """Load what is due, or the named tables, through all steps, and tell what became of each.

    `config`, `environment` and `settings` are those of `open_lake`. `cadence` takes the "daily" or the "weekly" tables
    alone. `full` reads whole tables. `accept="gaps"` closes windows although pages failed, `accept="deletions"`
    believes more deletions than `deletion_limit_percent`; both may be given in a list.

    >>> done = planlake.run("demo-lake", ["fees", "wards"])
    >>> done.exit_code, done.troubled, [table.outcome for table in done.tables]
    (0, [], ['unchanged', 'unchanged'])

    A table's own trouble is part of the result: `troubled` names those that failed, stayed open, are held or lost days,
    and `exit_code` is 1 then. Raises ConfigurationError for what is wrong in the file or the arguments,
    SourceUnreachable and SourceRefused where no table could be read at all, ConflictError where another run has the
    lake, LakeError where it cannot be written. What was committed before is kept. Log lines go to standard error:
    `settings={"log": "off"}` writes none.
    """
    accepted = _accepted(accept)
    gaps, deletions = "gaps" in accepted, "deletions" in accepted
    chosen = Selection(_names(tables), _cadence(cadence), is_full=full, accepts_gaps=gaps, accepts_deletions=deletions)
    return run_selected(read_configuration(config, settings), chosen, environment=environment)


def _names(tables: str | Iterable[str]) -> tuple[str, ...]:
    return (tables,) if isinstance(tables, str) else tuple(tables)


def _cadence(cadence: Often | None) -> Often | None:
    _check("cadence", [cadence] if cadence is not None else [], get_args(Often))
    return cadence


def _accepted(accept: str | Collection[str]) -> Collection[str]:
    accepted = [accept] if isinstance(accept, str) else accept
    _check("thing to accept", accepted, get_args(Accept))
    return accepted


def _check(word: str, given: Iterable[str], known: Collection[str]) -> None:
    for one in given:
        if one not in known:
            raise ConfigurationError(f'no {word} is called "{one}"', hint=suggestion(one, known))
