"""Reads a secret of AWS Secrets Manager, and says why where it cannot; what it holds is in no message.

Who cannot reach it is told within 15 seconds: a connection has 4 seconds, and is tried three times in all.
"""

import json
import os
from typing import Any

from planlake.errors import ConfigurationError, SourceUnreachable

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 4, 30, 3
NO_KEYS = "no AWS credentials were found, or they are not complete"
UNKNOWN_KEYS = "AWS does not know these credentials"
EXPIRED = "the AWS credentials have expired"
OF_CODE = {  # what AWS answers; a message of its own is never shown
    **dict.fromkeys(("AccessDeniedException", "AccessDenied", "403"), "AWS refuses secretsmanager:GetSecretValue"),
    "DecryptionFailure": "AWS refuses kms:Decrypt of the key it is encrypted with",
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "RequestExpired"), EXPIRED),
    **dict.fromkeys(("UnrecognizedClientException", "InvalidClientTokenId"), UNKNOWN_KEYS),
    **dict.fromkeys(("InvalidSignatureException", "SignatureDoesNotMatch"), UNKNOWN_KEYS),
    "InvalidRequestException": "it is marked for deletion, or cannot be read in this state",
}
OF_KIND = {  # classes of botocore
    "NoRegionError": "no AWS region is named: set AWS_REGION",
    "ProfileNotFound": "AWS_PROFILE names a profile that is not there",
    **dict.fromkeys(("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"), NO_KEYS),
    **dict.fromkeys(("NoAuthTokenError", "TokenRetrievalError", "UnauthorizedSSOTokenError"), NO_KEYS),
    "SSOTokenLoadError": NO_KEYS,
}
BUSY = ("ThrottlingException", "Throttling", "InternalServiceError", "ServiceUnavailable", "500", "502", "503", "504")
UNREACHED = ("EndpointConnectionError", "ConnectTimeoutError", "ConnectionClosedError", "ReadTimeoutError", "SSLError")
UNREACHED_HINT = "look at AWS_REGION, AWS_ENDPOINT_URL and the network, then give the same command again"


def read_aws_secret(name: str, key: str) -> tuple[str, str]:
    """A secret of text, or the text at a key of one that is a JSON object; empty with why it is not there.

    Raises ConfigurationError where boto3 is not installed, SourceUnreachable where AWS does not answer.
    """
    try:
        import boto3  # type: ignore[import-not-found,import-untyped,unused-ignore] # noqa: PLC0415 - installed by planlake[aws] only
        from botocore.config import Config  # type: ignore[import-not-found,import-untyped,unused-ignore] # noqa: PLC0415
    except ImportError:
        hint = "pip install 'planlake[aws]'"
        raise ConfigurationError("reading an AWS secret needs boto3", facts={"secret": name}, hint=hint) from None
    region = os.environ.get("AWS_REGION", "")  # boto3 itself reads AWS_DEFAULT_REGION alone
    try:
        retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
        config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries=retries)
        opened = boto3.Session(region_name=region or None).client("secretsmanager", config=config)
        region = opened.meta.region_name
        answer = opened.get_secret_value(SecretId=name)
    except Exception as error:  # whatever the reason, its text must not be shown
        return "", _why_not(error, name, region)
    if "SecretString" not in answer:
        return "", "it is binary, not text" if "Name" in answer else "what answers is not AWS Secrets Manager"
    return _text_in(str(answer["SecretString"]), name, key)


def _text_in(kept: str, name: str, key: str) -> tuple[str, str]:
    """The key itself: never the whole of a JSON object, nor a value that is no text."""
    try:
        held: Any = json.loads(kept)
    except (ValueError, RecursionError):
        held = None
    if not key:
        is_whole = isinstance(held, dict | list)
        return ("", f"it is JSON: name the key of it, aws-secret:{name}#KEY") if is_whole else (kept, "empty")
    if not isinstance(held, dict):
        return "", f"it is not a JSON object: leave #{key} out"
    if key not in held:
        return "", f"it has no key {key}"
    return (held[key], f"its key {key} is empty") if isinstance(held[key], str) else ("", f"its key {key} is no text")


def _why_not(error: Exception, name: str, region: str) -> str:
    """Why a secret was not read; a SourceUnreachable where AWS did not answer, or not now."""
    kind = type(error).__name__
    said = getattr(error, "response", {}).get("Error", {})
    code = "DecryptionFailure" if "KMS" in said.get("Message", "") else str(said.get("Code", ""))
    if kind in UNREACHED:
        where = getattr(error, "kwargs", {}).get("endpoint_url", "AWS Secrets Manager")
        raise SourceUnreachable(f"{where} does not answer", facts={"secret": name}, hint=UNREACHED_HINT) from None
    if code in BUSY:
        hint = "give the same command again later"
        raise SourceUnreachable(f"AWS answers {code}, also after pauses", facts={"secret": name}, hint=hint) from None
    if code == "ResourceNotFoundException":
        return f"there is no such secret in {region}"
    return OF_KIND.get(kind) or OF_CODE.get(code) or f"not readable: {code or kind}"
