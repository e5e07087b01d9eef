"""`planlake model`: the SQL that trusted tables are made of."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from planlake.cli.options import AsJson, ConfigFile, DryRun, EnvironmentName, Yes
from planlake.printable import printable

model = typer.Typer(
    name="model",
    help="Models: SQL files of your own, of which trusted tables and views are made.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
ModelName = Annotated[str, typer.Argument(help="The model: its file is models/NAME.sql.")]
STARTER = """\
-- What one row of it is, in a sentence: this is the comment of the table.
--
-- kind: table
-- checks:
--   unique: [id]
--   complete: [id]
-- columns:
--   id: the id of ...
select id
from refined.{table}
"""


@model.command("list")
def list_(env: EnvironmentName = None, config: ConfigFile = None, json: AsJson = False) -> None:
    """List the models, what each reads and who reads it."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import as_date, print_json, print_table, remark

    loaded = configuration(config)
    from planlake.report.models import listed_models

    found = listed_models(loaded, env)
    if json:
        print_json([asdict(one) for one in found])
        return
    rows = [
        (one.name, one.kind, ", ".join(one.reads), ", ".join(one.read_by), one.rows, as_date(one.built_on))
        for one in found
    ]
    if rows:
        print_table("", ("model", "kind", "reads", "read by", "rows", "built on"), rows, numbers=("rows",))
    else:
        remark("there are no models yet\nhint: planlake model new NAME")
    for one in found:
        if one.trouble:
            remark(f"! {one.name}: {printable(one.trouble)}")


@model.command()
def new(
    name: ModelName,
    table: Annotated[str, typer.Option("--from", help="A table that it reads.")] = "applications",
    config: ConfigFile = None,
) -> None:
    """Write a model to begin with."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import remark
    from planlake.errors import ConfigurationError
    from planlake.lake.views.read_models import NAME
    from planlake.sources.catalogue import catalogue_of

    loaded = configuration(config)
    catalogue_of(loaded).resource(table)
    if not NAME.fullmatch(name):
        raise ConfigurationError(f"{name} is no name of a model", hint="small letters, digits and _: fees_by_month")
    file = loaded.folder / loaded.models.folder / f"{name}.sql"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(STARTER.format(table=table))
    except FileExistsError:
        raise ConfigurationError(f"{file} is there already", state="It was left as it is") from None
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from None
    remark(f"{file} is written\nhint: planlake model test {name}")


@model.command()
def test(name: ModelName, env: EnvironmentName = None, config: ConfigFile = None, json: AsJson = False) -> None:
    """Carry a model out with its checks and show its first rows; nothing is kept. Exit status 1 where one fails."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import counted, print_json, print_table, remark

    loaded = configuration(config)
    from planlake.checks.quality import blocking
    from planlake.flow.trust.trial import try_model

    tried = try_model(loaded, name, environment=env)
    failed = blocking(tried.checks)
    if json:
        first = tried.first.to_pylist()
        print_json({"model": name, "rows": tried.rows, "first": first, "checks": [asdict(one) for one in tried.checks]})
    else:
        names = tried.first.column_names[:8]
        print_table("", names, [[row[one] for one in names] for row in tried.first.to_pylist()])
        remark(f"{counted(tried.rows, 'row', 'rows')}, {counted(len(tried.first.column_names), 'column', 'columns')}")
        for check in tried.checks:
            of = f" of {check.column}" if check.column else ""
            remark(f"{'!' if check.verdict == 'held' else '+'} {check.check}{of}: {printable(check.message) or 'ok'}")
        if tried.note:
            remark(f"! {printable(tried.note)}")
        remark(_what_a_run_does(is_view=tried.is_view, fails=bool(failed), name=name))
    if failed:
        raise typer.Exit(1)


def _what_a_run_does(*, is_view: bool, fails: bool, name: str) -> str:
    if is_view:
        found = (
            "a run would report it; people see the view as it is" if fails else "it is there at once, as it is a view"
        )
        return f'{found}\nhint: planlake sql "from trusted.{name}"'
    return "a run would keep the version before" if fails else "hint: planlake run --step trust builds it"


@model.command()
def diff(config: ConfigFile = None, json: AsJson = False) -> None:
    """Show how your models differ from those that this version of Planlake ships."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import echo, print_json, remark

    loaded = configuration(config)
    from planlake.setup.copy_models import differing_models

    found = differing_models(loaded)
    if json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        for line in one.lines:
            echo(printable(line))
    said = {"missing": "shipped, not in your folder", "own": "your own"}
    for one in found:
        if one.state in said:
            remark(f"{printable(one.file)}: {said[one.state]}")
    if any(one.state == "missing" for one in found):
        remark("hint: planlake model copy writes those that are missing")
    if not found:
        remark("your models are those that are shipped")


@model.command()
def copy(config: ConfigFile = None) -> None:
    """Put the shipped models into your folder; what is there already is left as it is."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import counted, remark

    loaded = configuration(config)
    from planlake.setup.copy_models import copy_models

    written = copy_models(loaded)
    folder = loaded.folder / loaded.models.folder
    remark(f"{counted(len(written), 'file is', 'files are')} written to {folder}\nhint: planlake run --step trust")


@model.command()
def drop(
    name: ModelName,
    dry_run: DryRun = False,
    yes: Yes = False,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Take away the table of a model whose file is gone, with its past days; nothing takes that back."""
    from planlake.cli.confirming import act_or_show
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_table, remark

    loaded = configuration(config)
    from planlake.changes.drop_model import LeftTable, drop_model_table

    def show(found: Sequence[LeftTable]) -> None:
        rows = [(one.table, one.rows, one.versions) for one in found]
        print_table("", ("table", "rows", "versions"), rows, numbers=("rows", "versions"))

    _, answers = act_or_show(
        lambda confirm: drop_model_table(loaded, name, confirm=confirm, environment=env),
        loaded,
        env,
        says_yes=yes,
        is_dry_run=dry_run,
        show=None if json else show,
    )
    remark(f"trusted.{name} is gone" if any(answers) else "Nothing was changed")
