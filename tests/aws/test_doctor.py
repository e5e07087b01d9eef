"""The doctor on AWS: who we are, whether each place takes what a run does there, the clock, the lease, Glue."""

import time
from types import SimpleNamespace

import pytest

from planlake.config import Catalog, Config, Environment
from planlake.inspection import aws
from planlake.lake.aws.clients import client
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
    listed = client("s3", stand_ins.properties).list_objects_v2(Bucket=bucket)
    return [one["Key"] for one in listed.get("Contents", []) if "planlake-doctor" in one["Key"]]


def test_a_lake_that_can_be_used_is_said_to_be_and_nothing_is_left_behind(looked, stand_ins, bucket):
    _, found = looked()
    assert {one.verdict for one in found.values()} == {"ok"}
    assert found["s3://lake/doctor"].seen == "read, written, listed, deleted"
    assert found["AWS identity"].seen.endswith(" in eu-west-2")
    assert not any(part.isdigit() and len(part) == 12 for part in found["AWS identity"].seen.replace(":", " ").split())
    assert found["lease"].seen == "free"
    untried = "whether it may (glue:CreateDatabase, glue:CreateTable) is not tried"
    assert found["Glue"].seen.endswith(f"not made yet, the first run makes it; {untried}")
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


def refusing(monkeypatch, *calls, beside=""):
    """Clients that AWS refuses these calls, of S3 those of keys that hold `beside`."""
    from botocore.exceptions import ClientError  # noqa: PLC0415

    plain = aws.client

    def opened(service, properties):
        made = plain(service, properties)
        call = made._make_api_call

        def asked(name, given):
            if name in calls and beside in given.get("Key", beside):
                raise ClientError({"Error": {"Code": "AccessDenied", "Message": "m"}}, name)
            return call(name, given)

        made._make_api_call = asked
        return made

    monkeypatch.setattr(aws, "client", opened)


def told(stand_ins, tmp_path, **places):
    catalog = Catalog(type="glue", properties=stand_ins.properties)
    config = Config(environments={"aws": Environment(catalog=catalog, **places)}, folder=tmp_path)
    return [one for one in aws.examine_aws(config, None) if one.verdict == "failed"]


@pytest.mark.parametrize(("call", "action"), [("PutObject", "s3:PutObject"), ("GetObject", "s3:GetObject")])
@pytest.mark.parametrize("lease", ["", "s3://lake/own/"])
def test_a_lease_that_cannot_be_taken_or_read_is_told(stand_ins, bucket, tmp_path, monkeypatch, call, action, lease):
    refusing(monkeypatch, call, beside="leases/")
    [found] = told(stand_ins, tmp_path, warehouse=f"s3://{bucket}/doctor/", **({"lease": lease} if lease else {}))
    assert (found.check, found.seen, found.exit_code) == ("lease", f"AWS refuses {action}", 3)
    where = f"{'own' if lease else 'doctor'}/leases/*"
    assert found.advice.endswith(
        f'{{"Effect": "Allow", "Action": "{action}", "Resource": ["arn:aws:s3:::lake", "arn:aws:s3:::lake/{where}"]}}'
    )
    assert objects(stand_ins, bucket) == []


def test_each_action_that_a_place_lacks_is_told_at_once(stand_ins, bucket, tmp_path, monkeypatch):
    refusing(monkeypatch, "GetObject", "ListObjectsV2", beside="planlake-doctor")
    found = [one for one in told(stand_ins, tmp_path, warehouse=f"s3://{bucket}/doctor/") if one.check != "lease"]
    assert [one.seen for one in found] == ["AWS refuses s3:GetObject", "AWS refuses s3:ListBucket"]
    assert objects(stand_ins, bucket) == []


@pytest.mark.parametrize(
    "calls", [(), ("CreateDatabase",), ("CreateTable", "UpdateTable"), ("DeleteTable",), ("GetDatabase", "GetTables")]
)
def test_what_glue_refuses_is_tried_and_no_table_or_database_is_left(stand_ins, bucket, tmp_path, monkeypatch, calls):
    glue = client("glue", stand_ins.properties)
    names = ("tascomi-refined-zone", "tascomi-raw-zone")
    glue.create_database(DatabaseInput={"Name": names[0]})
    before = len(glue.get_databases()["DatabaseList"])
    refusing(monkeypatch, *calls)
    try:
        found = {one.seen for one in told(stand_ins, tmp_path, warehouse=f"s3://{bucket}/doctor/")}
        assert found == {f"AWS refuses glue:{call}" for call in calls}
        assert glue.get_tables(DatabaseName=names[0])["TableList"] == []
        assert len(glue.get_databases()["DatabaseList"]) == before
    finally:
        glue.delete_database(Name=names[0])
