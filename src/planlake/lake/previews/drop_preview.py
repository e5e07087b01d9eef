"""Drops a preview, whole or damaged, and leaves no trace of it in its base.

What was promoted stays: those files are the base's, wherever they lie.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from pyiceberg.exceptions import NamespaceNotEmptyError

from planlake.errors import LakeError
from planlake.lake.aws.glue_entries import drop_views
from planlake.lake.lake import Lake, clear_errors
from planlake.lake.previews.entered import LEFT, ever_entered
from planlake.lake.previews.own_tables import drop_table, pinning, places_of, remove_pins, write_event
from planlake.lake.tables.housekeeping import GRACE, live_paths
from planlake.lake.warehouse import database_storage


@dataclass(frozen=True, slots=True)
class Dropped:
    """What dropping a preview deleted, and how many of its files its base has now, which stay."""

    files: int
    bytes: int
    spared: int


def drop(preview: Lake, *, run: int, now: datetime, is_damaged: bool = False) -> Dropped:
    """Delete everything that is a preview's own, but the files its base has now; what is left of a crash, too.

    Its operations database, which says that there is such a preview, goes last.
    """
    base, is_told = preview.stands_on, not is_damaged and preview.find("operations", "previewed") is not None
    resources = set(pinning(base).get(preview.preview, ()))
    if is_told:
        resources.update(ever_entered(preview))
        write_event(preview, preview.own, LEFT, run)
    places = [(zone, name) for zone, name, _ in places_of(resources)]
    if not is_told and database_storage(preview, "refined").list_files():  # of which table, nobody knows any more
        places += [("refined", name) for name in base.names("refined")]
    spared = _spared(base, places, now)
    done = [_drop_database(preview, zone, spared) for zone in ("raw", "refined", "trusted")]
    remove_pins(preview, resources)
    done.append(_drop_database(preview, "operations", spared))
    return Dropped(sum(one.files for one in done), sum(one.bytes for one in done), sum(one.spared for one in done))


def _spared(base: Lake, places: Iterable[tuple[str, str]], now: datetime) -> set[str]:
    """The paths of all files that these tables refer to."""
    tables = [base.find(*place) for place in places]
    return {path for table in tables if table is not None for path in live_paths(table, since=now - GRACE)}


def _drop_database(preview: Lake, zone: str, spared: Collection[str]) -> Dropped:
    for name in preview.names(zone):
        drop_table(preview, zone, name)
    storage = database_storage(preview, zone)
    files = {file.path: file for file in storage.list_files()}
    files = {path: files[path] for path in storage.deletable(files)}
    gone = [file for file in files.values() if file.path not in spared]
    if len(gone) == len(files):
        storage.remove()
    else:
        storage.delete(file.path for file in gone)
    with clear_errors():
        if preview.catalog.namespace_exists(preview.database(zone)):
            drop_views(preview.catalog, preview.database(zone))
            try:
                preview.catalog.drop_namespace(preview.database(zone))
            except NamespaceNotEmptyError as error:
                facts, state = {"database": preview.database(zone)}, "Nothing of others was deleted"
                hint = f"take them out of it, then: planlake env drop {preview.preview}"
                message = "a database of the preview holds tables that are not Planlake's"
                raise LakeError(message, facts=facts, state=state, hint=hint) from error
    return Dropped(len(gone), sum(file.size for file in gone), len(files) - len(gone))
