"""Finds tables that began a second time, which gives a lake two histories, and keeps one of these.

If a catalogue is lost and somebody runs all the same, tables begin again in the folders of the old ones. Batches and
bookmarks of the two know nothing of each other, so they are never joined: one is the lake's, the other is given up.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from pyiceberg.exceptions import NoSuchNamespaceError

from planlake.errors import LakeError
from planlake.lake.lake import LEDGER, ZONES, Lake, clear_errors
from planlake.lake.repair.check_location import GIVEN_UP, given_up_tables
from planlake.lake.repair.metadata_files import MetadataFile, ends, missing_file
from planlake.lake.repair.stored_tables import Place, places_in
from planlake.lake.tables.version_summary import FOLLOWS, entry
from planlake.printable import listed

Chosen = Literal["older", "newer"]
TOGETHER_MS = 60_000
LEFT_OUT = "planlake.left-out"  # a property of the raw zone's database: the last files of histories left out


@dataclass(frozen=True, slots=True)
class _Lines:
    """The newest file of each history of a table in the order in which they began, and the place of the present one."""

    place: Place
    ends: Sequence[MetadataFile]
    present: int

    @property
    def older(self) -> MetadataFile | None:
        return self.ends[self.present - 1] if self.present else None

    @property
    def newer(self) -> MetadataFile | None:
        return self.ends[self.present + 1] if self.present + 1 < len(self.ends) else None

    @property
    def began(self) -> int:
        return _began(self.ends[self.present])


@dataclass(frozen=True, slots=True)
class SplitHistories:
    """Tables that have several histories, those that only the present one has, and those that only another has."""

    several: Sequence[_Lines]
    present_only: Sequence[_Lines]
    other_only: Sequence[_Lines]

    def told(self) -> Iterator[tuple[Place, MetadataFile | None, MetadataFile | None]]:
        """Each table of which another history is there, with the newest file of the older and of the newer one."""
        for one in self.several:
            present = one.ends[one.present] if not one.place.is_known else None
            yield one.place, one.older, one.newer or present
        for one in self.other_only:
            yield one.place, one.ends[-1], None

    def narrowed(self, places: Iterable[Place], chosen: Chosen) -> tuple[list[Place], list[Place]]:
        """The tables with the files of the chosen history alone, and those that it does not have."""
        is_switch = chosen == "older" or any(one.newer for one in self.several)
        gone = self.present_only if is_switch else self.other_only
        ids = {one.place.identifier for one in gone}
        several = {one.place.identifier: one for one in self.several}
        kept = [place for place in places if place.identifier not in ids]
        made = [_with_history(several[one.identifier], chosen) if one.identifier in several else one for one in kept]
        return made, [one.place for one in gone if one.place.is_known]

    def given_up(self, chosen: Iterable[Place]) -> set[str]:
        """The ids of all tables of histories that are not the chosen one."""
        every = [*self.several, *self.present_only, *self.other_only]
        kept = {(place.identifier, location) for place in chosen for location in place.files}
        return {
            str(end.metadata.table_uuid)
            for one in every
            for end in one.ends
            if (one.place.identifier, end.location) not in kept
        }


def _with_history(lines: _Lines, chosen: Chosen) -> Place:
    """The table with the files of one history alone, as if the catalogue did not say which it has."""
    present = lines.ends[lines.present]
    wanted = (lines.older if chosen == "older" else lines.newer) or present
    place = lines.place
    own = {wanted.location, *wanted.log}
    files = [location for location in place.files if location in own or _is_of(place, location, wanted)]
    return replace(place, files=files, known=place.known if wanted is present else None)


def _is_of(place: Place, location: str, wanted: MetadataFile) -> bool:
    one = place.read(location)
    return one is not None and one.metadata.table_uuid == wanted.metadata.table_uuid


def split_of(base: Lake, places: Iterable[Place]) -> SplitHistories | None:
    """The histories of a lake's own tables; None where there is but one."""
    given_up = given_up_tables(base)
    lines = [one for place in places if place.lake is base and (one := _lines(place, given_up)) is not None]
    several = [one for one in lines if len(one.ends) > 1]
    if not several:
        return None
    single = [one for one in lines if len(one.ends) == 1]
    is_known, since = any(one.place.is_known for one in lines), min(one.began for one in several)
    own = [one.place.is_known if is_known else one.began >= since for one in single]
    return SplitHistories(
        several,
        [one for one, is_own in zip(single, own, strict=True) if is_own],
        [one for one, is_own in zip(single, own, strict=True) if not is_own],
    )


