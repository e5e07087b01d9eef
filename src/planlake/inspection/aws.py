"""Looks whether a lake on AWS can be used: identity, each place of the warehouse, clock, lease, Glue's databases."""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from planlake.config import Config
from planlake.errors import LakeError
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
        below = place.partition("://")[2]
        arns = _arns("s3:::", below.partition("/")[0], f"{below}/*")
        yield _tried(place, lambda place=place: _place(place, properties), arns)  # type: ignore[misc]
    lock = lock_of(config, environment)
    if isinstance(lock, LeasePlace):
        yield _tried(CLOCK, lambda: _clock(lock))
        yield _lease(lock)
    if chosen.catalog.type == "glue":
        prefix = f"{chosen.database_prefix}{config.source_name}"
        for name in (f"{prefix}-{zone}" for zone in ZONES.values()):
            arns = _arns("glue:*:*:", "catalog", f"database/{name}", f"table/{name}/*")
            yield _tried(GLUE, lambda name=name: _database(name, properties), arns)  # type: ignore[misc]


def _tried(check: str, look: Callable[[], Finding | str], places: Sequence[str] = ()) -> Finding:
    """What a look came to; what AWS refuses is named with the line of a policy that allows it on these places."""
    try:
        found = look()
    except Exception as error:
        trouble = aws_trouble(error)
        if trouble is None:
            raise
        line = json.dumps({"Effect": "Allow", "Action": trouble.refused, "Resource": places})
        has_line = trouble.refused and places
        advice = f"add this to the policy of the role that runs this: {line}" if has_line else trouble.advice
        return failed(check, LakeError(trouble.said, hint=advice))
    return found if isinstance(found, Finding) else Finding(check, "ok", found)


def _arns(service: str, *names: str) -> list[str]:
    return [f"arn:aws:{service}{name}" for name in names]


def _identity(properties: Mapping[str, str]) -> str:
    opened = client("sts", properties)
    who = opened.get_caller_identity()["Arn"].rpartition(":")[2]
    return f"{who} in {opened.meta.region_name}"


def _place(place: str, properties: Mapping[str, str]) -> Finding:
    """A marker object is written under a condition, refused a second time, read, listed and deleted."""
    bucket, _, folder = place.partition("://")[2].partition("/")
    key = f"{folder.strip('/')}/planlake-doctor-{uuid.uuid4()}".strip("/")
    opened = client("s3", properties)
    marker = {"Bucket": bucket, "Key": key}
    try:
        opened.put_object(**marker, Body=b"planlake doctor", IfNoneMatch="*")
        has_guard = _is_refused(lambda: opened.put_object(**marker, Body=b"twice", IfNoneMatch="*"))
        opened.get_object(**marker)["Body"].read()
        opened.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    except Exception:
        with suppress(Exception):
            opened.delete_object(**marker)
        raise
    opened.delete_object(**marker)
    if not has_guard:
        advice = "two runs at once would not notice each other here: use S3 itself, or a store with conditional puts"
        return Finding(place, "failed", "a conditional put was not refused", advice, 3)
    kept = _kept(opened, bucket)
    did = "read, written, listed, deleted"
    return Finding(place, "warning", f"{did}; {kept}", OLD_VERSIONS) if kept else Finding(place, "ok", did)


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


def _lease(lock: LeasePlace) -> Finding:
    is_held, text = read_lease(lock)
    holder = text.partition("\n")[0]
    return Finding(LEASE, "ok", f"held now: {holder or 'no run is named'}" if is_held else "free")


def _database(name: str, properties: Mapping[str, str]) -> str:
    opened = client("glue", properties)
    try:
        opened.get_database(Name=name)
    except opened.exceptions.EntityNotFoundException:
        return f"{name}: not made yet, the first run makes it"
    opened.get_tables(DatabaseName=name, MaxResults=1)
    return f"{name}: there"
