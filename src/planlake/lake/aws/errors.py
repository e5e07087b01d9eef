"""What AWS says, as a sentence with what to do next: botocore's errors, and those of pyarrow's S3."""

import re
from dataclasses import dataclass

OF_S3 = {  # the action that a call needs, where its name is another one
    "HeadObject": "GetObject",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "DeleteObjects": "DeleteObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
}
REFUSED = {"403", "AccessDenied", "AccessDeniedException", "ACCESS_DENIED", "Forbidden"}
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "EXPIRED_TOKEN"}
UNKNOWN_KEYS = {
    *("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
    *("InvalidSignatureException", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "INVALID_SIGNATURE"),
}
BUSY = {
    "ThrottlingException",
    "Throttling",
    "SlowDown",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SLOW_DOWN",
}
OF_ARROW = re.compile(r"AWS Error (?P<code>[A-Z_]+) during (?P<call>[A-Za-z0-9]+) operation")
NOT_DELETED = re.compile(r"errors? when deleting objects in S3 bucket.*Access ?Denied", re.DOTALL)
KEYS = "aws sts get-caller-identity shows who you are; set AWS_PROFILE, or renew the keys"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong, and what to do; the action of IAM where that is refused."""

    said: str
    advice: str
    refused: str = ""


NO_KEYS = Trouble("no AWS credentials were found, or they are not complete", KEYS)
OF_KIND = {  # classes of botocore
    "NoRegionError": Trouble(
        "no AWS region is named", "set AWS_REGION, or glue.region and s3.region in catalog.properties"
    ),
    "ProfileNotFound": Trouble("AWS_PROFILE names a profile that is not there", "aws configure list-profiles"),
    **dict.fromkeys(
        ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "NoAuthTokenError"), NO_KEYS
    ),
    **dict.fromkeys(("TokenRetrievalError", "UnauthorizedSSOTokenError", "SSOTokenLoadError"), NO_KEYS),
}
UNREACHED = ("EndpointConnectionError", "ConnectTimeoutError", "ConnectionClosedError", "ReadTimeoutError", "SSLError")


def aws_trouble(error: BaseException) -> Trouble | None:
    """What an error of AWS says; None for any other. Errors that it came from are looked at, too."""
    seen: BaseException | None = error
    while seen is not None:
        found = _of_botocore(seen) or _of_arrow(seen)
        if found is not None:
            return found
        seen = seen.__cause__ or seen.__context__
    return None


def _of_botocore(error: BaseException) -> Trouble | None:
    if not type(error).__module__.startswith("botocore"):
        return None
    kind = type(error).__name__
    if hasattr(error, "operation_name"):  # ClientError, and the classes that a service has below it
        answer = getattr(error, "response", {})
        code, call = str(answer.get("Error", {}).get("Code", "")), str(getattr(error, "operation_name", ""))
        return _of_code(code, call, str(answer.get("Error", {}).get("Message", "")))
    if kind in OF_KIND:
        return OF_KIND[kind]
    if kind in UNREACHED:
        where = getattr(error, "kwargs", {}).get("endpoint_url", "AWS")
        return Trouble(f"{where} does not answer", "look at the region, the network and the endpoint: planlake doctor")
    return Trouble(f"AWS: {str(error).splitlines()[0] if str(error) else kind}", "planlake doctor")


def _of_arrow(error: BaseException) -> Trouble | None:
    if not isinstance(error, OSError):
        return None
    if NOT_DELETED.search(str(error)):  # many at once: S3 answers for each of them
        return _of_code("ACCESS_DENIED", "DeleteObjects", "")
    found = OF_ARROW.search(str(error))
    return _of_code(found["code"], found["call"], "") if found else None


def _of_code(code: str, call: str, message: str) -> Trouble:
    action = action_of(call)
    if code in EXPIRED:
        return Trouble("the AWS credentials have expired", KEYS)
    if code in UNKNOWN_KEYS:
        return Trouble("AWS does not know these credentials", KEYS)
    if code in REFUSED:
        return Trouble(f"AWS refuses {action}", f"allow {action} for the role that runs this: planlake doctor", action)
    if code in BUSY:
        return Trouble(f"AWS is asked too often ({action}), also after pauses", "run it again later")
    about = f": {message.splitlines()[0]}" if message else ""
    return Trouble(f"AWS answers {code} to {action}{about}", "planlake doctor")


def action_of(call: str) -> str:
    """The action of IAM that a call needs."""
    if call in OF_S3 or call.endswith(("Object", "Bucket")):
        return f"s3:{OF_S3.get(call, call)}"
    return f"secretsmanager:{call}" if "Secret" in call else f"glue:{call}"
