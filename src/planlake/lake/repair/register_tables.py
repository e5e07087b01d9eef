"""Makes a lost or outdated catalogue know the newest version of every table again.

The newest metadata file of a table says everything the catalogue should know. One that was written and never committed
is as good: what it describes is whole, as if the commit had come through. But only if it was the last thing written at
all; anything older that the catalogue does not know was given up by whoever went on.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from pyiceberg.io import load_file_io

from planlake.clock import london_day
from planlake.lake.lake import ZONES, Lake
from planlake.lake.pointing import number_of, point_to
from planlake.lake.previews.entered import ENTERED, last_events
from planlake.lake.previews.kept_files import check_keeps_files
from planlake.lake.previews.names import preview_names, unread
from planlake.lake.previews.own_tables import drop_table, pinning, remove_pins
from planlake.lake.repair.check_location import check_place, moved_error, stored_locations
from planlake.lake.repair.metadata_files import (
    MetadataFile,
    Read,
    missing_file,
    newest_first,
    stored_previews,
)
from planlake.lake.repair.moved_table import Move
from planlake.lake.repair.rewrite_moved_table import rewrite_here
from planlake.lake.repair.split_histories import Chosen, branches, give_up, has_branches, leave_out, split_of
from planlake.lake.repair.stored_tables import Place, places_in
from planlake.lake.tables.format import check_format
from planlake.lake.tables.stored_files import are_there, path_in_storage
from planlake.lake.tables.unreadable import BOOKMARKED, UNREADABLE
from planlake.lake.tables.version_summary import rows_of

KNOWN_AGAIN, BROUGHT, LEFT_ALONE, LOST = "registered", "brought up to date", "left alone", "lost"
SET_BACK = "set back"
SETTLED, SETTLED_DAMAGED = "moved here", "moved here, damaged"
TAKEN_OUT, UNPINNED = "taken out", "pins removed"
LEFT_OUT = (
    "is left out, as the lake was written since: "
    "restore the backup again to get it back, else planlake maintain deletes it"
)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was done to a table, in one word or two (`done`) and in a sentence (`said`); `rows` by its own summary.

    The numbers are those of the metadata files the catalogue knew before and knows now. `is_apart` says that another
    history of it is there, and which one is the lake's has to be said, `lacks_files` that files of it are gone.
    """

    database: str
    table: str
    rows: int
    done: str
    said: str
    number_from: int | None = None
    number_to: int | None = None
    is_trouble: bool = False
    is_apart: bool = False
    lacks_files: bool = False


@dataclass(frozen=True, slots=True)
class _Choice:
    """The metadata file a table is to have, and what is said of newer ones that were passed over.

    `move` says that it was written for here just now, and where the table was before.
    """

    place: Place
    chosen: MetadataFile | None
    passed_over: str
    move: Move | None = None


def recover(base: Lake, *, is_moved: bool = False, history: Chosen | None = None) -> list[Recovered]:
    """Register what the catalogue does not know or knows an older version of, of a lake and all its previews.

    A lake that was made elsewhere is refused, unless it is said to have moved: it is made whole where it is then. Where
    two histories lie in the warehouse nothing is changed, unless `history` says which is to be the lake's.
    It can be repeated: what was written first is registered first, so that the rest still is the newer.
    """
    lakes = [base, *(unread(base, name) for name in _previews(base, is_moved=is_moved))]
    every = [place for lake in lakes for zone in ZONES for place in places_in(lake, zone)]
    split = split_of(base, every)
    if split is not None and history is None:
        return [_apart(*one) for one in split.told()]
    places, left = split.narrowed(every, history) if split and history else (every, [])
    if left:
        check_keeps_files(base)
    known_at = max((place.known.written_at for place in places if place.known), default=0)
    choices = [choice for place in places if (choice := _choice(place, known_at)) is not None]
    if not is_moved:
        _check_not_moved(base, choices)
    _check_formats(places, choices)
    choices = [_settled(choice) for choice in choices]
    unowned = [place for lake in lakes[1:] for place in _unowned(lake, places, choices)]
    choices = _telling([choice for choice in choices if choice.place not in unowned], places)
    for choice in sorted(choices, key=_order):
        _register(choice)
    found = [*map(_told, choices), *_beside(base, choices), *(_taken_out(place) for place in unowned if place.is_known)]
    for choice in choices:
        if choice.chosen is None and choice.place.known is None and choice.place.lake is base:
            drop_table(base, choice.place.zone, choice.place.name)
    if split is not None:
        found += [_left(place) for place in left]
        give_up(base, split.given_up(places))
    is_sound = not any(_is_trouble(choice) for choice in choices if choice.place.lake is base)
    found += [_of_others(lake.database(zone), name) for lake in lakes for zone in ZONES for name in lake.others(zone)]
    return [*found, *(_without_pins(base) if is_sound else ()), *_gone_previews(base, lakes)]


