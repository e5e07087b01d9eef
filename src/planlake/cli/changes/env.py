"""`planlake env`: preview environments, which show the tables of another and keep their changes to themselves."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import AsJson, ConfigFile, DryRun, Yes
from planlake.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planlake.changes.previews import EnvironmentInfo, TableDifference
    from planlake.changes.promote import Promotion
    from planlake.config import Config

PreviewName = Annotated[str, typer.Argument(help="The preview.")]
OwnTables = Annotated[list[str] | None, typer.Argument(help="Tables; by default all that were run in the preview.")]

env = typer.Typer(
    name="env",
    help="Preview environments: try a table or a change without touching anybody else's tables.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@env.command()
def create(
    name: Annotated[str, typer.Argument(help="What to call it: a ticket, for example.")],
    base: Annotated[
        str | None,
        typer.Option("--base", help="The environment whose tables it shows.", show_default="the first of the file"),
    ] = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Make a preview; no data is copied, and no table is touched until it is run there."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, remark

    loaded = configuration(config)
    from planlake.changes.previews import create as make

    made = make(loaded, name, base=base)
    if json:
        print_json(asdict(made))
    remark(f"{name} shows the tables of {made.base}\nhint: planlake run --env {name} TABLE")


@env.command("list")
def list_(config: ConfigFile = None, json: AsJson = False) -> None:
    """List environments and their previews, with what is their own."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, print_table

    loaded = configuration(config)
    from planlake.changes.previews import environments

    found = environments(loaded)
    of_environments = [not one.damage for one in found if not one.base]
    status = 0 if all(of_environments) else 1 if any(of_environments) else 3
    if json:
        print_json([asdict(one) for one in found])
        raise typer.Exit(status)
    from planlake.cli.screen import remark

    names = ("environment", "stands on", "made (UTC)", "own tables", "files", "megabytes")
    print_table("", names, [_listed(one) for one in found], numbers=names[4:])
    for one in found:
        if one.damage and not one.base:
            remark(f"! {one.name}: {printable(one.damage)}\nhint: {one.hint}")
        elif one.damage:
            said = f"{one.name} is damaged, files of it are gone or cut off: {one.damage}"
            remark(f"{said}\nhint: planlake env drop {one.name}")
    raise typer.Exit(status)


def _listed(one: "EnvironmentInfo") -> tuple[object, ...]:
    if not one.base:
        return (one.name, "", "", "cannot be read" if one.damage else f"{len(one.tables)} in all", "", "")
    made_at = f"{one.made_at:%Y-%m-%d %H:%M}" if one.made_at else ""
    tables = "damaged" if one.damage else ", ".join(one.tables)
    return (one.name, one.base, made_at, tables, one.files, f"{one.bytes / 2**20:,.1f}")


