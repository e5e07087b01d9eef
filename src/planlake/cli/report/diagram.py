"""`planlake diagram`: tables, their keys and relations as a diagram."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from planlake.cli.completing import resource_names
from planlake.cli.options import AsJson, ConfigFile, EnvironmentName
from planlake.printable import printable

if TYPE_CHECKING:
    from planlake.report.diagrams.diagram import ShownColumns

FORMATS = ("mermaid", "dbml", "svg")
ENDINGS = {".dbml": "dbml", ".svg": "svg", **dict.fromkeys((".mmd", ".mermaid", ".md", ".txt", ""), "mermaid")}
BEGINNINGS = {"mermaid": ("erDiagram",), "dbml": ("Table ",), "svg": ("<?xml", "<svg")}
COLUMNS = ("keys", "typed", "all")


def diagram(
    tables: Annotated[
        list[str] | None,
        typer.Argument(
            help="Only these and what they lead to; all configured by default.", autocompletion=resource_names
        ),
    ] = None,
    format: Annotated[  # noqa: A002
        str | None,
        typer.Option("--format", help="mermaid, dbml or svg.", show_default="by --out, or mermaid"),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write into this file.", show_default=False)] = None,
    columns: Annotated[
        str, typer.Option("--columns", help="keys: keys and relations; typed: all that are not text; all.")
    ] = "keys",
    guessed: Annotated[bool, typer.Option("--guessed", help="Relations that only names suggest, too.")] = False,
    known: Annotated[bool, typer.Option("--known", help="Every resource of the catalogue, configured or not.")] = False,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Draw tables, their keys and how they are related, as Mermaid, DBML or SVG."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, remark
    from planlake.cli.selecting import check_format, check_shown_columns

    check_format(format, FORMATS)
    check_shown_columns(columns, COLUMNS)
    chosen = format if format and not _is_folder(out) else _format_of(out)
    loaded = configuration(config)
    from planlake.report.diagrams import formats as drawing
    from planlake.report.diagrams.diagram import Wanted
    from planlake.report.diagrams.diagram import diagram as related

    wanted = Wanted(tables or (), known, cast("ShownColumns", columns), guessed)
    found = related(loaded, wanted, env)
    if json:
        print_json(asdict(found))
        return
    draw = {"mermaid": drawing.mermaid, "dbml": drawing.dbml, "svg": drawing.svg}[chosen]
    _write(draw(found), out, chosen)
    remark(f"{len(found.entities)} tables, {len(found.relations)} relations")


def _is_folder(out: Path | None) -> bool:
    """Whether a folder is called so; a name that is too long is told when it is written."""
    try:
        return out is not None and out.is_dir()
    except OSError:
        return False


def _format_of(out: Path | None) -> str:
    """The format that the ending of a file names; a ConfigurationError where it names none of them."""
    from planlake.errors import ConfigurationError

    if out is not None and _is_folder(out):
        raise ConfigurationError(f"{out} is a folder", hint=f"name a file: --out {out / 'tables.svg'}")
    ending = out.suffix.lower() if out else ""
    if ending not in ENDINGS:
        hint = "--out FILE.svg, FILE.dbml or FILE.mmd; with --format any name will do"
        raise ConfigurationError(f"a diagram cannot be written as {ending}", facts={"out": out}, hint=hint)
    return ENDINGS[ending]


def _check_replaces(out: Path, chosen: str) -> None:
    """Refuse to write over what is not an earlier diagram of this format; an OSError where that cannot be read."""
    from planlake.errors import ConfigurationError

    if not out.is_file():
        return
    with out.open("rb") as stream:
        beginning = stream.read(100).decode(errors="replace").lstrip()
    if beginning and not beginning.startswith(BEGINNINGS[chosen]):
        state, hint = "It was left as it is", "name another with --out"
        raise ConfigurationError(f"{out} is not an earlier diagram in {chosen}", state=state, hint=hint)


def _write(text: str, out: Path | None, chosen: str) -> None:
    from planlake.cli.screen import echo
    from planlake.errors import ConfigurationError

    if out is None:
        echo("\n".join(map(printable, text.rstrip("\n").split("\n"))))
        return
    try:
        _check_replaces(out, chosen)
        out.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"{out} cannot be written: {error.strerror}") from None
