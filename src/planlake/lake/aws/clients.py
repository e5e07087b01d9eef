"""Clients of AWS by the properties of a catalogue; what these do not say boto3 finds by itself.

Who cannot reach an endpoint is told within 15 seconds: a connection has 4 seconds, and is tried three times in all.
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from planlake.errors import ConfigurationError, LakeError
from planlake.lake.aws.errors import NOT_AWS

NOT_INSTALLED = "a lake on S3, or in Glue, needs AWS's libraries"
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 4, 30, 3
SECRETS = ("token", "credential", "access-key-id", "secret-access-key")  # how properties end that are sent in headers
VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
OF_CLIENT = {  # arguments of boto3, and the properties that pyiceberg has for them
    "endpoint_url": ("{}.endpoint",),
    "aws_access_key_id": ("{}.access-key-id", "client.access-key-id"),
    "aws_secret_access_key": ("{}.secret-access-key", "client.secret-access-key"),
    "aws_session_token": ("{}.session-token", "client.session-token"),
}


def region_of(properties: Mapping[str, str], service: str = "s3") -> str:
    """The region of a service: its own property, that of all, that of another service, `AWS_REGION`; empty for none.

    boto3 itself reads `AWS_DEFAULT_REGION` alone, which Lambda, Fargate and Glue do not set.
    """
    names = (f"{service}.region", "client.region", "glue.region", "s3.region")
    found = next((properties[name] for name in names if name in properties), "")
    return found or os.environ.get("AWS_REGION", "") or os.environ.get("AWS_DEFAULT_REGION", "")


def of_s3(properties: Mapping[str, str]) -> dict[str, str]:
    """What pyarrow is to be told of S3 that boto3 finds in variables: the region and the endpoint."""
    found = {"s3.region": region_of(properties)}
    found["s3.endpoint"] = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    return {name: value for name, value in found.items() if value and name not in properties}


def client(service: str, properties: Mapping[str, str]) -> Any:  # noqa: ANN401 - boto3 has no types of its own
    """A client of a service; throttled calls are repeated with growing pauses."""
    try:
        from botocore.config import Config  # noqa: PLC0415 - only who is on AWS has it
        from botocore.session import Session  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(NOT_INSTALLED, hint="pip install 'planlake[aws]'") from None

    for name in VARIABLES:
        check_sendable(name, os.environ.get(name, ""))
    given: dict[str, str] = {}
    for argument, names in OF_CLIENT.items():
        value = next((properties[one] for name in names if (one := name.format(service)) in properties), None)
        if value is not None:
            given[argument] = value
    if region := region_of(properties, service):
        given["region_name"] = region
    profile = properties.get(f"{service}.profile-name") or properties.get("client.profile-name")
    retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
    config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries=retries)
    session = Session(profile=profile)
    session.register_component("data_loader", _descriptions())
    opened = session.create_client(service, config=config, **given)
    opened.meta.events.register("after-call.glue", _check_is_glue)
    return opened


@cache
def _descriptions() -> Any:  # noqa: ANN401
    """What botocore reads of each service, read once: that takes ten times as long as all else of a client."""
    from botocore.loaders import create_loader  # noqa: PLC0415

    return create_loader()


def _check_is_glue(http_response: Any, **_: object) -> None:  # noqa: ANN401
    """Refuse a page in place of an answer, which botocore takes for one that says nothing."""
    content = http_response.content.strip()
    if http_response.status_code == 200 and content and not content.startswith(b"{"):
        raise LakeError("what answers is not Glue: perhaps a proxy, or its page for signing in", hint=NOT_AWS)


def is_secret(name: str) -> bool:
    """Whether a property of a catalogue is a key, a token or whatever else goes into a header."""
    return name.endswith(SECRETS) or name.startswith("header.")


def check_sendable(place: str, value: str) -> None:
    """Refuse what no header can hold, before a library says so and shows it; a ConfigurationError without the value."""
    if not (value.isascii() and value.isprintable()):
        hint = "it holds a line break, an accent or an invisible character: keep the secret alone, on one line"
        raise ConfigurationError(f"what is kept for {place} is neither a key nor a token", hint=hint)
