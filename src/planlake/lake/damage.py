"""Damaged previews: in goes a lake, out come its previews, or a word on the one whose files somebody deleted."""

from collections.abc import Iterator

from pyiceberg.table import Table

from planlake.lake.lake import BOOKMARKED, UNREADABLE, ZONES, Lake, clear_errors, damaged
from planlake.lake.overlay import preview_names, unread
from planlake.lake.previews import look_again
from planlake.lake.written import missing_file


def previews_of(base: Lake) -> list[Lake]:
    """Every preview of a lake, open; a LakeError names the first that is damaged."""
    found = [unread(base, name) for name in preview_names(base)]
    for preview in found:
        if gone := damage_of(preview):
            raise damaged(preview.preview, gone)
    return found


def damage_of(preview: Lake) -> str:
    """The first file of a preview that is gone or cut off; empty where none is, and what it entered is read then."""
    with clear_errors():
        try:
            if gone := _gone(preview, [("operations", name) for name in preview.names("operations")]):
                return gone
            look_again(preview)
            return _gone(preview, _others(preview))
        except UNREADABLE as error:  # of a version that is not the current one
            return str(error)


def _others(preview: Lake) -> Iterator[tuple[str, str]]:
    """The preview's tables of the other zones; what a crash left of a resource that it has not entered is none."""
    for zone in ZONES:
        for name in preview.names(zone) if zone != "operations" else ():
            if not name.startswith(BOOKMARKED) or name.partition("_")[2] in preview.own:
                yield zone, name


def _gone(preview: Lake, places: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> str:
    for zone, name in places:
        place = f"{preview.database(zone)}.{name}"
        try:
            table: Table = preview.catalog.load_table((preview.database(zone), name))
        except UNREADABLE:
            return f"the metadata of {place}"
        if path := missing_file(table.io, table.metadata.snapshots, current=table.current_snapshot()):
            return f"{path.rpartition('/')[2]} of {place}"
    return ""
