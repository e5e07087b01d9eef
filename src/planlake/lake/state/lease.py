"""Lets one process at a time write a lake on S3: an object below the warehouse says who, and until when.

It is taken, renewed and given back by conditional puts, so that of two who try one is told no. Both times it has are
S3's own, read from its answers: a clock of this machine that is minutes off takes over from nobody. Who was killed
lets it run out. Who could not renew it in time must not commit any more: `check` says so before each commit.
"""

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Event, Lock, Thread
from typing import Any

from planlake.errors import ConflictError
from planlake.lake.aws.clients import client
from planlake.lake.aws.lease_place import LeasePlace

SECONDS = 60  # from one renewal on
RENEWED_AFTER, PAUSE_SECONDS = 15, 1.0
LATEST = 2**35  # seconds since 1970 that a day can be made of
MARGIN = 10  # before it runs out, no commit begins any more


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
    renewed: float = 0.0  # by the clock that only runs on
    ahead: float | None = None  # of that clock, S3's
    writing: Lock = field(default_factory=Lock, repr=False)

    def check(self) -> None:
        """Raise a ConflictError where the lease was lost, or may run out before a commit is through."""
        if not self.lost and time.monotonic() - self.renewed > SECONDS - MARGIN:
            self.lost = "it could not be renewed in time"
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
            asked = time.monotonic()
            try:
                self.etag = _put(self, IfMatch=self.etag)
            except Exception as error:
                if is_condition_refused(error):
                    self.lost = "another run has taken it over"
                return
            self.renewed = asked

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
    return _until(held) > now, str(held.get("text", ""))


def time_of(place: LeasePlace) -> float:
    """What time it is for S3, in seconds since 1970."""
    return _date(_head(client("s3", place.properties), place))


def is_condition_refused(error: Exception) -> bool:
    """Whether a condition did not hold: somebody else was quicker."""
    answer = getattr(error, "response", {})
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(answer, dict) else None
    return status in (409, 412)


def _take(lease: Lease, wait_seconds: float) -> None:
    give_up = time.monotonic() + wait_seconds
    while True:
        asked = time.monotonic()
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
                raise _held(held) from None
            time.sleep(PAUSE_SECONDS)
            continue
        lease.renewed = asked
        return


def _take_over(lease: Lease, held: Mapping[str, Any], etag: str) -> bool:
    lease.left = str(held.get("text", ""))
    lease.text = f"{lease.by}\n{lease.left}"  # whoever is killed now leaves what was left to him
    try:
        lease.etag = _put(lease, IfMatch=etag)
    except Exception as error:
        if not is_condition_refused(error):
            raise
        return False
    return True


def _held(held: Mapping[str, Any]) -> ConflictError:
    until = datetime.fromtimestamp(_until(held), UTC)
    holder = str(held.get("text", "")).partition("\n")[0] or held.get("by", "unknown")
    facts = {"holder": holder, "until": f"{until:%H:%M:%S} UTC, if it is not renewed"}
    hint = "wait for it, or raise settings.lease_wait_seconds"
    return ConflictError("another run is writing this lake", facts=facts, state="Nothing was changed", hint=hint)


def _until(held: Mapping[str, Any]) -> float:
    """When a lease runs out, in seconds since 1970; 0 where it does not say."""
    until = held.get("until")
    return float(until) if isinstance(until, int | float) and 0 <= until < LATEST else 0.0


def _keep(lease: Lease, is_over: Event) -> None:
    while not is_over.wait(RENEWED_AFTER):
        lease.renew()


def _put(lease: Lease, *, until: float | None = None, **condition: str) -> str:
    """Write the lease where the condition holds; its ETag. `until` is so many seconds after S3's own time."""
    end = _time_of_s3(lease) + SECONDS if until is None else until
    body = json.dumps({"by": lease.by, "until": end, "text": lease.text})
    done = lease.client.put_object(
        Bucket=lease.place.bucket, Key=lease.place.key, Body=body.encode(), ContentType="application/json", **condition
    )
    return str(done["ETag"])


def _time_of_s3(lease: Lease) -> float:
    """What time it is for S3, in seconds since 1970; asked once."""
    if lease.ahead is None:
        lease.ahead = _date(_head(lease.client, lease.place)) - time.monotonic()
    return time.monotonic() + lease.ahead


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
        held = json.loads(answer["Body"].read())
    except ValueError:
        held = {}
    return held if isinstance(held, dict) else {}, str(answer["ETag"]), _date(answer)
