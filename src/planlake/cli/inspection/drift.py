"""`planlake drift`: the vendor's documentation against the catalogue and against what was received."""

import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName
from planlake.printable import printable

if TYPE_CHECKING:
    from planlake.checks.documentation import Difference
    from planlake.config import Config
    from planlake.inspection.documentation import Comparison

COLUMNS = ("resource", "column", "what", "catalogue", "page", "more")
NUMBER = ("difference is", "differences are")
SHOWN = 5  # differences that are left


def drift(
    docs: Annotated[
        str | None, typer.Option("--docs", help="Address or file of the page.", show_default="api.documentation")
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write the differences into this file.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write new columns and types into the configuration file.")
    ] = False,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Compare the vendor's page with the catalogue and what was received; exit 1: they differ, 3: no comparison."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json

    loaded = configuration(config)
    if csv is not None:
        _check_csv(csv)
    found = _compared(loaded, docs, env)
    if json:
        print_json([asdict(one) for one in found.differences])
    else:
        _show(found)
    if csv is not None:
        _write_csv(csv, found)
    _show_outlived(found)
    left = found.differences
    if write and left:
        left = _accept(loaded, config, found)
    raise typer.Exit(1 if left else 0)


def _compared(loaded: "Config", docs: str | None, environment: str | None) -> "Comparison":
    """Compare; that another run has the lake does not end with 1, which means that there are differences."""
    from planlake.cli.screen import progress_bars
    from planlake.errors import ConfigurationError, ConflictError, LakeError
    from planlake.inspection.documentation import compare

    if docs is not None and not docs.strip():
        hint = "leave it out for api.documentation"
        raise ConfigurationError("--docs names no page", state="Nothing was compared", hint=hint)
    try:
        with progress_bars() as notify:
            return compare(loaded, docs=docs or "", environment=environment, notify=notify)
    except ConflictError as error:
        raise LakeError(error.message, facts=error.facts, state=error.state, hint=error.hint) from None


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
        remark(f"known_drift of {one.resource} no longer applies, remove it: {printable(column)}: {one.what}")


def _check_csv(file: Path) -> None:
    """Refuse, before anything is compared, a file that cannot be written or is not a file of differences."""
    from planlake.errors import ConfigurationError

    state = "Nothing was compared"
    try:
        if file.is_file() and file.stat().st_size:
            with file.open(encoding="utf-8", errors="replace") as stream:
                is_ours = stream.readline(1000).strip() == ",".join(_csv_head())
            if not is_ours:
                message, hint = f"{file} is not a file of differences", "give another name"
                raise ConfigurationError(message, state=state, hint=hint)
        if not os.access(file if file.exists() else file.parent, os.W_OK) or file.is_dir():
            raise ConfigurationError(f"{file} cannot be written", state=state)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}", state=state) from None


def _csv_head() -> list[str]:
    from planlake.checks.documentation import Difference

    return [field.name for field in fields(Difference)]


def _write_csv(file: Path, found: "Comparison") -> None:
    import csv

    from planlake.errors import ConfigurationError

    try:
        with file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, _csv_head())
            writer.writeheader()
            writer.writerows(asdict(one) for one in found.differences)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from None


def _accept(loaded: "Config", config: Path | None, found: "Comparison") -> "tuple[Difference, ...]":
    """Write what the file can hold, show the lines that changed, and give back what is left."""
    from planlake.cli.screen import counted, remark
    from planlake.config import DEFAULT_FILE
    from planlake.setup.accept_documentation import accept

    accepted = accept(loaded, config or Path(DEFAULT_FILE), found)
    remark(accepted.diff)
    taken = len(found.differences) - len(accepted.left)
    remark(f"{counted(taken, *NUMBER)} written into {accepted.file}")
    if accepted.left:
        remark(f"{counted(len(accepted.left), *NUMBER)} left for you to decide:")
        for one in accepted.left[:SHOWN]:
            place = f"{one.resource}{'.' * bool(one.column)}{one.column}"
            remark(f"  {printable(place)}: {one.what}, {printable(one.detail)}")
        if len(accepted.left) > SHOWN:
            remark(f"  and {len(accepted.left) - SHOWN} more")
        remark("known_drift of a resource names differences to accept (docs/settings.md)")
    return accepted.left
