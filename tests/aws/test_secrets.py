"""Keys kept in Secrets Manager: whole, or one key of a JSON object; what is not there is told without what is."""

import json

import pytest

from aws.stand_ins import REGION
from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, assert_equal, fill, served, settings_of
from planlake.errors import ConfigurationError, PlanlakeError
from planlake.sources.secrets import read_secret

KEPT = {
    "public": "the public key",
    "private": "the private key",
    "port": 8080,
    "none": None,
    "yes": True,
    "in": {"a": 1},
}


@pytest.fixture(scope="module")
def kept(stand_ins):
    import boto3  # noqa: PLC0415

    opened = boto3.client("secretsmanager", region_name=REGION)
    opened.create_secret(Name="council/keys", SecretString=json.dumps(KEPT))
    opened.create_secret(Name="council/token", SecretString="the token\n")
    opened.create_secret(Name="council/binary", SecretBinary=b"the binary key")
    opened.create_secret(Name="council/list", SecretString='["the first"]')


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("aws-secret:council/token", "the token"),
        ("aws-secret:council/keys#private", "the private key"),
    ],
)
def test_a_secret_is_read_whole_or_by_its_key(kept, tmp_path, reference, value):
    assert read_secret("api.token", reference, tmp_path) == value


WHY_NOT = [
    ("aws-secret:council/none", "there is no such secret in eu-west-2"),
    ("aws-secret:council/keys#absent", "it has no key absent"),
    ("aws-secret:council/keys#port", "its key port is no text"),
    ("aws-secret:council/keys#none", "its key none is no text"),
    ("aws-secret:council/keys#yes", "its key yes is no text"),
    ("aws-secret:council/keys#in", "its key in is no text"),
    ("aws-secret:council/keys", "it is JSON: name the key of it, aws-secret:council/keys#KEY"),
    ("aws-secret:council/keys#", "it is JSON: name the key of it, aws-secret:council/keys#KEY"),
    ("aws-secret:council/list", "it is JSON: name the key of it, aws-secret:council/list#KEY"),
    ("aws-secret:council/list#x", "it is not a JSON object: leave #x out"),
    ("aws-secret:council/token#x", "it is not a JSON object: leave #x out"),
    ("aws-secret:council/binary", "it is binary, not text"),
]


@pytest.mark.parametrize(("reference", "why"), WHY_NOT)
def test_what_is_no_key_is_refused_and_told_without_what_is_there(kept, tmp_path, reference, why):
    with pytest.raises(ConfigurationError) as raised:
        read_secret("api.token", reference, tmp_path)
    said = "".join(raised.value.lines())
    assert f"AWS secret {reference.partition(':')[2].partition('#')[0]} ({why})" in said
    assert not any(str(one) in said for one in ("public key", "8080", "True", "the token", "binary key", "the first"))


def test_where_aws_cannot_be_asked_for_a_secret_the_reason_is_told(kept, tmp_path, monkeypatch):
    def told(**variables):
        with monkeypatch.context() as changed:
            for name, value in {"AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none", **variables}.items():
                changed.setenv(name, value) if value else changed.delenv(name, raising=False)
            with pytest.raises(PlanlakeError) as raised:
                read_secret("api.token", "aws-secret:council/token", tmp_path)
        return raised.value

    assert "no AWS region is named" in str(told(AWS_REGION="", AWS_DEFAULT_REGION=""))
    assert "no AWS credentials were found" in str(told(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY=""))
    assert "AWS_PROFILE names a profile that is not there" in str(told(AWS_PROFILE="nobody"))
    away = told(AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert (away.exit_code, away.message) == (3, "http://127.0.0.1:1/ does not answer")


def test_keys_are_read_once_a_run_and_again_when_they_are_changed_in_the_middle_of_it(kept, tmp_path, capfd):
    import boto3  # noqa: PLC0415
    import botocore.client  # noqa: PLC0415

    opened, before, after = (
        boto3.client("secretsmanager", region_name=REGION),
        ("public-1", "private-1"),
        ("public-2", "private-2"),
    )
    opened.create_secret(Name="council/changed", SecretString=json.dumps(dict(zip("ab", before, strict=True))))
    with feeding(served(["things"]), tmp_path, settings_of(["things"], concurrency=4)) as feed:
        places = {"public_key": "aws-secret:council/changed#a", "private_key": "aws-secret:council/changed#b"}
        api = feed.config.source_api().model_copy(update=places)
        feed.config = feed.config.model_copy(update={"api": api})
        called, call = [], botocore.client.BaseClient._make_api_call

        def noted(client, name, given):
            called.append(name)
            return call(client, name, given)

        def change(_data, _resource, _filters, number):
            if number == 3 and feed.simulator._app._keys == before:
                feed.simulator._app._keys = after
                kept_now = json.dumps(dict(zip("ab", after, strict=True)))
                opened.put_secret_value(SecretId="council/changed", SecretString=kept_now)

        feed.monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", noted)
        feed.simulator._app._keys = before
        fill(feed.data, "things", 12)
        assert feed.run_at(DAY_1).exit_code == 0
        assert called.count("GetSecretValue") == 2
        fill(feed.data, "things", 12, "2026-11-17 09:00:00", start=13)
        feed.data.on_page = change
        assert feed.run_at(DAY_2).exit_code == 0
        assert called.count("GetSecretValue") == 6
        assert_equal(feed, "things")
    captured = capfd.readouterr()
    assert [key for key in (*before, *after) if key in captured.out + captured.err] == []
