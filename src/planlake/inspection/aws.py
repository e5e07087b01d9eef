"""Looks whether a lake on AWS can be used: identity, each place of the warehouse, clock, lease, Glue's databases."""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from planlake.config import Config
from planlake.errors import LakeError, PlanlakeError
from planlake.inspection.finding import Finding, failed
from planlake.lake.aws.clients import client
from planlake.lake.aws.errors import aws_trouble
from planlake.lake.aws.lease_place import LeasePlace
from planlake.lake.lake import ZONES, lock_of, warehouses_of
from planlake.lake.state.lease import is_condition_refused, read_lease, time_of

CLOCK_SECONDS = 120
OLD_VERSIONS = (
    "what planlake forget deletes stays in them: let a lifecycle rule of the bucket expire noncurrent versions"
)
ABSENT = ("NoSuchKey", "EntityNotFoundException", "AlreadyExistsException")  # asked of what is not there, or is
IDENTITY, CLOCK, LEASE, GLUE = "AWS identity", "AWS clock", "lease", "Glue"


def examine_aws(config: Config, environment: str | None) -> Iterator[Finding]:
    """Every finding about AWS; none where neither catalogue nor warehouse is there."""
    chosen, places = config.environment(environment), sorted(set(warehouses_of(config, environment).values()))
    on_s3 = [place for place in places if place.startswith("s3")]
    if chosen.catalog.type != "glue" and not on_s3:
        return
    properties = chosen.catalog.properties
    identity = _tried(IDENTITY, lambda: _identity(properties))
    yield identity
    if identity.verdict == "failed":
        yield Finding(GLUE, "skipped", "needs the identity")
        return
    for place in on_s3:
        yield from _place(place, properties)
    lock = lock_of(config, environment)
    if isinstance(lock, LeasePlace):
        yield _tried(CLOCK, lambda: _clock(lock))
        yield from _lease(lock)
    if chosen.catalog.type == "glue":
        prefix = f"{chosen.database_prefix}{config.source_name}"
        for name in (f"{prefix}-{zone}" for zone in ZONES.values()):
            yield from _database(name, properties)


def _tried(check: str, look: Callable[[], Finding | str]) -> Finding:
    """What a look came to."""
    try:
        found = look()
    except Exception as error:
        return _failed(check, error)
    return found if isinstance(found, Finding) else Finding(check, "ok", found)


def _all_tried(check: str, calls: Iterable[Callable[[], object]], places: Sequence[str]) -> Iterator[Finding]:
    """Each thing that AWS refuses of several calls; any other trouble ends them. What is absent is no refusal."""
    told = set()
    for call in calls:
        try:
            call()
        except Exception as error:
            if getattr(error, "response", {}).get("Error", {}).get("Code") in ABSENT:
                continue
            found = _failed(check, error, places)
            if found.seen not in told:
                yield found
            told.add(found.seen)
            if not found.seen.startswith("AWS refuses "):
                return


def _failed(check: str, error: Exception, places: Sequence[str] = ()) -> Finding:
    """What AWS says; what it refuses is named with the line of a policy that allows it on these places."""
    if isinstance(error, PlanlakeError):
        return failed(check, error)
    trouble = aws_trouble(error)
    if trouble is None:
        raise error
    service = trouble.refused.partition(":")[0]
    line = json.dumps({"Effect": "Allow", "Action": trouble.refused, "Resource": places})
    has_line = service and any(place.startswith(f"arn:aws:{service}:") for place in places)
    advice = f"add this to the policy of the role that runs this: {line}" if has_line else trouble.advice
    return failed(check, LakeError(trouble.said, hint=advice))


def _arns(service: str, *names: str) -> list[str]:
    return [f"arn:aws:{service}{name}" for name in names]


def _identity(properties: Mapping[str, str]) -> str:
    opened = client("sts", properties)
    who = opened.get_caller_identity()["Arn"].rpartition(":")[2]
    return f"{who} in {opened.meta.region_name}"


def _place(place: str, properties: Mapping[str, str]) -> Iterator[Finding]:
    bucket, _, folder = place.partition("://")[2].partition("/")
    found = list(_marked(place, LeasePlace(bucket, folder.strip("/"), properties)))
    yield from found
    if not found:
        kept, did = _kept(client("s3", properties), bucket), "read, written, listed, deleted"
        yield Finding(place, "warning", f"{did}; {kept}", OLD_VERSIONS) if kept else Finding(place, "ok", did)


