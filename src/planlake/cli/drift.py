"""`planlake drift`: the vendor's documentation against the catalogue and against what was received."""

from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName

if TYPE_CHECKING:
    from planlake.checks.documentation import Difference
    from planlake.config import Config
    from planlake.flow.documentation import Comparison

COLUMNS = ("resource", "column", "what", "catalogue", "page", "more")


def drift(
    docs: Annotated[
        str, typer.Option("--docs", help="Address or file of the page.", show_default="api.documentation")
    ] = "",
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write the differences into this file.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Take new columns and types over into the configuration file.")
    ] = False,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Compare the vendor's documentation with the catalogue and with what was received; exit 1 where they differ."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, progress_bars

    loaded = configuration(config)
    from planlake.flow.documentation import compare

    with progress_bars() as notify:
        found = compare(loaded, docs=docs, environment=env, notify=notify)
    if csv is not None:
        _write_csv(csv, found)
    if json:
        print_json([asdict(one) for one in found.differences])
    else:
        _show(found)
    _show_outlived(found)
    left = found.differences
    if write and left:
        left = _accept(loaded, config, found)
    raise typer.Exit(1 if left else 0)


def _show(found: "Comparison") -> None:
    from planlake.cli.screen import print_table, remark

    compared = f"{found.page}: {found.resources} resources, {found.columns:,} columns"
    if not found.differences:
        remark(f"{compared}, no difference")
        return
    rows = [
        (one.resource, one.column, one.what, one.catalogue, one.documented, one.detail) for one in found.differences
    ]
    print_table("", COLUMNS, rows)
    remark(f"{compared}, {len(rows)} differences")


def _show_outlived(found: "Comparison") -> None:
    from planlake.cli.screen import remark

    for one in found.outlived:
        column = one.column or '"*"'
        remark(f"known_drift of {one.resource} no longer holds, take it out: {column}: {one.what}")


def _write_csv(file: Path, found: "Comparison") -> None:
    import csv

    from planlake.checks.documentation import Difference
    from planlake.errors import ConfigurationError

    names = [field.name for field in fields(Difference)]
    try:
        with file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, names)
            writer.writeheader()
            writer.writerows(asdict(one) for one in found.differences)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from None


def _accept(loaded: "Config", config: Path | None, found: "Comparison") -> "tuple[Difference, ...]":
    """Write what the file can hold, show the lines that changed, and give back what is left."""
    from planlake.cli.screen import remark
    from planlake.config import DEFAULT_FILE
    from planlake.flow.accepting import accept

    accepted = accept(loaded, config or Path(DEFAULT_FILE), found)
    remark(accepted.diff)
    taken = len(found.differences) - len(accepted.left)
    remark(f"{taken} differences are taken over into {accepted.file}")
    if accepted.left:
        remark(f"{len(accepted.left)} are left: they are between the page and what is sent")
        remark("hint: planlake drift shows them; known_drift in docs/settings.md names them as known")
    return accepted.left
