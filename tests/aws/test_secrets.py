"""Keys kept in Secrets Manager: whole, or one key of a JSON object; what is not there is told without what is."""

import json

import pytest

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
