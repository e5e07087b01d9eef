"""Says, at little cost, whether a lake lies where it should and its files are there."""

from collections.abc import Iterable, Iterator

from planlake.errors import LakeError
from planlake.lake.lake import LEDGER, Lake
from planlake.lake.repair.check_location import check_place
from planlake.lake.repair.damage import quick_damage_in, quick_damage_of
from planlake.lake.repair.other_catalogues import check_alone
from planlake.lake.repair.split_histories import check_histories
from planlake.lake.state.raw import RawFiles
from planlake.report.troubles import Trouble


def troubles_of_files(lake: Lake, tables: Iterable[str], raw: RawFiles | None = None) -> Iterator[Trouble]:
    """Tables whose files are gone or cut off: those of raw, and those made from them.

    `raw` is for who has asked for files of raw before.
    """
    raw = raw or RawFiles(lake)
    shared = [LEDGER, *(("operations", name) for name in (lake.base or lake).names("operations"))]
    for zone, name in shared:
        if (lake.base or lake).find(zone, name) is not None and (
            found := quick_damage_in(lake.base or lake, zone, name)
        ):
            yield Trouble("damaged", found.said, found.repair)
    for table in tables:
        if found := quick_damage_of(lake, table, raw):
            yield Trouble("damaged", f"damaged: {found.said}", found.repair, (table,))


def troubles_of_place(lake: Lake) -> Iterator[Trouble]:
    """What stops every command that writes: the lake lies elsewhere, or another catalogue has another history of it.

    Of a remote warehouse the histories are not looked at: that lists all its files, which the doctor does.
    """
    base = lake.base or lake
    is_here = not any("://" in place for place in base.warehouses.values())
    for check in (check_place, check_alone, *([check_histories] if is_here else [])):
        try:
            check(base)
        except LakeError as error:
            yield Trouble("place", str(error), error.hint)
            return
