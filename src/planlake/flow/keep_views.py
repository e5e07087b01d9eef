"""Keeps the views of a lake in its catalogue as its tables are, where the catalogue has views: in Glue."""

from collections.abc import Iterable

from planlake.config import Config
from planlake.errors import LakeError
from planlake.flow.context import Context
from planlake.lake.aws.glue_entries import is_glue
from planlake.lake.lake import Lake
from planlake.lake.tables.unreadable import BOOKMARKED
from planlake.lake.views.glue_views import keep_views
from planlake.sources.catalogue import catalogue_of
from planlake.sources.meanings import meanings_of

STATE = "The tables are as the command left them; planlake run makes the views of those that it opens"


def keep_views_after_run(context: Context) -> str:
    """Bring the views up to date after a run; what goes wrong is returned, and changes nothing about the tables."""
    try:
        keep_views_of(context)
    except LakeError as error:
        return "\n".join(filter(None, (error.message, error.hint and f"hint: {error.hint}")))
    return ""


def keep_views_of(context: Context) -> None:
    """Bring the views of every table that was opened up to date; a LakeError says which could not be."""
    _keep(context.lake, context.config, (name for zone, name in context.lake.loaded if zone == "refined"))


def keep_all_views(lake: Lake, config: Config) -> None:
    """Bring all views of a lake up to date; a LakeError says which could not be."""
    _keep(lake, config, lake.names("refined") if is_glue(lake.catalog) else ())


def _keep(lake: Lake, config: Config, tables: Iterable[str]) -> None:
    if not is_glue(lake.catalog):
        return
    known = catalogue_of(config).resources
    opened = {name.partition("_")[2] for name in tables if name.startswith(BOOKMARKED)} - lake.viewed
    resources = [known[name] for name in sorted(opened) if name in known and (lake.base is None or name in lake.own)]
    lake.viewed.update(opened)  # also where it fails: once is enough to be told
    try:
        said = {name: {key: one.said for key, one in keys.items()} for name, keys in meanings_of(config).items()}
        left = keep_views(lake, resources, said)
    except LakeError as error:
        raise LakeError(f"views in Glue are not up to date: {error.message}", state=STATE, hint=error.hint) from error
    if left:
        raise LakeError("; ".join(left), state=STATE, hint="planlake views prints what the views are to be")
