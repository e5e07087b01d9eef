"""What people are told of a run: what happened, since when, and the next command; no value of a record."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from planlake.checks.examples import without_examples
from planlake.clock import naive_utc, read_clock
from planlake.config import Config
from planlake.config_sections import OCCASIONS, Notify, Occasion
from planlake.errors import ConfigurationError, PlanlakeError
from planlake.printable import listed, printable
from planlake.report.hiding import without_secrets
from planlake.report.pages.figures.lake_facts import open_facts
from planlake.report.pages.figures.today import RUNS, Today, today
from planlake.report.verdicts import State

COMMANDS_SHOWN, COLUMNS_SHOWN, DRIFT_SHOWN = 3, 3, 5
HELD = ", held: "  # as `report.models` says it of a model
OF_STATES: Mapping[State, Occasion] = {
    "failed": "failure",
    "open": "failure",
    "not loaded": "failure",
    "not known": "failure",
    "more rows": "failure",
    "held": "held",
    "gap": "gap",
    "missing rows": "gap",
    "late": "late",
}
LAST = """
    select max(run) from (select run from runs group by run
                          having max(outcome) filter (where resource is null) in (select unnest(?)))"""
# Whether the run before had failed as a whole, or a table of this run is well that was not when it last ran.
MENDED = """
    with before as (select resource, arg_max(outcome, run) as outcome from runs where run < $1 group by resource),
    now as (select resource, outcome from runs where run = $1)
    select coalesce(bool_or(before.outcome in ('open', 'held', 'failed', 'stopped')
                            and now.outcome not in ('open', 'held', 'failed', 'stopped')), false)
    from now join before on now.resource is not distinct from before.resource"""
DRIFTED = 'select resource, list(distinct "column" order by "column") from drift where run = ? group by 1 order by 1'


@dataclass(frozen=True, slots=True)
class Message:
    """What is said of which lake: a title, sentences, the commands that are likely right next; `at` is UTC.

    `occasions` are why; none for a test.
    """

    source: str
    environment: str
    run: int | None
    at: datetime
    occasions: tuple[Occasion, ...]
    title: str
    sentences: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    pages: str = ""

    @property
    def subject(self) -> str:
        """One line: the lake and the title."""
        return f"Planlake, {self.source} ({self.environment}): {self.title}"

    @property
    def text(self) -> str:
        """The whole message in lines."""
        run = [f"Run {self.run}"] if self.run is not None else []
        return "\n".join(
            (
                self.subject,
                *self.sentences,
                *(f"next: {one}" for one in self.commands),
                " ".join((*run, f"{self.at:%Y-%m-%d %H:%M} UTC", *([self.pages] if self.pages else []))),
            )
        )


def message_of(config: Config, environment: str | None, typed: Callable[[str], str] = str) -> Message | None:
    """What is to be told of the last run; None where all is as well as it was before, or nobody wants to know.

    `typed` writes a command as it can be typed. A LakeError where the lake cannot be read.
    """
    with open_facts(config, environment) as facts:
        found = today(facts)
        ((last,),) = facts.ask(LAST, [RUNS])
        drifted = facts.ask(DRIFTED, [last]) if last else []
        is_mended = bool(last) and facts.ask(MENDED, [last])[0][0]
    said = [*found.sentences, *(one.sentence for one in found.of_lake)]
    occasions = {OF_STATES[one.state] for one in found.in_trouble if one.state in OF_STATES}
    for one in found.of_lake:
        occasions.add("held" if one.kind == "model" and HELD in one.said else "failure")
    is_well_again = found.light == "green" and is_mended
    title = "everything is there again" if is_well_again else found.summary
    if is_well_again:
        occasions.add("recovered")
        said.append(f"{found.summary[:1].upper()}{found.summary[1:]}.")
    if drifted:
        occasions.add("drift")
        said += [_drift(*one) for one in drifted[:DRIFT_SHOWN]]
        if found.light == "green" and not is_well_again:
            title = f"{listed([one for one, _ in drifted], COLUMNS_SHOWN)}: not as declared"
    wanted = [one for one in OCCASIONS if one in occasions and one in _notify(config).on]
    if not wanted:
        return None
    commands = _commands(found, has_drift="drift" in wanted)
    return _message(config, environment, last, wanted, (title, said, [*map(typed, commands)]))


def failure_of(
    config: Config, environment: str | None, error: Exception, typed: Callable[[str], str] = str
) -> Message | None:
    """What is to be told of a run that came to nothing; None where nobody wants to know."""
    if "failure" not in _notify(config).on:
        return None
    if not isinstance(error, PlanlakeError):
        said = f"the run failed: internal error: {type(error).__name__}"
        return _message(config, environment, None, ["failure"], (said, [], []))
    command = typed(error.hint if error.hint.startswith("planlake") else "planlake doctor")
    told = (f"the run failed: {error.message}", [error.state] if error.state else [], [command])
    return _message(config, environment, None, ["failure"], told)


def test_of(config: Config, environment: str | None) -> Message:
    """A message that says that messages arrive."""
    said = ["This is a test: whoever reads it is told of runs."]
    return _message(config, environment, None, [], ("messages arrive", said, []))


def _notify(config: Config) -> Notify:
    if config.notify is None:
        raise ConfigurationError("nobody is named to be told", hint="notify: {slack: ...} in planlake.yaml")
    return config.notify


def _drift(table: str, columns: Sequence[str]) -> str:
    return f"{printable(table)} is not as declared: {printable(listed(columns, COLUMNS_SHOWN))}."


def _commands(found: Today, *, has_drift: bool) -> list[str]:
    """The first command of each that needs one, the lake's own before those of tables."""
    hints = [*(one.hints for one in found.of_lake), *(one.commands for one in found.in_trouble)]
    first = [one[0] for one in hints if one]
    return list(dict.fromkeys([*first, *(["planlake drift"] if has_drift else [])]))[:COMMANDS_SHOWN]


def _message(
    config: Config,
    environment: str | None,
    run: int | None,
    occasions: Sequence[Occasion],
    said: tuple[str, Sequence[str], Sequence[str]],
) -> Message:
    """A message with nothing in it that only the lake may know: no value of a record, no secret."""
    title, sentences, commands = said

    def clean(text: str) -> str:
        return printable(without_secrets(without_examples(text.replace("\u00a0", " ")), config))

    name = environment or next(iter(config.environments))
    at = naive_utc(read_clock().now())
    told = (clean(title), tuple(map(clean, sentences)), tuple(map(clean, commands)))
    return Message(config.source_name, name, run, at, tuple(occasions), *told, _notify(config).pages)