def _of_others(database: str, name: str) -> Recovered:
    return Recovered(database, name, 0, LEFT_ALONE, f"not Planlake's, {LEFT_ALONE}")


def _beside(base: Lake, choices: Iterable[_Choice]) -> list[Recovered]:
    """What is said of histories that go on beside the lake's, of tables of which nothing else is said; once."""
    found = branches(base, [place for zone in ZONES for place in places_in(base, zone)])
    if found:
        leave_out(base, [one for _, one in found])
    told = {choice.place.identifier for choice in choices if choice.passed_over}
    newest = {place.identifier: (place, one) for place, one in found if place.identifier not in told}
    return [_said_beside(place, one) for place, one in newest.values()]


def _said_beside(place: Place, one: MetadataFile) -> Recovered:
    rows = rows_of(place.known.metadata.current_snapshot()) if place.known else 0
    other = f"{one.number} of {rows_of(one.metadata.current_snapshot())} rows of {_day(one)}"
    said = (
        f"{LEFT_ALONE}: {other} belongs to another history, perhaps of another catalogue: planlake maintain deletes it"
    )
    return Recovered(*place.identifier, rows, LEFT_ALONE, said, is_trouble=True)


def _previews(base: Lake, *, is_moved: bool) -> list[str]:
    """The previews whose files lie here; of a lake that moved also those whose files are where the catalogue says."""
    names = set(stored_previews(base))
    stored = (stored_locations(base.catalog) or {}) if is_moved else {}
    for name in preview_names(base):
        databases = {unread(base, name).database(zone) for zone in ZONES}
        locations = [location for (database, _), location in stored.items() if database in databases]
        if locations and any(are_there(load_file_io(base.catalog.properties, locations[0]), locations)):
            names.add(name)
    return sorted(names)


def _check_not_moved(base: Lake, choices: Iterable[_Choice]) -> None:
    """Refuse a lake that was made elsewhere: the catalogue says so, or the files themselves."""
    check_place(base)
    moves = [choice.chosen.move for choice in choices if choice.chosen and choice.chosen.move]
    if moves:
        raise moved_error(moves[0], len(moves))


def _settled(choice: _Choice) -> _Choice:
    """The same choice, with metadata that names this place where the chosen one names another.

    Files that were not here are copied with it, so that only now it can be told which are gone.
    """
    old = choice.chosen
    if old is None or old.move is None:
        return choice
    chosen, passed_over = rewrite_here(choice.place.at(old), old), choice.passed_over
    if passed_over == files_gone(old.number):
        passed_over = "" if _is_whole(choice.place, chosen) else files_gone(chosen.number)
    return replace(choice, chosen=chosen, passed_over=passed_over, move=old.move)


def files_gone(number: int | None) -> str:
    """What is said of a metadata file, by its number, whose version lacks files."""
    return f"files of {number} are gone or cut off"


def _telling(choices: Sequence[_Choice], places: Sequence[Place]) -> list[_Choice]:
    """Without files that are left out and are no history: killed or refused commands wrote and never committed them."""
    left_out = [choice for choice in choices if choice.passed_over.endswith(LEFT_OUT)]
    lakes = {id(one.place.lake): one.place.lake for one in left_out}.values()
    is_history = len(left_out) > 1 and any(has_branches(lake, places) for lake in lakes)
    return [choice for choice in choices if is_history or choice not in left_out]


def _check_formats(places: Iterable[Place], choices: Iterable[_Choice]) -> None:
    """Refuse a lake that a newer version wrote, before anything is registered."""
    known = [(place, place.known) for place in places]
    for place, one in [*known, *((choice.place, choice.chosen) for choice in choices)]:
        if one is not None:
            check_format(place.at(one))


def _order(choice: _Choice) -> tuple[bool, int]:
    return not choice.place.is_known, choice.chosen.written_at if choice.chosen else 0


