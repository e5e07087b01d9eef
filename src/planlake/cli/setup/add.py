"""`planlake add`: names put into the lists of planlake.yaml, and what is known of each."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.completing import resource_names
from planlake.cli.options import AsJson, ConfigFile, DryRun
from planlake.cli.report.meanings import print_described

if TYPE_CHECKING:
    from planlake.config import Config
    from planlake.setup.add_tables import Added
    from planlake.sources.catalogue import Resource

SHOWN_COLUMNS = 40


def add(
    resources: Annotated[list[str], typer.Argument(help="Resources of the catalogue.", autocompletion=resource_names)],
    cadence: Annotated[
        str | None, typer.Option("--cadence", help="daily or weekly.", show_default="what the catalogue says")
    ] = None,
    dry_run: DryRun = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Put tables into the configuration, its comments and order kept, and show what is known of them."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, print_table, remark
    from planlake.cli.selecting import cadence_of
    from planlake.config import DEFAULT_FILE

    wanted = cadence_of(cadence)
    loaded = configuration(config)
    file = config or Path(DEFAULT_FILE)
    from planlake.setup.add_tables import planned_additions, write_added

    found = planned_additions(loaded, resources, wanted)
    if not dry_run:
        write_added(loaded, file, found)
    if json:
        print_json([_as_json(loaded, one) for one in found])
        return
    columns = ("table", "cadence", "state", "columns", "types", "read")
    rows = [
        (one.table, one.cadence, _state(one, dry_run), len(one.resource.columns), _types(one.resource), _read(one))
        for one in found
    ]
    print_table("", columns, rows, numbers=("columns",))
    for one in found:
        if one.is_new:
            _show_columns(loaded, one.resource)
    new = [one.table for one in found if one.is_new]
    if new and not dry_run:
        remark(f"{file} has {len(new)} more; any other column the API sends becomes text")
        for table in new:
            remark(f"hint: planlake try {table} --env NAME")


def _state(one: "Added", is_dry_run: bool) -> str:
    if not one.is_new:
        return "= already there"
    return "would be added" if is_dry_run else "+ added"


def _types(resource: "Resource") -> str:
    counted = Counter(resource.columns.values()).most_common()
    return ", ".join(f"{number} {name}" for name, number in counted)


def _read(one: "Added") -> str:
    if one.cadence == "weekly":
        return "whole, once a week"
    return f"by day of {one.resource.changed}" if one.resource.changed else "whole, each time"


def _show_columns(config: "Config", resource: "Resource") -> None:
    """Every column of a small table; of a large one those of which more than type and meaning is known."""
    from planlake.cli.screen import remark
    from planlake.report.meanings import describe_resource

    described = [(one, ", ".join(_known(resource, key))) for key, one in describe_resource(config, resource).items()]
    shown = described if len(described) <= SHOWN_COLUMNS else [one for one in described if one[1]]
    print_described(resource.name, [one for one, _ in shown], {"known": [known for _, known in shown]})
    if len(shown) < len(described):
        remark(f"{resource.name} has {len(described) - len(shown)} more columns; --json lists them all")


def _known(resource: "Resource", column: str) -> list[str]:
    """What is known of a column beside its type: key, relation, checks, whether it is personal."""
    known = ["key, unique"] if column == resource.key else []
    if column == resource.complete:
        known.append(f"complete in {resource.complete_minimum:.0%}")
    if column in resource.relations:
        known.append(f"id of {resource.relations[column]}")
    if column in resource.relations_guessed:
        known.append(f"perhaps id of {resource.relations_guessed[column]}")
    if column in resource.relations_unresolved:
        known.append("id of an unknown resource")
    if column in resource.accepted:
        known.append(f"{len(resource.accepted[column])} accepted values")
    return [*known, "personal"] if resource.is_personal(column) else known


def _as_json(config: "Config", one: "Added") -> dict[str, object]:
    from planlake.report.meanings import describe_resource

    resource = one.resource
    return {
        "table": one.table,
        "cadence": one.cadence,
        "is_new": one.is_new,
        "key": resource.key,
        "changed": resource.changed or None,
        "complete": {"column": resource.complete, "minimum": resource.complete_minimum},
        "relations": resource.relations,
        "relations_guessed": resource.relations_guessed,
        "relations_unresolved": resource.relations_unresolved,
        "accepted": resource.accepted,
        "columns": [
            {**asdict(described), "key": key, "is_personal": resource.is_personal(key)}
            for key, described in describe_resource(config, resource).items()
        ],
    }
