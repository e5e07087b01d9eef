"""Opens a preview, and tells which resources it has tables of its own of, as its table `previewed` says."""

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from planlake.errors import ConfigurationError
from planlake.lake.lake import Lake
from planlake.lake.previews.names import unread
from planlake.lake.tables.unreadable import damaged

if TYPE_CHECKING:
    from pyiceberg.table import Table

NAME = re.compile(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)*")
LONGEST_NAME = 40
ENTERED, LEFT = "entered", "left"


def preview_of(base: Lake, name: str, *, takes_any_format: bool = False) -> Lake:
    """The preview of this name, which may be new; a LakeError if it is too damaged to say what it entered."""
    preview = replace(unread(base, name), takes_any_format=takes_any_format)
    preview.own.update(_entered(preview))
    return preview


def _entered(preview: Lake) -> set[str]:
    return {resource for resource, event in _last_events(preview).items() if event == ENTERED}


def ever_entered(preview: Lake) -> list[str]:
    """Every resource that a preview had tables of its own of, now or before."""
    return list(_last_events(preview))


def _last_events(preview: Lake) -> dict[str, str]:
    noted = preview.find("operations", "previewed")
    try:
        return last_events(noted) if noted is not None else {}
    except FileNotFoundError as error:
        raise damaged(preview.preview, f"rows of previewed in {preview.database('operations')}") from error


def last_events(noted: "Table") -> dict[str, str]:
    """What a table `previewed` says of each resource last: `entered` or `left`."""
    events = noted.scan().to_arrow().sort_by("number").to_pylist()
    return {row["resource"]: row["event"] for row in events}


def reload_preview(preview: Lake) -> None:
    """Forget what is known of a preview's tables, and read again which it has: somebody else changed them."""
    preview.loaded.clear()
    preview.absent.clear()
    preview.own.clear()
    preview.own.update(_entered(preview))


def check_name(name: str, taken: Collection[str]) -> None:
    """Refuse a name no preview can have; a ConfigurationError says why."""
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        hint = f"letters, digits, _ and single hyphens, at most {LONGEST_NAME} of them: DPP-426"
        raise ConfigurationError(f'no preview can be called "{name}"', hint=hint)
    if name.lower() in {one.lower() for one in taken}:
        message = f'an environment or a preview is called "{name}" already'
        raise ConfigurationError(message, hint="planlake env list")


def check_entered(lake: Lake, resources: Iterable[str]) -> None:
    """Refuse resources that a preview has no tables of its own of; a ConfigurationError names the first."""
    missing = [resource for resource in resources if lake.base is not None and resource not in lake.own]
    if missing:
        message, state = f"{missing[0]} was never run in this preview", "Nothing was changed"
        hint = f"planlake run --env {lake.preview} {missing[0]}"
        raise ConfigurationError(message, facts={"preview": lake.preview}, state=state, hint=hint)