def _choice(place: Place, known_at: int) -> _Choice | None:
    """What becomes of a table; None where the catalogue knows the newest, or nothing was ever written to its end."""
    if place.known is None:
        return _newest_choice(place, known_at)
    chosen = next((one for one in _newer(place, known_at) if _is_whole(place, one)), None)
    now = chosen or place.known
    passed_over = _passed_over(place, now, known_at)
    if chosen is None and now.move is not None:
        chosen = now
    return _Choice(place, chosen, passed_over) if chosen or passed_over else None


def _newest_choice(place: Place, known_at: int) -> _Choice | None:
    """The newest metadata file that can be read: an older version would lose more than the files that are gone."""
    newest = next(_newer(place, known_at), None)
    if newest is None:
        return _Choice(place, None, "") if place.is_known else None
    gone = "" if _is_whole(place, newest) else files_gone(newest.number)
    below = f"{place.known_number} is gone" if newest.number < place.known_number else ""
    return _Choice(place, newest, gone or _passed_over(place, newest, known_at) or below)


def _is_whole(place: Place, one: MetadataFile) -> bool:
    current = one.metadata.current_snapshot()
    return not missing_file(place.io, [current] if current else [], current=current, move=one.move)


def _passed_over(place: Place, now: MetadataFile, known_at: int) -> str:
    """What is said of a file that could be newer than the one a table has now; empty where there is none."""
    passed = {path_in_storage(location) for location in (now.location, *now.log)}
    others = [location for location in place.files if path_in_storage(location) not in passed]
    for location in sorted(others, key=number_of, reverse=True):
        number, is_higher = number_of(location), number_of(location) > now.number
        if now is place.known and not is_higher:
            break
        one = place.read(location)
        if one is None and is_higher:
            return f"{number} cannot be read"
        if one is None or one.metadata.table_uuid != now.metadata.table_uuid:
            continue
        if is_higher and not _is_whole(place, one):
            return files_gone(number)
        is_twin = number == now.number and one.written_at >= known_at
        if now is place.known:
            return f"{number} {LEFT_OUT}"
        if is_higher or is_twin or one.written_at > now.written_at:
            return f"{number} belongs to another history: planlake maintain deletes it"
    is_lost = now is place.known and not _is_whole(place, now)
    return files_gone(now.number) if is_lost else ""


def _newer(place: Place, known_at: int) -> Iterator[MetadataFile]:
    """The metadata files a table could have, the best first."""
    known = place.known
    if known is None:
        yield from newest_first(place.read, place.files)
        return
    passed = {path_in_storage(location) for location in (known.location, *known.log)}
    newer = [location for location in place.files if path_in_storage(location) not in passed]
    for one in newest_first(place.read, newer):
        if one.written_at >= known_at and _follows(place.read, one, known):
            yield one


def _follows(read_one: Read, one: MetadataFile, known: MetadataFile) -> bool:
    """Whether a file came after the known one, of the same table, or the table was dropped and made again.

    A log that reaches back to the known file's number has to hold it. One that was cut before is gone on with in the
    oldest file it names; where none of them is there, the number tells.
    """
    if one.metadata.table_uuid != known.metadata.table_uuid:
        return True
    if one.number <= known.number or one.sequence < known.sequence:
        return False
    if any(number_of(location) <= known.number for location in one.log):
        return path_in_storage(known.location) in map(path_in_storage, one.log)
    oldest = next(filter(None, map(read_one, one.log)), None)
    return oldest is None or _follows(read_one, oldest, known)


def _unowned(preview: Lake, places: Iterable[Place], choices: Sequence[_Choice]) -> list[Place]:
    """Tables of resources that a preview has not entered, or left: their folder stays until it is dropped."""
    own = [place for place in places if place.lake is preview]
    noted = next((place for place in own if (place.zone, place.name) == ("operations", "previewed")), None)
    chosen = next((choice.chosen for choice in choices if choice.place is noted and choice.chosen), None)
    newest = chosen or (noted.known if noted else None)
    entered = _entered(noted, newest) if noted and newest else set()
    bookmarked = (place for place in own if place.zone == "refined" and place.name.startswith(BOOKMARKED))
    return [place for place in bookmarked if place.name.partition("_")[2] not in entered]


def _entered(noted: Place, newest: MetadataFile) -> set[str]:
    """What a preview has tables of its own of; nothing where the rows that say so are gone."""
    try:
        return {resource for resource, event in last_events(noted.at(newest)).items() if event == ENTERED}
    except UNREADABLE:
        return set()