def _marked(check: str, folder: LeasePlace) -> Iterator[Finding]:
    """What is wrong with a folder: a marker is written under a condition, refused a second time, read, and deleted."""
    key = f"{folder.key}/planlake-doctor-{uuid.uuid4()}".strip("/")
    marker, opened, guarded = {"Bucket": folder.bucket, "Key": key}, client("s3", folder.properties), []

    def put(text: bytes) -> object:
        return opened.put_object(**marker, Body=text, IfNoneMatch="*")

    calls = (
        lambda: put(b"planlake doctor"),
        lambda: guarded.append(_is_refused(lambda: put(b"twice"))),
        lambda: opened.get_object(**marker),
        lambda: opened.list_objects_v2(Bucket=folder.bucket, Prefix=key, MaxKeys=1),
        lambda: opened.delete_object(**marker),
    )
    below = "/".join(part for part in (folder.bucket, folder.key, "*") if part)
    yield from _all_tried(check, calls, _arns("s3:::", folder.bucket, below))
    if guarded == [False]:
        advice = "two runs at once would not notice each other here: use S3 itself, or a store with conditional puts"
        yield Finding(check, "failed", "a conditional put was not refused", advice, 3)


def _kept(opened: Any, bucket: str) -> str:  # noqa: ANN401 - boto3 has no types of its own
    """Whether old versions of objects are kept, which `forget` cannot reach; empty if not, or if nobody may ask."""
    with suppress(Exception):
        if opened.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled":
            rules = []
            with suppress(Exception):
                rules = opened.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
            if not any("NoncurrentVersionExpiration" in rule for rule in rules):
                return "old versions are kept for ever"
    return ""


def _is_refused(write: Callable[[], object]) -> bool:
    try:
        write()
    except Exception as error:
        if is_condition_refused(error):
            return True
        raise
    return False


def _clock(lock: LeasePlace) -> Finding:
    ahead = time.time() - time_of(lock)
    said = f"{abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'} S3's"
    if abs(ahead) < CLOCK_SECONDS:
        return Finding(CLOCK, "ok", said if abs(ahead) > 2 else "that of S3")
    return Finding(CLOCK, "warning", said, "set this machine's clock: AWS refuses what is 15 minutes off")


def _lease(lock: LeasePlace) -> Iterator[Finding]:
    """Whether the lease can be taken, by a marker beside it, and whether somebody has it."""
    found = list(_marked(LEASE, replace(lock, key=lock.key.rpartition("/")[0])))
    yield from found
    if not found:
        is_held, text = read_lease(lock)
        holder = text.partition("\n")[0]
        yield Finding(LEASE, "ok", f"held now: {holder or 'no run is named'}" if is_held else "free")


def _database(name: str, properties: Mapping[str, str]) -> Iterator[Finding]:
    """What may be done in a database: only where a marker table can be deleted again is one made."""
    opened, arns = client("glue", properties), _arns("glue:*:*:", "catalog", f"database/{name}", f"table/{name}/*")
    there: list[object] = []
    looked = (
        lambda: there.append(opened.get_database(Name=name)),
        lambda: opened.get_tables(DatabaseName=name, MaxResults=1),
    )
    found = list(_all_tried(GLUE, looked, arns))
    if not found and not there:
        untried = "whether it may (glue:CreateDatabase, glue:CreateTable) is not tried"
        yield Finding(GLUE, "ok", f"{name}: not made yet, the first run makes it; {untried}")
        return
    marker = f"planlake_doctor_{uuid.uuid4().hex}"
    absent, given = {"DatabaseName": name, "Name": marker}, {"DatabaseName": name, "TableInput": {"Name": marker}}
    found += _all_tried(GLUE, [lambda: opened.delete_table(**absent)], arns)
    is_deletable = not any("glue:DeleteTable" in one.seen for one in found)
    calls = [
        *((lambda: opened.create_database(DatabaseInput={"Name": name}),) if there else ()),  # so nothing is made
        lambda: opened.update_table(**given),
        *((lambda: opened.create_table(**given), lambda: opened.delete_table(**absent)) if is_deletable else ()),
    ]
    found += _all_tried(GLUE, calls, arns)
    yield from found or [Finding(GLUE, "ok", f"{name}: there; tables can be made, changed and deleted")]
