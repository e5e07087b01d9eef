"""`planlake try`: a sample of a resource through every step in a preview, and a verdict on the whole of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.completing import resource_names
from planlake.cli.options import AsJson, ConfigFile
from planlake.printable import printable

if TYPE_CHECKING:
    from planlake.config import Config
    from planlake.setup.sample_verdict import Changes, ColumnTrial, IdFigures
    from planlake.setup.try_table import Trial

SHOWN_COLUMNS = 40
FORMATS, EXAMPLE = ("text", "markdown"), "for example"
COLUMNS = ("column", "declared", "values fit", "filled", "do not cast", EXAMPLE, "verdict")
MARKS_OF_MARKDOWN = "\\`*{}[]<>#|~@!"  # _ is part of most names
SIGNS = {
    "ok": "=",
    "undeclared": "+",
    "empty": "?",
    "not sent": "?",
    "not reached": "?",
    "some do not cast": "!",
    "warning": "!",
    "would hold": "x",
    "held": "x",
}


def try_(
    resource: Annotated[str, typer.Argument(help="A resource of the catalogue.", autocompletion=resource_names)],
    env: Annotated[
        str,
        typer.Option(
            "--env", help="The preview to load the sample into; made where there is none.", envvar="PLANLAKE_ENV"
        ),
    ],
    pages: Annotated[
        int, typer.Option("--pages", help="How many pages to ask for, evenly from first to last.", min=1, max=100)
    ] = 5,
    config: ConfigFile = None,
    json: AsJson = False,
    format: Annotated[  # noqa: A002
        str,
        typer.Option("--format", help="text, or markdown: a comment on a change, without any value."),
    ] = "text",
) -> None:
    """Take a sample of a resource through every step in a preview, and say how it would load, and how often to."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import echo, print_json, progress_bars, remark
    from planlake.cli.selecting import check_format

    check_format(format, FORMATS)
    loaded = configuration(config)
    from planlake.setup.try_table import try_out

    with progress_bars() as notify:
        found = try_out(loaded, resource, env, pages=pages, notify=notify)
    if found.made_on:
        remark(f"{env} is made: it shows the tables of {found.made_on}")
    meanings = _meanings(loaded, found)
    if json:
        columns = [{**asdict(one), "meaning": meanings.get(one.column, "")} for one in found.columns]
        print_json({**asdict(found), "columns": columns, "exit_code": found.exit_code})
    elif format == "markdown":
        echo(_markdown(found))
        raise typer.Exit(found.exit_code)
    else:
        _show(found, meanings)
    for problem in found.problems:
        remark(f"x {resource} would not load well: {printable(problem)}")
    for command in _next(found):
        remark(f"hint: {command}")
    raise typer.Exit(found.exit_code)


def _meanings(config: "Config", found: "Trial") -> dict[str, str]:
    """What the declared columns that were tried mean."""
    from planlake.report.meanings import describe_resource
    from planlake.sources.catalogue import catalogue_of

    described = describe_resource(config, catalogue_of(config).resource(found.table))
    return {one.column: one.meaning for one in described.values() if one.meaning}


@dataclass(frozen=True, slots=True)
class Part:
    """A table of the verdict, or where it has no columns a sentence."""

    title: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()


def _parts(found: "Trial", meanings: Mapping[str, str]) -> Iterator[Part]:
    """The verdict: columns, then ids, changes and size, then checks."""
    from planlake.cli.runs.plan import takes

    notable = [one for one in found.columns if len(found.columns) <= SHOWN_COLUMNS or one.verdict != "ok"]
    title = f"{found.table} in {found.preview}: {found.records:,} of {found.total:,} records"
    if notable or not found.columns:
        yield Part(title, COLUMNS, [_column(one) for one in notable])
    if known := [(one.column, meanings[one.column]) for one in notable if one.column in meanings]:
        yield Part("", ("column", "meaning"), known)
    if len(notable) < len(found.columns):
        others = f"{len(found.columns) - len(notable)} more columns are" if notable else f"{title}: all columns are"
        yield Part(f"{others} as declared; --json lists them all")
    facts = (
        ("sample", _sampled(found)),
        ("ids", _ids(found.keys)),
        ("changes", _changes(found.changes)),
        ("cadence", _cadence(found)),
        ("a full load", takes(found.expected)),
    )
    yield Part("", ("what", "verdict"), facts)
    rows = [(one.check, one.column, _signed(one.verdict), one.message) for one in found.checks]
    yield Part("", ("check of each run", "column", "in the sample", "message"), rows)


