"""Lets one process at a time write a lake on S3: an object below the warehouse says who, and until when.

It is taken, renewed and given back by conditional puts, so that of two who try one is told no. Both times it has are
S3's own, read from its answers: a clock of this machine that is minutes off takes over from nobody. Who was killed
lets it run out. Who could not renew it in time must not commit any more: `check` says so before each commit.

An answer of S3 can be lost on its way. So a put that is refused is looked at: where what is stored was written by this
very lease, it is still held.
"""

import json
import os
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Event, Lock, Thread
from typing import Any

from planlake.errors import ConflictError
from planlake.lake.aws.clients import client
from planlake.lake.aws.errors import aws_trouble
from planlake.lake.aws.lease_place import LeasePlace
from planlake.printable import quoted

SECONDS = 60  # from one renewal on
RENEWED_AFTER, PAUSE_SECONDS = 15, 1.0
LATEST = 2**35  # seconds since 1970 that a day can be made of
MARGIN = 10  # before it runs out, no commit begins any more
MOST_BYTES = 2**16  # of a lease
TAKEN, DELETED = "another run has taken it over", "the lease was deleted"
OVERWRITTEN = "something that is no lease was written in its place"


@dataclass(slots=True)
class Lease:
    """A lease that is held. `text` is what it says of the runs, for people and for the next one who holds it."""

    place: LeasePlace
    client: Any = field(repr=False)
    by: str
    text: str = ""
    left: str = ""  # what whoever held it before said of runs
    etag: str = ""
    lost: str = ""  # why it is not held any more
    trouble: str = ""  # why it could not be renewed the last time
    token: str = field(default_factory=lambda: str(uuid.uuid4()))  # by which it knows what it wrote itself
    renewed: float = 0.0  # by the clock that only runs on
    ahead: float | None = None  # of that clock, S3's
    writing: Lock = field(default_factory=Lock, repr=False)

    def check(self) -> None:
        """Raise a ConflictError where the lease was lost, or may run out before a commit is through."""
        if not self.lost and _passed() - self.renewed > SECONDS - MARGIN:
            self.lost = f"it could not be renewed in time: {self.trouble or 'this machine stood still'}"
        if self.lost:
            facts = {"lease": self.place, "why": self.lost}
            state = "Nothing more was committed; what was committed before is kept"
            hint = "the next run makes up for it: planlake run"
            raise ConflictError("this run does not hold the lake any more", facts=facts, state=state, hint=hint)

    def say(self, text: str) -> None:
        """Write what is to be known of the run; that it cannot be written stops nobody, the renewal will tell."""
        self.text = text
        self.renew()

    def renew(self) -> None:
        """Hold it for another while; what went wrong is looked at by `check`."""
        with self.writing:
            if self.lost:
                return
            asked = _passed()
            try:
                self.etag = _put(self, IfMatch=self.etag)
            except Exception as error:
                self.lost, self.trouble = _why_lost(self, error), _said(error)
                return
            self.renewed, self.trouble = asked, ""

    def give_back(self) -> None:
        """Let the next one have it at once; runs that left without a word stay noted."""
        with self.writing:
            if self.lost:
                return
            try:
                _put(self, until=0, IfMatch=self.etag)
            except Exception:  # then it runs out by itself
                return
            finally:
                self.lost = "it was given back"


@contextmanager
def leased(place: LeasePlace, wait_seconds: float) -> Iterator[Lease]:
    """Hold a lease, renewed by a thread of its own; a ConflictError where another still has it after so long."""
    lease = Lease(place, client("s3", place.properties), by=f"{socket.gethostname()}, process {os.getpid()}")
    _take(lease, wait_seconds)
    is_over = Event()
    renewing = Thread(target=_keep, args=(lease, is_over), name="lease", daemon=True)
    renewing.start()
    try:
        yield lease
    finally:
        is_over.set()
        renewing.join()
        lease.give_back()


def read_lease(place: LeasePlace) -> tuple[bool, str]:
    """Whether somebody holds it now, and what it says of runs."""
    try:
        held, _, now = _read(client("s3", place.properties), place)
    except Exception:  # there is none, or nobody may read it
        return False, ""
    return _until(held) > now, _text(held, "text")


def time_of(place: LeasePlace) -> float:
    """What time it is for S3, in seconds since 1970."""
    return _date(_head(client("s3", place.properties), place))


def is_condition_refused(error: Exception) -> bool:
    """Whether a condition did not hold: somebody else was quicker."""
    return _status(error) in (409, 412)


def _status(error: Exception) -> int | None:
    answer = getattr(error, "response", {})
    return answer.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(answer, dict) else None


def _said(error: Exception) -> str:
    trouble = aws_trouble(error)
    return trouble.said if trouble else type(error).__name__


def _why_lost(lease: Lease, error: Exception) -> str:
    """Why a lease that could not be renewed is not held any more; empty where it may still be."""
    if _status(error) not in (404, 409, 412):
        return ""
    try:
        held, etag, _ = _read(lease.client, lease.place)
    except Exception:  # the next renewal tells
        return ""
    if not etag:
        return DELETED
    if held.get("token") == lease.token:
        return ""
    return TAKEN if _text(held, "by") else OVERWRITTEN