@env.command()
def diff(
    name: PreviewName,
    tables: OwnTables = None,
    records: Annotated[int, typer.Option("--records", help="How many changed records to show.", min=0, max=100)] = 5,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Compare a preview's own tables with those of its base: columns, rows, changed cells, checks, bytes."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, waiting

    loaded = configuration(config)
    from planlake.changes.previews import differences

    with waiting("env diff: rows are compared"):
        found = differences(loaded, name, tables or [], records=records)
    if json:
        print_json([asdict(one) for one in found])
    else:
        _show_differences(found, name)


def _show_differences(found: "Sequence[TableDifference]", name: str) -> None:
    from planlake.cli.screen import print_table, remark

    names = ("table", "rows before", "rows here", "added", "removed", "changed", "own files", "own megabytes")
    rows = [
        (
            one.table,
            None if one.is_new else one.rows_base,
            one.rows_preview,
            one.added,
            one.removed,
            one.changed,
            one.files,
            f"{one.bytes / 2**20:,.1f}",
        )
        for one in found
    ]
    if not rows:
        remark(f"nothing was run in {name} yet\nhint: planlake run --env {name} TABLE")
        return
    print_table("", names, rows, numbers=names[1:])
    for one in found:
        cells = [(cell.id, cell.column, _cell(cell.before), _cell(cell.after)) for cell in one.sample]
        if cells:
            print_table(f"{one.table}: some of what changed", ("id", "column", "before", "here"), cells)
        for line in _remarks(one):
            remark(line)
        if one.is_sample:
            remark(f"{one.table}: only a sample was loaded\nhint: planlake run --env {name} {one.table}")


def _cell(value: str | None) -> str:
    return "NULL" if value is None else value


def _remarks(one: "TableDifference") -> list[str]:
    from planlake.cli.screen import counted

    lines = []
    if one.is_new:
        lines.append(f"{one.table} is new, with {counted(len(one.columns_added), 'column', 'columns')}")
    new = () if one.is_new else one.columns_added
    for what, columns in (("new columns", new), ("columns gone", one.columns_removed)):
        if columns:
            lines.append(f"{one.table}: {what}: {', '.join(columns)}")
    lines += [f"{one.table}: {column} was {before} and is {after}" for column, before, after in one.retyped]
    lines += [f"{one.table}: {check} ({verdict}): {message}" for check, verdict, message in one.checks]
    if one.moved:
        lines.append(f"{one.table}: {one.moved}; it cannot be promoted any more")
    return [printable(line) for line in lines]


@env.command()
def promote(
    name: PreviewName,
    tables: OwnTables = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Make a preview's tables those of the environment it stands on; nothing is copied or fetched again."""
    from planlake.cli.confirming import act_or_show
    from planlake.cli.loading import configuration
    from planlake.cli.screen import counted, remark

    loaded = configuration(config)
    from planlake.changes.previews import promote as make_the_bases
    from planlake.lake.open_lake import base_of

    base, _ = base_of(loaded, name)
    found, answers = act_or_show(
        lambda confirm: make_the_bases(loaded, name, tables or [], confirm=confirm),
        loaded,
        base,
        says_yes=yes,
        is_dry_run=dry_run,
        show=None if json else _show_promotions,
        lasts="env promote: what the preview has is brought to its base",
    )
    if any(answers):
        said = f"{counted(len(found), 'table is', 'tables are')} promoted; `planlake undo --env {base}` takes it back"
        remark(f"{said}\nhint: planlake env drop {name}")
    else:
        remark("No table was changed" if found else _nothing_to_promote(loaded, name, base))


def _nothing_to_promote(loaded: "Config", name: str, base: str) -> str:
    """What is said where no refined table differs; models are not promoted, as both are built from the same files."""
    from planlake.changes.previews import models_that_differ

    said = f"nothing to do: no table of {name} differs from its base"
    if models := models_that_differ(loaded, name):
        said = f"no refined table of {name} differs from its base; built from the same models, {base} gets"
        return f"{said} {', '.join(models)} by a run\nhint: planlake run --env {base} --step trust"
    return said


def _show_promotions(found: "Sequence[Promotion]") -> None:
    from planlake.cli.screen import print_table

    names = ("table", "rows before", "rows after", "batches", "files", "megabytes")
    rows = [
        (
            one.table,
            None if one.is_new else one.rows_from,
            one.rows_to,
            one.batches,
            one.files,
            f"{one.bytes / 2**20:,.1f}",
        )
        for one in found
    ]
    print_table("", names, rows, numbers=names[1:])


@env.command()
def drop(name: PreviewName, yes: Yes = False, config: ConfigFile = None, json: AsJson = False) -> None:
    """Delete a preview with everything that is its own; what was promoted stays."""
    from planlake.cli.confirming import may_go_on
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, remark

    loaded = configuration(config)
    from planlake.changes.previews import remove
    from planlake.lake.open_lake import base_of

    base, _ = base_of(loaded, name)
    found = remove(loaded, name, confirm=lambda _: may_go_on(loaded, base, says_yes=yes))
    if json:
        print_json({"done": found is not None, **(asdict(found) if found else {})})
    if found is None:
        remark("Nothing was dropped")
    else:
        kept = f"; {found.spared} that were promoted stay" if found.spared else ""
        remark(f"{name} is gone: {found.files} files, {found.bytes / 2**20:,.1f} MB{kept}")
