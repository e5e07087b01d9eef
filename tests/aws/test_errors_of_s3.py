"""What S3 and Glue say where they say little: numbers alone to HEAD, a page in place of an answer."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pyarrow.fs
import pytest

from planlake.errors import LakeError
from planlake.lake.aws.clients import client
from planlake.lake.aws.errors import aws_trouble
from planlake.lake.aws.lease_place import LeasePlace
from planlake.lake.lake import Lake, clear_errors
from planlake.lake.rest_errors import rest_trouble
from planlake.lake.state.lease import time_of

SAID = "<Error><Code>{}</Code><Message>{}</Message></Error>"
IN_REGION = {"x-amz-bucket-region": "us-east-1"}
ANOTHER_REGION = "lies in another region than the one that is asked"
NO_TEXT = [  # to HEAD
    (400, "and does not say why (400): most often the keys have expired"),
    (301, ANOTHER_REGION),
    (403, ", or does not know these credentials"),
    (503, "AWS cannot answer s3:{} now (503), also after pauses"),
]
WITH_TEXT = [
    (400, "ExpiredToken", "m", "the AWS credentials have expired"),
    (301, "PermanentRedirect", "m", "the bucket lake lies in another region than the one that is asked"),
    (404, "NoSuchBucket", "m", "there is no bucket lake"),
    (403, "InvalidAccessKeyId", "m", "AWS does not know these credentials"),
    (403, "RequestTimeTooSkewed", "m", "the clock of this machine is off: AWS refuses what is 15 minutes off"),
    (403, "AccessDenied", "x is not authorized to perform: kms:Decrypt on y", "AWS refuses kms:Decrypt"),
    (
        400,
        "KeyIsOff",
        "arn:aws:kms:eu-west-2:111122223333:key/1",
        "AWS answers KeyIsOff to s3:ListBucket: arn:aws:kms:eu-w",
    ),
]


@contextmanager
def answering(status, body="", **headers):
    """A server that answers whatever it is asked with the same."""

    class Same(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body.encode()))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

        do_GET = do_PUT = do_POST = do_HEAD = answer  # noqa: N815 - names of the library

    server = ThreadingHTTPServer(("127.0.0.1", 0), Same)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def files(url):
    once = pyarrow.fs.AwsStandardS3RetryStrategy(max_attempts=1)
    given = {"access_key": "a", "secret_key": "b", "region": "eu-west-2", "scheme": "http", "retry_strategy": once}
    return pyarrow.fs.S3FileSystem(endpoint_override=url.removeprefix("http://"), **given)


def told(ask):
    with pytest.raises((OSError, RecursionError, Exception)) as raised:
        ask()
    return aws_trouble(raised.value)


@pytest.mark.parametrize(("status", "said"), NO_TEXT)
def test_a_number_alone_is_a_sentence_with_the_bucket(stand_ins, status, said):
    with answering(status) as url:
        of_file = told(lambda: files(url).open_input_file("lake/a/b"))
        of_lease = told(lambda: time_of(LeasePlace("lake", "leases/x", {"s3.endpoint": url})))
    assert said.format("GetObject") in of_file.said
    assert said.format("ListBucket") in of_lease.said
    if status != 503:
        assert "the bucket lake" in of_file.said
    for found in (of_file, of_lease):
        assert found.advice
        assert "HTTP status" not in found.said


def test_a_bucket_that_is_gone_or_elsewhere_is_named_to_who_asks_for_the_lease(stand_ins):
    with answering(404) as url:
        assert told(lambda: time_of(LeasePlace("lake", "x", {"s3.endpoint": url}))).said == "there is no bucket lake"
    with answering(301, **IN_REGION) as url:
        found = told(lambda: time_of(LeasePlace("lake", "x", {"s3.endpoint": url})))
    assert found.said == f"the bucket lake {ANOTHER_REGION}"
    assert found.advice.endswith("aws s3api get-bucket-location --bucket lake")


@pytest.mark.parametrize(("status", "code", "message", "said"), WITH_TEXT)
def test_the_code_and_the_action_are_taken_from_the_text_and_no_account_is_shown(
    stand_ins, status, code, message, said
):
    with answering(status, SAID.format(code, message)) as url:
        found = told(lambda: files(url).get_file_info(pyarrow.fs.FileSelector("lake/a")))
    assert found.said.startswith(said)
    assert "111122223333" not in found.said


def test_lake_formation_and_a_key_have_advice_of_their_own():
    from botocore.exceptions import ClientError  # noqa: PLC0415

    def refusal(message):
        return aws_trouble(ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, "GetTable"))

    found = refusal("Insufficient Lake Formation permission(s): Required Describe on things, 111122223333")
    assert found.said == (
        "AWS refuses glue:GetTable: Insufficient Lake Formation permission(s): Required Describe on things, ACCOUNT"
    )
    assert "Lake Formation" in found.advice
    of_key = refusal("User: x is not authorized to perform: kms:GenerateDataKey on resource: y")
    assert (of_key.said, of_key.refused) == ("AWS refuses kms:GenerateDataKey", "kms:GenerateDataKey")
    assert "the key's own policy" in of_key.advice


def test_an_account_is_not_shown_of_what_a_rest_catalogue_says():
    from pyiceberg.exceptions import ForbiddenError  # noqa: PLC0415

    found = rest_trouble(ForbiddenError("arn:aws:s3tables:eu-west-2:111122223333:bucket/x"))
    assert found.said == "the catalogue refuses: arn:aws:s3tables:eu-west-2:ACCOUNT:bucket/x"


def test_a_page_in_place_of_glues_answer_is_told(stand_ins):
    with answering(200, "<html>sign in</html>") as url, clear_errors(), pytest.raises(LakeError) as raised:
        client("glue", {"glue.endpoint": url}).get_databases()
    assert raised.value.lines()[0] == "Error: what answers is not Glue: perhaps a proxy, or its page for signing in"


def test_a_file_in_a_bucket_that_is_gone_is_no_matter_for_recover(stand_ins, bucket):
    def gone(_):
        raise FileNotFoundError

    catalog = SimpleNamespace(properties=stand_ins.properties, load_table=gone)
    for name, said in (
        ("none", "there is no bucket none"),
        (bucket, "the catalogue names a metadata file that is not"),
    ):
        with pytest.raises(LakeError) as raised:
            Lake(catalog, "source", "", {"raw": f"s3://{name}/w"}).find("raw", "api_requests")
        assert str(raised.value).startswith(said)
