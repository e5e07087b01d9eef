"""`planlake export`: tables as files for other programs, by the ending of their name, or described to dbt."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.completing import table_names
from planlake.cli.options import AsJson, ConfigFile, EnvironmentName
from planlake.printable import quoted

if TYPE_CHECKING:
    from planlake.config import Config
    from planlake.errors import ConfigurationError
    from planlake.report.exports.targets import ExportTarget

FORMATS = ("csv", "xlsx", "sqlite", "duckdb", "parquet", "geoparquet", "gpkg")
OUT_HELP = (
    "A file that ends in .csv, .xlsx, .sqlite, .duckdb, .parquet, .geoparquet or .gpkg; without an ending a folder "
    "for Parquet files."
)
PLACES = "--out FILE.csv, .xlsx, .sqlite, .duckdb, .parquet, .geoparquet or .gpkg, or the name of a folder for Parquet"
STREAMS = ("-", "/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2")
ENDING = re.compile(r"\.[A-Za-z]\w{0,7}")  # of a file, whatever kind that is


def export(
    tables: Annotated[
        list[str] | None,
        typer.Argument(
            help="Tables or views; the refined views of all that were loaded by default.", autocompletion=table_names
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help=OUT_HELP)] = None,
    dbt_sources: Annotated[
        Path | None, typer.Option("--dbt-sources", help="Write this sources.yml, which describes the tables to dbt.")
    ] = None,
    format: Annotated[  # noqa: A002
        str | None,
        typer.Option(
            "--format", help=f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}.", show_default="by the ending of --out"
        ),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Export refined tables as of this day, YYYY-MM-DD.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Write tables into a file for Excel, a BI tool, a map or a notebook, by its ending, or describe them to dbt."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, remark
    from planlake.errors import ConfigurationError

    if out is None and (dbt_sources is None or format is not None or as_of is not None):
        raise ConfigurationError("an export needs a place: --out is missing", hint=PLACES)
    loaded = configuration(config)
    target = _target(out, format, replaces=force) if out is not None else None
    if dbt_sources is not None:
        from planlake.report.dbt_sources import check_sources_file

        check_sources_file(dbt_sources, replaces=force)
    told: dict[str, object] = {}
    if target is not None:
        told |= _export(loaded, tables or [], target, env=env, as_of=as_of, is_shown=not json)
        remark(f"{out} written")
    if dbt_sources is not None:
        from planlake.report.dbt_sources import dbt_sources as described
        from planlake.report.dbt_sources import write_sources_file

        write_sources_file(dbt_sources, described(loaded, tables or [], environment=env))
        told["dbt_sources"] = str(dbt_sources)
        remark(f"{dbt_sources} written")
    if json:
        print_json(told)


def _export(
    config: "Config", tables: list[str], target: "ExportTarget", *, env: str | None, as_of: str | None, is_shown: bool
) -> dict[str, object]:
    """Export the tables, show them if wanted; what was done, as JSON has it."""
    from planlake.cli.screen import as_date, print_table, progress_bars, remark
    from planlake.cli.selecting import day_of
    from planlake.report.exports.export import export as carry_out

    day = day_of("--as-of", as_of)
    with progress_bars() as notify:
        done = carry_out(config, tables, target, environment=env, as_of=day, notify=notify)
    for note in done.notes:
        remark(note)
    if is_shown:
        rows = [(one.table, one.rows, one.columns, as_date(one.published), one.file) for one in done.tables]
        columns = ("table", "rows", "columns", "published", "file")
        shown = columns if target.is_folder else columns[:-1]
        print_table("", shown, (row[: len(shown)] for row in rows), numbers=("rows", "columns"))
    return asdict(done)


def _target(out: Path, name: str | None, *, replaces: bool) -> "ExportTarget":
    """Where to and as what; a ConfigurationError where the ending of a file and the format disagree."""
    from planlake.cli.selecting import check_format
    from planlake.errors import ConfigurationError

    check_format(name, FORMATS)
    if str(out) in STREAMS:
        hint = 'planlake sql --format parquet "select * from TABLE" > FILE, or | PROGRAM'
        raise ConfigurationError("an export is a file or a folder, not a stream", facts={"out": out}, hint=hint)
    from planlake.report.exports.targets import ENDINGS, ExportTarget, follow_links

    meant = ENDINGS.get(out.suffix.lower())
    if name is not None and meant not in (None, name) and out.suffix.lower() != ".db":  # which others call theirs, too
        message = f"a file that ends in {out.suffix} is no {name}"
        raise ConfigurationError(message, hint=f"leave out --format, or name a file without {out.suffix}")
    if chosen := name or meant:
        return ExportTarget(out, ENDINGS[f".{chosen}"], replaces)
    if not follow_links(out).is_dir() and ENDING.fullmatch(out.suffix):
        raise _no_export(out)
    return ExportTarget(out, "parquet", replaces)


def _no_export(out: Path) -> "ConfigurationError":
    """The error for a name that ends like a file of another kind."""
    from planlake.errors import ConfigurationError

    ending, hint = out.suffix[1:].lower(), PLACES
    if ending == "json":
        hint = f'planlake sql --format json "select * from TABLE" > {quoted(str(out))}'
    return ConfigurationError(f"an export cannot be written as {ending}", facts={"out": out}, hint=hint)
