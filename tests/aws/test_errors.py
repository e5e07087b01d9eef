"""What AWS says becomes a sentence with the next command: no region, no keys, refused, throttled, away."""

import json

import pytest

from commands import typed_in_process
from flow.ingest.served import COLUMNS
from planlake.lake.aws.errors import action_of, aws_trouble
from planlake.telemetry.reporter import reason_of


@pytest.fixture
def typed(monkeypatch, capfd):
    def said(*arguments):
        left = typed_in_process(monkeypatch, capfd, arguments)
        return left.status, left.out + left.err

    return said


@pytest.fixture
def configured(tmp_path):
    def written(**properties):
        file = tmp_path / "planlake.yaml"
        catalog = json.dumps({"type": "glue", "properties": properties})
        file.write_text(
            f"resources: {{things: {{columns: {{{COLUMNS}}}}}}}\ntables: {{daily: [things]}}\n"
            f'environments: {{aws: {{catalog: {catalog}, warehouse: "s3://lake/w/"}}}}\n'
        )
        return file

    return written


def refused(code, call, message=""):
    from botocore.exceptions import ClientError  # noqa: PLC0415

    return ClientError({"Error": {"Code": code, "Message": message}}, call)


CASES = [
    ("403", "GetTable", "AWS refuses glue:GetTable"),
    ("AccessDeniedException", "CreateDatabase", "AWS refuses glue:CreateDatabase"),
    ("AccessDenied", "HeadObject", "AWS refuses s3:GetObject, or does not know these credentials"),
    ("AccessDenied", "ListObjectsV2", "AWS refuses s3:ListBucket"),
    ("AccessDenied", "PutObject", "AWS refuses s3:PutObject"),
    ("AccessDeniedException", "GetSecretValue", "AWS refuses secretsmanager:GetSecretValue"),
    ("ExpiredToken", "GetObject", "the AWS credentials have expired"),
    ("UnrecognizedClientException", "GetTable", "AWS does not know these credentials"),
    ("ThrottlingException", "GetTables", "AWS is asked too often (glue:GetTables), also after pauses"),
    ("EntityNotFoundException", "GetTable", "AWS answers EntityNotFoundException to glue:GetTable: gone"),
]


@pytest.mark.parametrize(("code", "call", "said"), CASES)
def test_an_answer_of_aws_is_a_sentence_with_the_action(stand_ins, code, call, said):
    found = aws_trouble(refused(code, call, "gone" if "NotFound" in code else ""))
    assert found.said == said
    assert found.advice


def test_what_pyarrow_says_of_s3_and_what_lies_behind_another_error_is_read_too():
    error = OSError("When reading information for key 'x': AWS Error ACCESS_DENIED during GetObject operation: said")
    assert aws_trouble(error).said == "AWS refuses s3:GetObject"
    other = RuntimeError("a library's own")
    other.__cause__ = error
    assert aws_trouble(other).said == "AWS refuses s3:GetObject"
    assert aws_trouble(RuntimeError("nothing of AWS")) is None
    assert aws_trouble(OSError("No space left on device")) is None
    assert action_of("CompleteMultipartUpload") == "s3:PutObject"


def test_a_refusal_that_is_a_class_of_its_service_and_files_that_may_not_be_deleted_are_named(stand_ins):
    plain = refused("AccessDenied", "PutObject")
    of_service = type("AccessDenied", (type(plain),), {"__module__": "botocore.errorfactory"})
    assert aws_trouble(of_service(plain.response, "PutObject")).said == "AWS refuses s3:PutObject"
    many = OSError("Got the following 2 errors when deleting objects in S3 bucket 'lake':\n- key 'a': Access Denied\n")
    assert aws_trouble(many).said == "AWS refuses s3:DeleteObject"


def test_what_no_command_expects_of_aws_is_told_and_is_no_defect(stand_ins, configured, typed, monkeypatch):
    def refuse(*_):
        raise refused("403", "GetTable")

    monkeypatch.setattr("planlake.lake.open_lake.check_readable", refuse)
    status, said = typed("status", "--config", configured(**stand_ins.properties))
    assert status == 3
    assert "Error: AWS refuses glue:GetTable" in said


def test_without_a_region_the_way_to_name_one_is_told(stand_ins, configured, typed, monkeypatch, tmp_path):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    status, said = typed("tables", "--config", configured())
    assert status == 3
    assert "Error: no AWS region is named" in said
    assert "hint: set AWS_REGION" in said


def test_an_endpoint_that_does_not_answer_is_told(stand_ins, configured, typed):
    properties = {"glue.endpoint": "http://127.0.0.1:1", "s3.endpoint": "http://127.0.0.1:1"}
    status, said = typed("status", "--config", configured(**properties))
    assert status == 3
    assert "http://127.0.0.1:1/ does not answer" in said


def test_without_keys_the_way_to_them_is_told_and_no_key_is_shown(stand_ins, configured, typed, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    status, said = typed("status", "--config", configured(**stand_ins.properties))
    assert status == 3
    assert "no AWS credentials were found" in said


def test_what_ends_a_step_of_a_table_is_told_as_well_as_what_ends_a_run(stand_ins):
    assert (
        reason_of(refused("AccessDeniedException", "UpdateTable"), is_personal=True) == "AWS refuses glue:UpdateTable"
    )
    error = OSError("When testing for existence: AWS Error ACCESS_DENIED during PutObject operation: No response body.")
    assert reason_of(error, is_personal=True) == "AWS refuses s3:PutObject"
    assert reason_of(OSError("disk full"), is_personal=True) == "the lake cannot be written: disk full"


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_a_key_in_a_variable_that_no_header_can_hold_is_refused_and_not_shown(
    stand_ins, configured, typed, monkeypatch, name
):
    monkeypatch.setenv(name, "TokSecret99\nmore")
    status, said = typed("status", "--config", configured())
    assert status == 2
    assert f"Error: what is kept for {name} is neither a key nor a token" in said
    assert "TokSecret99" not in said