def _lines(place: Place, given_up: set[str]) -> _Lines | None:
    """The histories of a table that have rows; of those given up none but the present one."""
    newest: dict[object, MetadataFile] = {}
    if place.known is not None:
        newest[place.known.metadata.table_uuid] = place.known
    elif place.is_known:
        return None  # what cannot be read tells nothing
    for one in sorted(ends(place.read, _unfollowed(place)), key=lambda one: one.written_at, reverse=True):
        if one.metadata.current_snapshot() and str(one.metadata.table_uuid) not in given_up:
            newest.setdefault(one.metadata.table_uuid, one)
    if not newest:
        return None
    present = place.known or max(newest.values(), key=lambda one: one.written_at)
    ordered = sorted(newest.values(), key=_began)
    if place.known is not None:  # one that began later than it ended is what a restored catalogue does not know yet
        ordered = [one for one in ordered if one is present or not _goes_on(one, present)]
    return _Lines(place, ordered, ordered.index(present))


def _unfollowed(place: Place) -> list[str]:
    known = {place.known.location, *place.known.log} if place.known else set()
    return [location for location in place.files if location not in known]


def _goes_on(one: MetadataFile, present: MetadataFile) -> bool:
    """Whether a table was made again after the last that is known of it was written, and nothing was since."""
    return _began(one) > present.written_at and not _has_rows(present)


def _has_rows(one: MetadataFile) -> bool:
    return one.metadata.current_snapshot() is not None


def _began(one: MetadataFile) -> int:
    """When a history began, as far as its newest file tells; in milliseconds since 1970."""
    log = [entry.timestamp_ms for entry in one.metadata.metadata_log]
    return min([*log, *(snapshot.timestamp_ms for snapshot in one.metadata.snapshots), one.written_at])


def check_histories(base: Lake) -> None:
    """Refuse to sweep while two histories lie in the warehouse: files of one are nobody's to the other."""
    places = [place for zone in ZONES for place in places_in(base, zone)]
    split = split_of(base, places)
    apart = [place for place, *_ in split.told()] if split else [place for place, _ in branches(base, places)]
    if apart:
        names = sorted({place.name for place in apart})
        facts = {"tables": listed(names, 3)}
        which = "an older" if split else "another"
        message = f"the warehouse holds {which} history of this lake, which the catalogue does not know"
        raise LakeError(message, facts=facts, state="Nothing was changed", hint="planlake recover")


def branches(base: Lake, places: Sequence[Place]) -> list[tuple[Place, MetadataFile]]:
    """Where the history of a lake's own tables goes on beside the one its catalogue has: the newest file of each.

    Another catalogue wrote it, or this one before a backup of it was restored. A file alone is none: a command that was
    killed leaves one that it never committed, and one whose commits the catalogue refused as many as it tried. What
    `recover` told of before is not told again.
    """
    is_any_beside = any(_unfollowed(place) for place in places)
    return _branches(base, places, _left_out(base)) if is_any_beside else []


def has_branches(lake: Lake, places: Sequence[Place]) -> bool:
    """Whether the history of a lake's tables, or of a preview's own, goes on beside the one its catalogue has."""
    return bool(_branches(lake, places, set()))