def _take(lease: Lease, wait_seconds: float) -> None:
    give_up = time.monotonic() + wait_seconds
    while True:
        asked = _passed()
        try:
            lease.etag = _put(lease, IfNoneMatch="*")
        except Exception as error:
            if not is_condition_refused(error):
                raise
            held, etag, now = _read(lease.client, lease.place)
            if etag and _until(held) <= now and _take_over(lease, held, etag):
                lease.renewed = asked
                return
            if time.monotonic() >= give_up:
                raise _held(lease.place, held, now) from None
            time.sleep(PAUSE_SECONDS)
            continue
        lease.renewed = asked
        return


def _take_over(lease: Lease, held: Mapping[str, Any], etag: str) -> bool:
    lease.left = _text(held, "text")
    lease.text = f"{lease.by}\n{lease.left}"  # whoever is killed now leaves what was left to him
    try:
        lease.etag = _put(lease, IfMatch=etag)
    except Exception as error:
        if not is_condition_refused(error):
            raise
        return False
    return True


def _held(place: LeasePlace, held: Mapping[str, Any], now: float) -> ConflictError:
    end = _until(held)
    until = f"{datetime.fromtimestamp(end, UTC):%Y-%m-%d %H:%M:%S} UTC, if it is not renewed"
    holder = _text(held, "text").partition("\n")[0] or _text(held, "by") or "unknown"
    hint = "wait for it, or raise settings.lease_wait_seconds"
    if end > now + 2 * SECONDS:  # no run asks for so long
        hint = f"if nobody is writing this lake, delete its lease: aws s3 rm {quoted(str(place))}"
    facts = {"holder": holder, "until": until}
    return ConflictError("another run is writing this lake", facts=facts, state="Nothing was changed", hint=hint)


def _text(held: Mapping[str, Any], name: str) -> str:
    """A text of a lease; empty where it has none there."""
    found = held.get(name)
    return found if isinstance(found, str) else ""


def _until(held: Mapping[str, Any]) -> float:
    """When a lease runs out, in seconds since 1970; 0 where it does not say."""
    until = held.get("until")
    return float(until) if isinstance(until, int | float) and 0 <= until < LATEST else 0.0


def _keep(lease: Lease, is_over: Event) -> None:
    while not is_over.wait(RENEWED_AFTER):
        lease.renew()


def _put(lease: Lease, *, until: float | None = None, **condition: str) -> str:
    """Write the lease where the condition holds; its ETag. `until` is so many seconds after S3's own time.

    Where the condition fails because this very lease was written before and the answer was lost, that is as good.
    """
    end = _time_of_s3(lease) + SECONDS if until is None else until
    wanted = {"by": lease.by, "until": end, "text": lease.text, "token": lease.token}
    try:
        return _put_once(lease, wanted, **condition)
    except Exception as error:
        if not is_condition_refused(error):
            raise
        held, etag, _ = _read(lease.client, lease.place)
        if held == wanted:
            return etag
        if held.get("token") != lease.token:
            raise
        return _put_once(lease, wanted, IfMatch=etag)


def _put_once(lease: Lease, wanted: Mapping[str, Any], **condition: str) -> str:
    place, body = lease.place, json.dumps(wanted).encode()
    done = lease.client.put_object(
        Bucket=place.bucket, Key=place.key, Body=body, ContentType="application/json", **condition
    )
    return str(done["ETag"])


def _passed() -> float:
    """Seconds by a clock that only runs on; where there is one also while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _time_of_s3(lease: Lease) -> float:
    """What time it is for S3, in seconds since 1970; asked once."""
    if lease.ahead is None:
        lease.ahead = _date(_head(lease.client, lease.place)) - _passed()
    return _passed() + lease.ahead


def _head(opened: Any, place: LeasePlace) -> Mapping[str, Any]:  # noqa: ANN401
    """The answer about a bucket; an error names it, as S3 itself does in errors that have a text."""
    try:
        found: Mapping[str, Any] = opened.head_bucket(Bucket=place.bucket)
    except opened.exceptions.ClientError as error:
        error.response["Error"]["BucketName"] = place.bucket
        raise
    return found


def _date(answer: Mapping[str, Any]) -> float:
    text = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(text).timestamp() if text else time.time()


def _read(opened: Any, place: LeasePlace) -> tuple[dict[str, Any], str, float]:  # noqa: ANN401
    """What the lease says, its ETag, and S3's time; nothing where it is gone by now."""
    try:
        answer = opened.get_object(Bucket=place.bucket, Key=place.key)
    except opened.exceptions.NoSuchKey:
        return {}, "", 0.0
    try:
        held = json.loads(answer["Body"].read(MOST_BYTES))
    except (ValueError, RecursionError):
        held = {}
    return held if isinstance(held, dict) else {}, str(answer["ETag"]), _date(answer)
