"""The policy of docs/deploy/aws.md is enough for each command, and none of its actions is there for nothing."""

import json
import re
import sys
from datetime import datetime
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from aws.stand_ins import HERE, REGION, answers, free_ports, process
from commands import typed_in_process
from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, fill, served, settings_of
from planlake.engines import remote_contents
from planlake.lake.tables import commits
from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY

PAGE = Path(__file__).parents[2] / "docs/deploy/aws.md"
PLACES = {
    "ACCOUNT": "123456789012",  # moto's
    "REGION": REGION,
    "BUCKET": "lake",
    "FOLDER": "w",
    "SOURCE": "tascomi",
    "SECRET": "council/keys",
}
GROUPS = ("Read", "Run", "Housekeeping")
ALL = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]


def statements(group, without=""):
    """What the page gives to those of a group, but one action."""
    [text] = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for name, value in PLACES.items():
        text = text.replace(name, value)
    given = [one for one in json.loads(text)["Statement"] if one["Sid"].startswith(GROUPS[: GROUPS.index(group) + 1])]
    kept = [{**one, "Action": [action for action in one["Action"] if action != without]} for one in given]
    return [one for one in kept if one["Action"]]


def actions(group):
    own = [one for one in statements(group) if one["Sid"].startswith(group)]
    return [action for one in own for action in one["Action"]]


class Account:
    """An account in which IAM is enforced: `allow` gives its one user a policy, `asked` is what was called since."""

    def __init__(self, url, log):
        import boto3  # noqa: PLC0415

        self.url, self.log, self.iam = url, log, boto3.client("iam", endpoint_url=url, region_name=REGION)
        self.keys = {}
        for user in ("owner", "planlake"):
            self.iam.create_user(UserName=user)
            self.keys[user] = self.iam.create_access_key(UserName=user)["AccessKey"]
        self.iam.put_user_policy(UserName="owner", PolicyName="all", PolicyDocument=policy(ALL))
        where = {"LocationConstraint": REGION}
        boto3.client("s3", endpoint_url=url, region_name=REGION).create_bucket(
            Bucket="lake", CreateBucketConfiguration=where
        )
        secret = json.dumps({"public": PUBLIC_KEY, "private": PRIVATE_KEY})
        boto3.client("secretsmanager", endpoint_url=url, region_name=REGION).create_secret(
            Name="council/keys", SecretString=secret
        )
        self.iam = self.client_of("owner", "iam")
        plain = {"Content-Type": "text/plain"}
        urlopen(Request(f"{url}/moto-api/reset-auth", data=b"0", headers=plain)).read()

    def client_of(self, user, service):
        import boto3  # noqa: PLC0415

        key = self.keys[user]
        given = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **given)

    def allow(self, given):
        self.iam.put_user_policy(UserName="planlake", PolicyName="planlake", PolicyDocument=policy(given))


def policy(given):
    return json.dumps({"Version": "2012-10-17", "Statement": given})


@pytest.fixture(scope="module")
def account(stand_ins, tmp_path_factory):
    folder, (port,) = tmp_path_factory.mktemp("iam"), free_ports(1)
    log = folder / "asked"
    with process([sys.executable, str(HERE / "moto_server.py"), str(port), str(log)], folder / "moto.log"):
        answers(f"http://127.0.0.1:{port}/moto-api/", folder / "moto.log")
        yield Account(f"http://127.0.0.1:{port}", log)