def _apart(place: Place, older: MetadataFile | None, newer: MetadataFile | None) -> Recovered:
    """What is said of a table while two histories lie beside each other."""
    told = [
        f"{word} of {rows_of(one.metadata.current_snapshot())} rows until {_day(one)}"
        for word, one in (("an older history", older), ("a newer history", newer))
        if one is not None
    ]
    rows = rows_of(place.known.metadata.current_snapshot()) if place.known else 0
    return Recovered(
        *place.identifier,
        rows,
        LEFT_ALONE,
        f"{LEFT_ALONE}: {' and '.join(told)}; they cannot be joined",
        is_apart=True,
        is_trouble=True,
    )


def _day(one: MetadataFile) -> date:
    return london_day(datetime.fromtimestamp(one.written_at / 1000, UTC).replace(tzinfo=None))


def _left(place: Place) -> Recovered:
    """Take a table out that the chosen history does not have; its files stay where they are."""
    drop_table(place.lake, place.zone, place.name)
    said = f"{TAKEN_OUT}: the chosen history has no such table"
    return Recovered(*place.identifier, 0, TAKEN_OUT, said)


def _taken_out(place: Place) -> Recovered:
    drop_table(place.lake, place.zone, place.name)
    rows = rows_of(place.known.metadata.current_snapshot()) if place.known else 0
    said = f"{TAKEN_OUT}: the preview has no {place.name.partition('_')[2]} of its own"
    return Recovered(*place.identifier, rows, TAKEN_OUT, said)


def _register(choice: _Choice) -> None:
    place = choice.place
    if choice.chosen is None:
        return
    catalog, location = place.lake.catalog, choice.chosen.location
    with place.lake.commits:
        if not place.is_known:
            catalog.create_namespace_if_not_exists(place.identifier[0])
            catalog.register_table(place.identifier, location)
        else:
            point_to(catalog, place.identifier, location)


def _told(choice: _Choice) -> Recovered:
    place, chosen = choice.place, choice.chosen
    known = place.known
    now = chosen or known
    rows = rows_of(now.metadata.current_snapshot()) if now else 0
    done = (BROUGHT if place.is_known else KNOWN_AGAIN) if chosen else LEFT_ALONE if known else LOST
    lacks_files = now is not None and choice.passed_over == files_gone(now.number)
    done = (SETTLED_DAMAGED if lacks_files else SETTLED) if choice.move else done
    said = f"{done}; it was made at {choice.move.made_at}" if choice.move else done
    if chosen and place.known_number > chosen.number and not known and not choice.move:
        done, said = SET_BACK, f"{SET_BACK} from {place.known_number} to {chosen.number}, an older version"
    elif chosen and place.is_known and not choice.move:
        said = f"{done} from {known.number} to {chosen.number}" if known else f"{done}: it is at {chosen.number} now"
    elif known and not choice.move:
        said = f"{done} at {known.number}"
    if choice.passed_over:
        said += f"; {choice.passed_over}"
    numbers = (known.number if known else None, now.number if now else None)
    is_trouble = _is_trouble(choice)
    return Recovered(*place.identifier, rows, done, said, *numbers, is_trouble=is_trouble, lacks_files=lacks_files)


def _is_trouble(choice: _Choice) -> bool:
    return choice.passed_over != "" or choice.chosen is None


def _without_pins(base: Lake) -> Iterator[Recovered]:
    """Let go the pins of previews that are no more."""
    base.upgrade()
    pins = pinning(base)
    for name in sorted(pins.keys() - set(preview_names(base))):
        for zone, table in remove_pins(unread(base, name), pins[name]):
            said = f"{UNPINNED}: there is no preview {name}"
            rows = rows_of(base.reload(zone, table).current_snapshot())
            yield Recovered(base.database(zone), table, rows, UNPINNED, said)


def _gone_previews(base: Lake, lakes: Sequence[Lake]) -> Iterator[Recovered]:
    """Previews that the catalogue knows and that have no files any more."""
    for name in sorted(set(preview_names(base)) - {lake.preview for lake in lakes}):
        database = unread(base, name).database("operations")
        said = f"{LOST}: nothing of the preview is there; planlake env drop {name} removes it"
        yield Recovered(database, "", 0, LOST, said, is_trouble=True)
