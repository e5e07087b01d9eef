"""Keys kept in Secrets Manager: whole, or one key of a JSON object; what is not there is told without what is."""

import json

import pytest

from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, assert_equal, fill, served, settings_of
from planlake.errors import ConfigurationError
from planlake.sources.secrets import read_secret

KEPT = {"public": "the public key", "private": "the private key", "port": 8080}


@pytest.fixture(scope="module")
def kept(stand_ins):
    import boto3  # noqa: PLC0415

    opened = boto3.client("secretsmanager")
    opened.create_secret(Name="council/keys", SecretString=json.dumps(KEPT))
    opened.create_secret(Name="council/token", SecretString="the token\n")


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("aws-secret:council/token", "the token"),
        ("aws-secret:council/keys#private", "the private key"),
        ("aws-secret:council/keys#port", "8080"),
    ],
)
def test_a_secret_is_read_whole_or_by_its_key(kept, tmp_path, reference, value):
    assert read_secret("api.token", reference, tmp_path) == value


@pytest.mark.parametrize(
    "reference", ["aws-secret:council/none", "aws-secret:council/keys#none", "aws-secret:council/token#x"]
)
def test_what_is_not_there_is_told_and_what_is_there_is_not(kept, tmp_path, reference):
    with pytest.raises(ConfigurationError) as raised:
        read_secret("api.token", reference, tmp_path)
    said = "".join(raised.value.lines())
    assert f"AWS secret {reference.partition(':')[2].partition('#')[0]} (" in said
    assert not any(str(one) in said for one in (*KEPT.values(), "the token"))


def test_keys_are_read_once_a_run_and_again_when_they_are_changed_in_the_middle_of_it(kept, tmp_path, capfd):
    import boto3  # noqa: PLC0415
    import botocore.client  # noqa: PLC0415

    opened, before, after = boto3.client("secretsmanager"), ("public-1", "private-1"), ("public-2", "private-2")
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