def _show(found: "Trial", meanings: Mapping[str, str]) -> None:
    from planlake.cli.screen import print_table, remark

    for part in _parts(found, meanings):
        if part.columns:
            print_table(part.title, part.columns, part.rows, numbers=("filled", "do not cast"))
        else:
            remark(part.title)


def _markdown(found: "Trial") -> str:
    """The verdict for people who look at a change where its text is kept: no value of a record is part of it."""
    from planlake.checks.examples import without_examples
    from planlake.cli.screen import runnable

    verdict = f"would **not** load well: {'; '.join(found.problems)}" if found.problems else "would load well"
    lines = [f"### {_escaped(found.table)} {'❌' if found.problems else '✅'}", "", _escaped(verdict, keep="*"), ""]
    for part in _parts(found, {}):
        shown = [place for place, name in enumerate(part.columns) if name != EXAMPLE]
        rows = [[_in_cell(row[place]) for place in shown] for row in part.rows]
        lines += [_escaped(part.title), ""] if part.title else []
        if rows:
            head = [part.columns[place] for place in shown]
            lines += [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)] + [""]
    lines += [f"`{runnable(f'hint: {command}').removeprefix('hint: ')}`" for command in _next(found)]
    return without_examples("\n".join(lines))


def _in_cell(value: object) -> str:
    if isinstance(value, tuple):
        return "<br>".join(map(_in_cell, value))
    return "" if value is None else _escaped(str(value))


def _escaped(text: str, *, keep: str = "") -> str:
    """A text that Markdown shows as it is; names and messages are the vendor's."""
    shown = printable(text)
    return "".join(f"\\{one}" if one in MARKS_OF_MARKDOWN and one not in keep else one for one in shown)


def _column(one: "ColumnTrial") -> tuple[object, ...]:
    from planlake.engines.type_words import word_of_declared

    return (
        one.column,
        word_of_declared(one.declared) or "not declared",
        one.fits,
        f"{one.filled / max(1, one.records):.0%}",
        one.bad or None,
        one.example,
        _signed(one.verdict),
    )


def _signed(verdict: str) -> str:
    return f"{SIGNS[verdict]} {verdict}"


def _sampled(found: "Trial") -> str:
    asked = f"pages {', '.join(map(str, found.pages))} of {found.total_pages:,}" if found.total_pages else "no page"
    days = f", and the first page of each of the last {len(found.changes.by_day)} days" if found.changes.by_day else ""
    held = f"; {found.held_before:,} rows are loaded already" if found.held_before else ""
    if not found.total:
        return f"= empty: the API has no record{held}" if not found.problems else f"x nothing came{held}"
    return f"{asked}{days}; {found.new:,} records are new or changed{held}"


def _ids(keys: "IdFigures") -> str:
    if not keys.repeated and not keys.unusable:
        return f"= {keys.column}: unique and usable in all {keys.records:,} records"
    parts = [f"{keys.repeated:,} come more than once"] if keys.repeated else []
    parts += [f"{keys.unusable:,} of {keys.records:,} records have no usable one"] if keys.unusable else []
    return f"{'x' if keys.would_hold else '!'} {keys.column}: {', '.join(parts)}"


def _changes(changes: "Changes") -> tuple[str, ...]:
    """Shares of the sample by age of the last change, and what the API says changed last on each of the last days."""
    ages = [f"{share:.1%} within {age} days" for age, share in changes.ages.items()]
    parts = [f"of the sample last updated: {', '.join(ages)}"] if ages else []
    days = [f"{date.fromisoformat(day):%a %d}: {number:,}" for day, number in sorted(changes.by_day.items())]
    parts += [f"of all records: {', '.join(days)}"] if days else []
    return tuple(parts) or ("? no column says when a record changed",)


def _cadence(found: "Trial") -> tuple[str, ...]:
    changes = found.changes
    stands = f"; the configuration says {found.cadence}" if found.cadence else "; not in the configuration yet"
    calls = ", ".join(f"{cadence} {number:,.0f}" for cadence, number in changes.calls.items())
    return f"> {changes.proposal}: {changes.why}{stands}", f"calls a week: {calls}"


def _next(found: "Trial") -> list[str]:
    """The next commands, the very next one last."""
    if found.problems:
        return [f"planlake try {found.table} --env {found.preview}"]
    proposed = [f"planlake add {found.table} --cadence {found.changes.proposal}"] if not found.cadence else []
    return [*proposed, f"planlake run --env {found.preview} {found.table}"]