def _branches(lake: Lake, places: Sequence[Place], left_out: Collection[str]) -> list[tuple[Place, MetadataFile]]:
    own = [place for place in places if place.lake is lake and place.known is not None]
    found = [
        (place, one)
        for place in own
        for one in ends(place.read, _unfollowed(place))
        if _name(one) not in left_out and place.known and _is_beside(place, place.known, one)
    ]
    is_history = any(_goes_on_beside(*one) for one in found) or _follow_another(found)
    return found if is_history or _may_be_of_one_command(found, own) else []


def _is_beside(place: Place, known: MetadataFile, one: MetadataFile) -> bool:
    """Whether a file has a version of the table that the known one has not, with all its files."""
    current = one.metadata.current_snapshot()
    if current is None or one.move is not None or one.metadata.table_uuid != known.metadata.table_uuid:
        return False
    is_held = any(snapshot.snapshot_id == current.snapshot_id for snapshot in known.metadata.snapshots)
    return not is_held and not missing_file(place.io, [current], current=current)


def _goes_on_beside(place: Place, one: MetadataFile) -> bool:
    """Whether it follows another file that the known history has not."""
    own = {place.known.location, *place.known.log} if place.known else set()
    return any(location in place.files and location not in own for location in one.log)


def _follow_another(found: Sequence[tuple[Place, MetadataFile]]) -> bool:
    """Whether one of these files was written once a catalogue had taken another of them, which this one never did."""
    versions = {str(one.metadata.current_snapshot_id) for _, one in found}
    return any(_followed(one) in versions for _, one in found)


def _followed(one: MetadataFile) -> str:
    """The version that the process which wrote a file had committed before; empty where an older Planlake wrote it."""
    return entry(one.metadata.current_snapshot(), FOLLOWS)


def _may_be_of_one_command(found: Sequence[tuple[Place, MetadataFile]], own: Iterable[Place]) -> bool:
    """Whether files of two tables were written one soon after the other, nothing of the known history in between.

    Commands that were killed leave one file each; whatever writes ends with rows of several tables at once. Commands
    that were refused look the same, so it is not asked of files that say which version they follow.
    """
    committed = sorted(when for place in own if place.known for when in _commits(place.known))
    ordered = sorted(((one.written_at, place.identifier, _followed(one)) for place, one in found))
    return any(
        before[1] != after[1]
        and not (before[2] and after[2])
        and after[0] - before[0] <= TOGETHER_MS
        and bisect_right(committed, before[0]) == bisect_left(committed, after[0])
        for before, after in pairwise(ordered)
    )


def _commits(known: MetadataFile) -> set[int]:
    log = (entry.timestamp_ms for entry in known.metadata.metadata_log)
    return {known.written_at, *log, *(snapshot.timestamp_ms for snapshot in known.metadata.snapshots)}


def _name(one: MetadataFile) -> str:
    """A file's own part of its name, short: a catalogue keeps no long values."""
    return one.location.rpartition("/")[2].partition("-")[2][:8]


def leave_out(base: Lake, found: Iterable[MetadataFile]) -> None:
    """Note in the catalogue that these files, and those they followed, are not its own: a later sweep deletes them.

    No table is written, so a backup of the catalogue that is restored once more knows nothing of it.
    """
    names = " ".join(sorted({*_left_out(base), *map(_name, found)}))
    base.catalog.update_namespace_properties(base.database(LEDGER[0]), updates={LEFT_OUT: names})


def _left_out(base: Lake) -> set[str]:
    with clear_errors():
        try:
            return set(base.catalog.load_namespace_properties(base.database(LEDGER[0])).get(LEFT_OUT, "").split())
        except NoSuchNamespaceError:
            return set()


def give_up(base: Lake, tables: set[str]) -> None:
    """Note in the ledger that these tables, by their ids, are not the lake's: a later sweep deletes their files."""
    table = base.catalog.load_table((base.database(LEDGER[0]), LEDGER[1]))
    with base.commits, table.transaction() as transaction:
        transaction.set_properties({GIVEN_UP: " ".join(sorted(tables))})
