"""The resources of deploy/terraform: what the provider takes, what follows the tables, and what each role may do."""

import json
import re

import hcl2
import pytest

from deploy.conftest import MODULE, ROOT, plain

PROVIDER = json.loads(
    (ROOT / "tests/deploy/provider.json").read_text(encoding="utf-8")
)  # scripts/build_provider_schema.py
OF_TERRAFORM = {"count", "depends_on", "for_each", "lifecycle", "provider"}
REFERENCE = re.compile(r"\b(data\.)?(aws_[a-z0-9_]+)\.([a-z_]+)((?:\[[^\]]*\])?)\.([a-z_]+)")
# What AWS asks of the roles that begin a run, fetch its image and write its log: none of it is Planlake's own.
OF_ROLES = {
    "start": {
        "ecr:GetAuthorizationToken",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    },
    "schedule": {"ecs:RunTask", "ecs:TagResource", "iam:PassRole"},
    "spark": {"s3:GetObject", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"},
    "ends": {"logs:CreateLogStream", "logs:PutLogEvents"},
    "alarms": {"sns:Publish"},
    "assumed": {"sts:AssumeRole"},
}


def faults(body, takes, where):
    """What of a block the provider does not take, and what it misses."""
    given = {name: value for name, value in body.items() if name not in OF_TERRAFORM | {"dynamic"}}
    for one in body.get("dynamic", []):
        for name, content in one.items():
            given[name] = [*given.get(name, []), *content["content"]]
    yield from (f"{where} has no {name}" for name in given if name not in takes)
    yield from (f"{where} lacks {name}" for name, one in takes.items() if one["required"] and name not in given)
    for name, value in given.items():
        inner = takes.get(name, {}).get("block")
        for block in value if inner is not None and isinstance(value, list) else []:
            yield from faults(block, inner, f"{where}.{name}")


@pytest.mark.parametrize("kind", ["resource", "data"])
def test_each_block_has_what_the_provider_takes_and_all_that_it_must_have(parsed, kind):
    assert parsed[kind]
    for name, body in parsed[kind].items():
        assert list(faults(body, PROVIDER[kind][name.partition(".")[0]]["arguments"], name)) == []


def test_who_begins_a_run_may_read_what_is_encrypted_with_a_key_of_ones_own(parsed):
    assert "var.kms_key_arn" in str(parsed["resource"]["aws_scheduler_schedule.run"]["kms_key_arn"])
    (key,) = plain(parsed["data"]["aws_iam_policy_document.schedule"]["dynamic"])
    assert "var.kms_key_arn" in key["statement"]["for_each"]
    assert key["statement"]["content"][0]["actions"] == ["kms:Decrypt"]


def test_an_argument_that_there_is_not_is_noticed(parsed):
    takes = PROVIDER["resource"]["aws_scheduler_schedule"]["arguments"]
    body = dict(parsed["resource"]["aws_scheduler_schedule.run"])
    target = {**body["target"][0], "retries": 3}
    del target["role_arn"]
    assert sorted(faults({**body, "target": [target], "zone": "UTC"}, takes, "a")) == [
        "a has no zone",
        "a.target has no retries",
        "a.target lacks role_arn",
    ]


def test_each_reference_is_to_what_is_there(parsed):
    found = set()
    for file in MODULE.glob("*.tf"):
        for data, type_, name, _, attribute in REFERENCE.findall(file.read_text(encoding="utf-8")):
            kind = "data" if data else "resource"
            assert f"{type_}.{name}" in parsed[kind], (file.name, type_, name)
            known = PROVIDER[kind][type_]
            assert attribute in {*known["attributes"], *known["arguments"], "id"}, (file.name, type_, attribute)
            found.add(attribute)
    assert {"arn", "repository_url", "json"} <= found


def test_each_variable_is_used_and_each_that_is_used_is_there(parsed):
    used = {
        name for file in MODULE.glob("*.tf") for name in re.findall(r"\bvar\.(\w+)", file.read_text(encoding="utf-8"))
    }
    assert used == set(parsed["variable"])


def test_schedules_alarms_and_tags_follow_the_tables_without_a_name_of_one(parsed):
    schedules = "${module.derived.schedules}"
    schedule = parsed["resource"]["aws_scheduler_schedule.run"]
    alarm = parsed["resource"]["aws_cloudwatch_metric_alarm.missing"]
    ran = parsed["resource"]["aws_cloudwatch_event_rule.ran"]
    assert [one["for_each"] for one in (schedule, alarm, ran)] == [schedules] * 3
    [target] = schedule["target"]
    [task] = target["ecs_parameters"]
    tags = "${merge(local.tags, each.value.tags)}"
    assert [one["tags"] for one in (task, alarm, ran)] == [tags] * 3
    assert "each.value.command" in target["input"]
    assert (schedule["schedule_expression"], schedule["schedule_expression_timezone"]) == (
        "${each.value.cron}",
        "Europe/London",
    )
    group = "${local.name}:${each.key}"  # by which the rules know whose run ended
    assert task["group"] == group
    assert group in str(ran["event_pattern"])
    assert (alarm["treat_missing_data"], alarm["evaluation_periods"], alarm["period"]) == (
        "breaching",
        "${each.value.missing_after_hours}",
        3600,
    )
    text = "\n".join(file.read_text(encoding="utf-8") for file in MODULE.rglob("*.tf"))
    assert not re.search(r"\b(applications|contacts|wards|appeals)\b", text)


def test_each_role_may_do_what_it_has_to_and_nothing_more(parsed):
    documents = {
        name.partition(".")[2]: body
        for name, body in parsed["data"].items()
        if name.startswith("aws_iam_policy_document.")
    }
    assert {
        name: {action for one in body["statement"] for action in plain_list(one["actions"])}
        for name, body in documents.items()
    } == OF_ROLES
    everywhere = [
        statement["sid"]
        for body in documents.values()
        for statement in body["statement"]
        if "*" in plain_list(statement.get("resources", []))
    ]
    assert everywhere == ["SignIn"]
    lake = parsed["resource"]["aws_iam_policy.lake"]
    assert (lake["for_each"], lake["policy"]) == ("${module.derived.policies}", "${each.value}")
    given = {name: body["policy_arn"] for name, body in parsed["resource"].items() if "policy_attachment" in name}
    assert set(given.values()) == {'${aws_iam_policy.lake["run"].arn}'}


def plain_list(value):
    return [str(one).strip('"') for one in value]


def test_no_value_of_a_secret_is_in_terraform_and_no_data_is_destroyed_by_it(parsed):
    assert not [name for name in parsed["resource"] if name.startswith("aws_secretsmanager_secret_version")]
    assert "secret_string" not in str(parsed)
    kept = [name for name, body in parsed["resource"].items() if "prevent_destroy" in str(body.get("lifecycle"))]
    assert sorted(kept) == ["aws_glue_catalog_database.zone", "aws_s3_bucket.lake"]


def test_both_environments_are_the_same_module_with_values_of_their_own(parsed):
    places = {}
    for folder in ("production", "pre-production"):
        with (MODULE / "environments" / folder / "main.tf").open(encoding="utf-8") as stream:
            blocks = plain(hcl2.load(stream))
        [module] = [one["planlake"] for one in blocks["module"]]
        assert (module["source"], module["environment"]) == ("../..", folder)
        required = {name for name, body in parsed["variable"].items() if "default" not in body}
        assert required <= set(module)
        assert set(module) <= {*parsed["variable"], "source"}
        [backend] = [one["s3"] for terraform in blocks["terraform"] for one in terraform["backend"]]
        places[folder] = backend["key"]
    assert len(set(places.values())) == 2
