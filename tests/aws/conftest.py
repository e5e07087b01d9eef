"""One pair of stand-ins for all tests of AWS; skipped where they are not installed."""

import importlib.util

import pytest

from aws.stand_ins import started

IS_INSTALLED = importlib.util.find_spec("moto") is not None and importlib.util.find_spec("boto3") is not None


@pytest.fixture(scope="session")
def stand_ins():
    if not IS_INSTALLED:
        pytest.skip("moto and SeaweedFS are not installed: make test-aws installs them")
    with started() as made, pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in made.variables.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture(scope="session")
def bucket(stand_ins):
    import boto3  # noqa: PLC0415 - only this suite has it

    boto3.client("s3").create_bucket(Bucket="lake")
    return "lake"
