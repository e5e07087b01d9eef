"""What AWS says, as a sentence with what to do next: botocore's errors, and those of pyarrow's S3."""

import re
from dataclasses import dataclass

from planlake.errors import with_causes

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
AWAY = {
    "500",
    "502",
    "503",
    "504",
    "InternalError",
    "InternalServiceException",
    "ServiceUnavailable",
    "INTERNAL_FAILURE",
}
NO_BUCKET = {"NoSuchBucket", "NO_SUCH_BUCKET"}
ELSEWHERE = {"301", "302", "307", "PermanentRedirect", "AuthorizationHeaderMalformed"}
SKEWED = {"RequestTimeTooSkewed", "REQUEST_TIME_TOO_SKEWED"}
OF_ARROW = re.compile(
    r"AWS Error (?P<code>[A-Z_]+)(?: \(HTTP status (?P<status>[0-9]+)\))? during (?P<call>[A-Za-z0-9]+) operation"
    r"(?:: (?:Unable to parse ExceptionName: (?P<name>\w+) Message: )?(?P<message>.*))?"
)
OF_BUCKET = re.compile("(?:in|for) bucket '([^']+)'")
OTHER_ACTION = re.compile(r"not authorized to perform: (\w+:\w+)")
ACCOUNT = re.compile(r"(?<![\w-])[0-9]{12}(?![\w-])")
NOT_DELETED = re.compile(r"errors? when deleting objects in S3 bucket.*Access ?Denied", re.DOTALL)
NO_BODY = "No response body."
UNREACHED_ADVICE = "look at the region, the network and the endpoint: planlake doctor"
NOT_AWS = "look at HTTPS_PROXY, AWS_ENDPOINT_URL and the endpoints in catalog.properties"
KEYS = "aws sts get-caller-identity shows who you are; set AWS_PROFILE, or renew the keys"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a service said to a call. To HEAD S3 gives no reason, only the number."""

    code: str
    call: str
    message: str = ""
    bucket: str = ""

    @property
    def action(self) -> str:
        """The action of IAM: that of the call, or the one that the message names, as one of a key of KMS."""
        named = OTHER_ACTION.search(self.message)
        return named[1] if named else action_of(self.call)

    @property
    def is_bare(self) -> bool:
        return self.call.startswith("Head")

    @property
    def where(self) -> str:
        return f"the bucket {self.bucket}" if self.bucket else "the bucket"


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
    found = (_of_botocore(one) or _of_arrow(one) or _of_redirects(one) for one in with_causes(error))
    return next(filter(None, found), None)


def _of_botocore(error: BaseException) -> Trouble | None:
    if not type(error).__module__.startswith("botocore"):
        return None
    kind = type(error).__name__
    if hasattr(error, "operation_name"):  # ClientError, and the classes that a service has below it
        said = getattr(error, "response", {}).get("Error", {})
        names = (str(said.get(name, "")) for name in ("Message", "BucketName"))
        return _of_answer(_Answer(str(said.get("Code", "")), str(getattr(error, "operation_name", "")), *names))
    if kind in OF_KIND:
        return OF_KIND[kind]
    if kind in UNREACHED:
        where = getattr(error, "kwargs", {}).get("endpoint_url", "AWS")
        return Trouble(f"{where} does not answer", UNREACHED_ADVICE)
    if kind == "ResponseParserError":
        return Trouble("what answers is not AWS: perhaps a proxy, or its page for signing in", NOT_AWS)
    return Trouble(f"AWS: {without_account(str(error).splitlines()[0] if str(error) else kind)}", "planlake doctor")


def _of_arrow(error: BaseException) -> Trouble | None:
    if not isinstance(error, OSError):
        return None
    text = str(error)
    if NOT_DELETED.search(text):  # many at once: S3 answers for each of them
        return _of_answer(_Answer("ACCESS_DENIED", "DeleteObjects"))
    found, bucket = OF_ARROW.search(text), OF_BUCKET.search(text)
    if not found:
        return None
    code = found["name"] or found["status"] or found["code"]
    message = "" if found["message"] == NO_BODY else found["message"] or ""
    return _of_answer(_Answer(code, found["call"], message, bucket[1] if bucket else ""))


def _of_redirects(error: BaseException) -> Trouble | None:
    """botocore looks for the region of a bucket by the call that was sent to another one, until Python stops it."""
    step = error.__traceback__ if isinstance(error, RecursionError) else None
    while step is not None:
        if step.tb_frame.f_globals.get("__name__", "").startswith("botocore"):
            return _of_answer(_Answer("301", "HeadBucket"))
        step = step.tb_next
    return None


def _of_answer(answer: _Answer) -> Trouble:
    code, action = answer.code, answer.action
    again = "run it again later"
    for codes, found in (
        (EXPIRED, Trouble("the AWS credentials have expired", KEYS)),
        (UNKNOWN_KEYS, Trouble("AWS does not know these credentials", KEYS)),
        (BUSY, Trouble(f"AWS is asked too often ({action}), also after pauses", again)),
        (AWAY, Trouble(f"AWS cannot answer {action} now ({code}), also after pauses", again)),
        (SKEWED, Trouble("the clock of this machine is off: AWS refuses what is 15 minutes off", "set it (NTP)")),
        ({"NETWORK_CONNECTION"}, Trouble(f"S3 does not answer ({action})", UNREACHED_ADVICE)),
    ):
        if code in codes:
            return found
    if code in REFUSED:
        return _of_refusal(answer)
    about = f": {without_account(answer.message.splitlines()[0])}" if answer.message else ""
    return _of_bucket(answer) or Trouble(f"AWS answers {code} to {action}{about}", "planlake doctor")


def _of_refusal(answer: _Answer) -> Trouble:
    action = answer.action
    if "Lake Formation" in answer.message:
        said = without_account(answer.message.splitlines()[0])
        advice = "grant this in Lake Formation to the role that runs this: IAM alone does not allow it"
        return Trouble(f"AWS refuses {action}: {said}", advice)
    if action.startswith("kms:"):
        advice = f"allow {action} on the key that encrypts it, in the key's own policy too: planlake doctor"
        return Trouble(f"AWS refuses {action}", advice, action)
    if answer.is_bare:
        on = f" on {answer.where}" if answer.bucket else ""
        said = f"AWS refuses {action}{on}, or does not know these credentials"
        return Trouble(said, f"{KEYS}; or allow {action} for the role that runs this", action)
    return Trouble(f"AWS refuses {action}", f"allow {action} for the role that runs this: planlake doctor", action)


def _of_bucket(answer: _Answer) -> Trouble | None:
    """What is wrong with the bucket itself; None where it is something else."""
    code, where = answer.code, answer.where
    if code in NO_BUCKET or (code == "404" and answer.call == "HeadBucket"):
        return no_bucket(answer.bucket)
    if code in ELSEWHERE:
        ask = f": aws s3api get-bucket-location --bucket {answer.bucket}" if answer.bucket else ""
        said = f"{where} lies in another region than the one that is asked"
        return Trouble(said, f"set AWS_REGION, or s3.region in catalog.properties, to its region{ask}")
    if code == "400" and answer.is_bare:
        said = f"S3 refuses {answer.action} on {where} and does not say why (400): most often the keys have expired"
        return Trouble(said, f"{KEYS}; else look at the region")
    return None


def no_bucket(bucket: str) -> Trouble:
    """What is said of a bucket that is not there."""
    said = f"there is no bucket {bucket}" if bucket else "the bucket of the warehouse is not there"
    return Trouble(said, "look at warehouse in planlake.yaml: aws s3 ls shows the buckets that are there")


def without_account(text: str) -> str:
    """What AWS said, without account numbers."""
    return ACCOUNT.sub("ACCOUNT", text)


def action_of(call: str) -> str:
    """The action of IAM that a call needs."""
    if call in OF_S3 or call.endswith(("Object", "Bucket")):
        return f"s3:{OF_S3.get(call, call)}"
    return f"secretsmanager:{call}" if "Secret" in call else f"glue:{call}"