@pytest.fixture
def lake(account, tmp_path, monkeypatch, capfd):
    """A command on a lake in that account, with what the API has; `odd` is held back on every day."""
    import boto3  # noqa: PLC0415

    key = account.keys["planlake"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", account.url)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it has the keys it began with
    data = served(["things", "odd"], page_size=50)
    fill(data, "things", 30)
    fill(data, "odd", 5, amount="no number")
    catalog = {
        "type": "glue",
        "properties": {"glue.endpoint": account.url, "s3.endpoint": account.url, "s3.region": REGION},
    }
    there = {"catalog": catalog, "warehouse": "s3://lake/w/"}
    places = json.dumps({"aws": there, "new": {**there, "database_prefix": "new-"}})
    with feeding(
        data, tmp_path, f"{settings_of(['things', 'odd'], uncastable_cells=0)}\nenvironments: {places}\n"
    ) as feed:
        file = tmp_path / "planlake.yaml"
        keys = 'api: {public_key: "aws-secret:council/keys#public", private_key: "aws-secret:council/keys#private", '
        file.write_text(file.read_text().replace("api: {", keys))
        feed.monkeypatch.chdir(tmp_path)
        feed.monkeypatch.setenv("PLANLAKE_NOW", DAY_1)

        def typed(*arguments):
            remote_contents._kept.clear()  # as of a process of its own
            return typed_in_process(monkeypatch, capfd, [*arguments, "--config", file])

        yield feed, typed


SQL = ("sql", "select count(*) as things from things")
COMMANDS = (  # on the second day
    *(("Read", one) for one in (SQL, ("status",), ("tables",), ("export", "--out", "things.duckdb"))),
    *(("Run", one) for one in (("run", "things"), ("reconcile", "things", "--deep"), ("doctor",))),
    *(("Run", one) for one in (("rollback", "--to", "last-good", "--yes"), ("maintain",))),
    *(("Run", one) for one in (("forget", "things", "7", "--yes"), ("env", "create", "try"))),
)
DROP = ("env", "drop", "try", "--yes")
NEEDED = {  # each action, and a command that does not do without
    "glue:GetDatabases": ("env", "list"),
    "glue:GetTable": SQL,
    "glue:GetTables": ("tables",),
    "s3:GetObject": SQL,
    "glue:GetDatabase": ("run", "--env", "new", "things"),
    "glue:CreateDatabase": ("run", "--env", "new", "things"),
    "glue:CreateTable": ("run", "--env", "new", "things"),
    "glue:UpdateTable": ("run", "odd"),
    "glue:DeleteTable": ("run", "odd"),
    "s3:PutObject": ("run", "odd"),
    "s3:DeleteObject": ("doctor",),
    "s3:ListBucket": ("run", "odd"),
    "secretsmanager:GetSecretValue": ("run", "odd", "--full"),
    "glue:UpdateDatabase": ("recover",),  # of what the run without glue:UpdateTable began
    "glue:DeleteDatabase": DROP,
}
TROUBLED = (("run",), ("status",), ("recover",))  # end with 1: a table is held back, a history was left out


def test_the_policy_is_enough_for_each_command_and_without_one_of_its_actions_that_one_is_named(account, lake):
    feed, typed = lake

    def passes(group, command):
        account.allow(statements(group))
        said = typed(*command)
        assert "AWS refuses" not in said.everything, (command, said)
        assert said.status == int(command in TROUBLED), (command, said)

    # As an older Planlake wrote them, files of refused commits could be another history: recover notes what they are.
    feed.monkeypatch.setattr(commits, "FOLLOWS", "planlake.none")
    passes("Run", ("run",))
    for name, cells in (("things", {"name": "changed"}), ("odd", {"amount": "no number either"})):
        fill(feed.data, name, 5, "2026-11-17 09:00:00", start=3, **cells)
    feed.data.move_to(datetime.fromisoformat(DAY_2))
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAY_2)
    for group, command in COMMANDS:
        passes(group, command)
    assert set(NEEDED) == {action for group in GROUPS for action in actions(group)}
    for group in GROUPS:
        for action in actions(group):
            account.allow(statements(group, without=action))
            said = typed(*NEEDED[action])
            assert said.status in (1, 2, 3), (action, said)
            assert f"AWS refuses {action}" in said.out + said.err, (action, said)
            assert PLACES["ACCOUNT"] not in said.everything
            if NEEDED[action] == ("doctor",):
                assert f'"Action": "{action}"' in said.everything
    for command in (DROP, ("recover",), ("maintain",)):
        passes("Housekeeping", command)
