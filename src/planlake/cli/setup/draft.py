"""`planlake init --source NAME RESOURCE...`: drafts the catalogue of an API that nobody has described yet."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from planlake.setup.draft.columns import DraftColumn
    from planlake.setup.draft.draft import Draft


def write_draft(source: str, base_url: str, resources: Sequence[str], *, key: str, folder: Path) -> str:
    """Ask the API, write the catalogue beside the configuration, and show what it is sure of; its name for `source`."""
    from planlake.errors import ConfigurationError
    from planlake.printable import quoted
    from planlake.setup.draft.draft import catalogue_place, draft
    from planlake.sources.catalogue import known_sources

    if source in known_sources():
        message = f'Planlake describes "{source}" itself: nothing is drafted of it'
        raise ConfigurationError(message, hint="planlake init --source NAME, another name, and the same resources")
    named, file = catalogue_place(source, folder)
    if file.exists():
        hint = f"planlake init --source {quoted(named)} --base-url {base_url} takes it as it is"
        raise ConfigurationError(f"{file} exists and was left as it is", hint=hint)
    again = f"planlake init --source {quoted(source)} --base-url {base_url} {' '.join(map(quoted, resources))}"
    found = draft(base_url, resources, again=again, key=key)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(found.text)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from None
    _show(found)
    typer.echo(f"{file} written, from {found.requests} answers")
    return named


def _show(found: "Draft") -> None:
    """Each table with its types, then what the answers showed of the API, and what they did not."""
    from planlake.cli.screen import print_table
    from planlake.printable import printable

    for one in found.resources:
        total = "" if one.total is None else f" of {one.total:,}"
        title = f"{printable(one.name)}: {one.records:,}{total} records looked at"
        rows = [(c.name, c.type, f"{c.filled / max(1, c.records):.0%}", _verdict(c, one.key)) for c in one.columns]
        print_table(title, ("column", "type", "filled", "verdict"), rows, numbers=("filled",))
    sure = [("= sure", said) for said in found.sure]
    doubts = [("? look at", said) for said in found.doubts]
    doubts += [("? look at", f"{one.name}: {said}") for one in found.resources for said in one.doubts]
    print_table("", ("the API", "what its answers show"), [*doubts, *sure])


def _verdict(column: "DraftColumn", key: str) -> str:
    if column.name == key:
        return "= the id: filled in each, another in each"
    people = ["may name or reach a person: masked"] if column.may_name_people else []
    doubts = "; ".join([*([column.doubt] if column.doubt else []), *people])
    return f"? {doubts}" if doubts else "= sure" if column.type != "text" else "= text"
