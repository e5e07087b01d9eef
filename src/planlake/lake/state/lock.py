"""Lets one process at a time write a lake, and tells the others which run is writing.

A lake on S3 is held by a lease (`lease`). One on this machine is held by a lock of the operating system on a file
beside its catalogue. The lock ends with the process that holds it, however that ends, so a run that was killed never
keeps the next one waiting. Another file says which run holds the lake, as Windows lets nobody read one that is locked;
if nobody holds it, the run it names was killed. That is for people to read: no table depends on it.
"""

import os
import re
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from planlake.engines.file_locks import is_locked, lock_file
from planlake.errors import ConflictError, LakeError
from planlake.lake.aws.lease_place import LeasePlace
from planlake.lake.aws.still_held import guarded
from planlake.lake.state.lease import Lease, leased, read_lease

PAUSE_SECONDS = 0.1
NOTE = re.compile(
    r"run (?P<run>[0-9]+)(?: in (?P<preview>[^ ]+))?, process [0-9]+, "
    r"since (?P<since>[^ ]+ [^ ]+) UTC(?:, (?P<broken>.+))?"
)


@dataclass(frozen=True, slots=True)
class LockNote:
    """A run that holds or held a lake: its number, the preview it works in (none: empty), when it began (UTC).

    `broken` says what broke it off, where that could be said nowhere else: on a full disk, for example.
    """

    run: int
    preview: str
    since: datetime
    broken: str = ""


@dataclass(frozen=True, slots=True)
class HeldLock:
    """A lake that is held for writing, and the runs that held it before and left without a word."""

    notes: Path | None = field(default=None, repr=False)
    lease: Lease | None = field(default=None, repr=False)
    left: Sequence[LockNote] = ()

    def guard(self, catalog: object) -> AbstractContextManager[None]:
        """Let nothing be changed or deleted once the lake is not held any more, as can happen to a lease alone."""
        return guarded(catalog, self.lease.check) if self.lease is not None else nullcontext()


@contextmanager
def hold_for_writing(lock: Path | LeasePlace | None, wait_seconds: float) -> Iterator[HeldLock]:
    """Hold a lake for writing; a ConflictError when another process still holds it after `wait_seconds`.

    Nothing is held where there is no lock.
    """
    if lock is None:
        yield HeldLock()
        return
    if isinstance(lock, LeasePlace):
        with leased(lock, wait_seconds) as lease:
            yield HeldLock(lease=lease, left=_notes_in(lease.left))
        return
    notes = _notes_beside(lock)
    with _opened(lock, notes) as descriptor:
        _acquire(lock, descriptor, wait_seconds)
        held = HeldLock(notes, left=_notes_in(notes.read_text(encoding="utf-8")))
        _write(held, f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}")
        yield held


def note_run(held: HeldLock, run: int, preview: str, since: datetime, *, broken: str = "") -> None:
    """Say which run holds the lake from now on; or what broke it off, which a later command puts into `runs`."""
    _write(held, _line(LockNote(run, preview, since, " ".join(broken.split())), os.getpid()))


def _line(one: LockNote, process: int) -> str:
    place, end = f" in {one.preview}" if one.preview else "", f", {one.broken}" if one.broken else ""
    return f"run {one.run}{place}, process {process}, since {one.since:%Y-%m-%d %H:%M:%S} UTC{end}"


def note_end(held: HeldLock, told: Collection[tuple[int, str]] = ()) -> None:
    """Say that the run has ended; of those that were left, whose run and preview are `told` need no note any more."""
    _write(replace(held, left=[one for one in held.left if (one.run, one.preview) not in told]), "nobody")


def read_lock_notes(lock: Path | LeasePlace | None) -> tuple[bool, list[LockNote]]:
    """Whether somebody holds the lake now, and the runs that hold or held it and never said that they ended."""
    if lock is None:
        return False, []
    if isinstance(lock, LeasePlace):
        is_held, text = read_lease(lock)
        return is_held, _notes_in(text)
    try:
        notes = _notes_in(_notes_beside(lock).read_text(encoding="utf-8"))
        with _closing(os.open(lock, os.O_RDONLY)) as descriptor:
            return is_locked(descriptor), notes
    except OSError:  # there is none, or nobody may read it
        return False, []


def _notes_beside(lock: Path) -> Path:
    return lock.with_name(f"{lock.name}.holder")


@contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _notes_in(text: str) -> list[LockNote]:
    found = (NOTE.fullmatch(line) for line in text.splitlines())
    return [
        LockNote(int(one["run"]), one["preview"] or "", _instant(one["since"]), one["broken"] or "")
        for one in found
        if one
    ]


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - UTC, as tables keep it


def _write(held: HeldLock, first: str) -> None:
    """Write who holds the lake and what is left; in place, as a full disk has no room for more.

    That it cannot be written stops nobody.
    """
    notes = [_line(one, 0) for one in held.left]
    if held.lease is not None:
        held.lease.say("\n".join([first, *notes]))
    if held.notes is None:
        return
    with suppress(OSError), held.notes.open("r+", encoding="utf-8") as file:
        file.write("\n".join([first, *notes]))
        file.truncate()


def _opened(lock: Path, notes: Path) -> AbstractContextManager[int]:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        notes.touch(0o644)
        return _closing(os.open(lock, os.O_RDWR | os.O_CREAT, 0o644))
    except OSError as error:
        raise _unusable(lock, error) from None


def _unusable(file: Path, error: OSError) -> LakeError:
    message, state = f"the lake cannot be written: {error.strerror}", "Nothing was changed"
    return LakeError(message, facts={"file": file}, state=state, hint="planlake doctor")


def _acquire(lock: Path, descriptor: int, wait_seconds: float) -> None:
    give_up = time.monotonic() + wait_seconds
    while not _try(lock, descriptor):
        if time.monotonic() >= give_up:
            said = _notes_beside(lock).read_text(encoding="utf-8")
            facts = {"holder": said.partition("\n")[0].strip() or "unknown"}
            state, hint = "Nothing was changed", "wait for it, or raise settings.lease_wait_seconds"
            raise ConflictError("another run is writing this lake", facts=facts, state=state, hint=hint)
        time.sleep(PAUSE_SECONDS)


def _try(lock: Path, descriptor: int) -> bool:
    try:
        return lock_file(descriptor)
    except OSError as error:  # a disk of the network that knows no locks
        raise _unusable(lock, error) from None
