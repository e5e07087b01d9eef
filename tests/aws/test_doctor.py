"""The doctor on AWS: who we are, whether each place takes what a run does there, the clock, the lease, Glue."""

import time
from types import SimpleNamespace

import pytest

from planlake.config import Catalog, Config, Environment
from planlake.inspection import aws
from planlake.lake.lake import lock_of
from planlake.lake.state.lease import leased


@pytest.fixture
def looked(stand_ins, bucket, tmp_path):
    def at(place=f"s3://{bucket}/doctor/"):
        catalog = Catalog(type="glue", properties=stand_ins.properties)
        config = Config(environments={"aws": Environment(catalog=catalog, warehouse=place)}, folder=tmp_path)
        found = list(aws.examine_aws(config, None))
        return config, {one.check: one for one in found}

    return at


def objects(stand_ins, bucket):
    listed = aws.client("s3", stand_ins.properties).list_objects_v2(Bucket=bucket, Prefix="doctor/")
    return [one["Key"] for one in listed.get("Contents", [])]


def test_a_lake_that_can_be_used_is_said_to_be_and_nothing_is_left_behind(looked, stand_ins, bucket):
    _, found = looked()
    assert {one.verdict for one in found.values()} == {"ok"}
    assert found["s3://lake/doctor"].seen == "read, written, listed, deleted"
    assert found["AWS identity"].seen.endswith(" in eu-west-2")
    assert not any(part.isdigit() and len(part) == 12 for part in found["AWS identity"].seen.replace(":", " ").split())
    assert found["lease"].seen == "free"
    assert found["Glue"].seen.endswith("not made yet, the first run makes it")
    assert objects(stand_ins, bucket) == []


def test_a_lease_that_is_held_and_a_clock_that_is_off_are_told(looked, monkeypatch):
    config, _ = looked()
    with leased(lock_of(config), 0) as lease:
        lease.say("run 12, process 5")
        monkeypatch.setattr(aws, "time", SimpleNamespace(time=lambda: time.time() + 600))
        _, found = looked()
    assert found["lease"].seen == "held now: run 12, process 5"
    assert found["AWS clock"].verdict == "warning"
    assert found["AWS clock"].seen in ("600 s ahead of S3's", "601 s ahead of S3's", "599 s ahead of S3's")


def test_keys_that_aws_does_not_know_are_told_by_each_service(looked, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    _, found = looked()
    place = found["s3://lake/doctor"]
    assert (place.verdict, place.exit_code) == ("failed", 3)
    assert place.seen == "AWS does not know these credentials"
    assert "another-secret" not in repr(found)


def test_a_store_without_conditional_puts_is_no_place_for_a_lake(looked, monkeypatch):
    monkeypatch.setattr(aws, "_is_refused", lambda write: write() and False)
    plain = aws.client

    def lenient(service, properties):
        opened = plain(service, properties)
        if service == "s3":
            put = opened.put_object
            opened.put_object = lambda **given: put(
                **{name: value for name, value in given.items() if name != "IfNoneMatch"}
            )
        return opened

    monkeypatch.setattr(aws, "client", lenient)
    _, found = looked()
    assert found["s3://lake/doctor"].seen == "a conditional put was not refused"
    assert found["s3://lake/doctor"].verdict == "failed"
