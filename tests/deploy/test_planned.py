"""Every expression of deploy/terraform, worked out by Terraform itself: a table more is a schedule and an alarm more.

The provider is not to be had, so each resource becomes one that Terraform brings along, `terraform_data`, with the same
arguments. What AWS would hand out, such as an ARN, is the resource's own name; blocks that are `dynamic` are left out.
"""

import json
import re
import shutil

import pytest

from deploy.conftest import MODULE, YAML, Terraform
from planlake.sources.catalogue import load_catalogue

HANDED_OUT = re.compile(r"(?<![\w.\"])(?:data\.)?(aws_\w+)\.(\w+)(?:\[[^\]]*\])?\.(\w+)")
WHOLE = re.compile(r"(?<![\w.\"])(aws_\w+\.\w+)(?![\w.\[])")
KNOWN = {"aws_caller_identity.current.account_id": "123456789012", "aws_region.current.region": "eu-west-2"}
LEFT_OUT = ("dynamic", "lifecycle", "depends_on")
GIVEN = {"environment": "production", "planlake_version": "0.1.0", "vpc": "vpc-1", "subnets": ["subnet-1"]}


def inner(expression):
    return re.sub(r"^\$\{(.*)\}$", r"\1", str(expression), flags=re.DOTALL)


def without_aws(text, resources):
    """A text of Terraform's in which nothing is asked of AWS."""

    def many(found):
        body = resources[found[1]]
        if "count" in body:
            return f"range({inner(body['count'])})"
        each = without_aws(inner(body["for_each"]), resources)
        return f"{{ for key, value in {each} : key => {{ id = key, arn = key, name = key }} }}"

    def one(found):
        name = ".".join(found.groups())
        return f'"{KNOWN.get(name, name)}"'

    return WHOLE.sub(many, HANDED_OUT.sub(one, text))


def as_data(body, resources):
    """A resource as one of Terraform's own, with what it is given as its input."""

    def changed(value):
        if isinstance(value, dict):
            return {key: changed(one) for key, one in value.items() if key not in LEFT_OUT}
        if isinstance(value, list):
            return [changed(one) for one in value]
        return without_aws(value, resources) if isinstance(value, str) else value

    whole = changed(body)
    return {name: whole.pop(name) for name in ("count", "for_each") if name in whole} | {"input": whole}


@pytest.fixture
def planned(program, parsed, tmp_path):
    """What is planned for a configuration: each instance of each resource, by its address."""
    root = tmp_path / "root"
    shutil.copytree(MODULE / "derived", root / "derived")
    shutil.copy(MODULE / "variables.tf", root)
    for name in ("main.tf", "outputs.tf"):
        text = re.sub(
            r'^data "aws_\w+" "\w+" \{\}\n', "", (MODULE / name).read_text(encoding="utf-8"), flags=re.MULTILINE
        )
        (root / name).write_text(without_aws(text, parsed["resource"]), encoding="utf-8")
    own = {
        name.replace(".", "-"): as_data(body, parsed["resource"])
        for kind in ("data", "resource")
        for name, body in parsed[kind].items()
        if body.keys() - {"for_each"}
    }
    (root / "resources.tf.json").write_text(json.dumps({"resource": {"terraform_data": own}}), encoding="utf-8")
    terraform = Terraform(program, tmp_path, module=root, given=GIVEN)
    begun = terraform.said("init", "-no-color")
    assert begun.returncode == 0, begun.stderr

    def plan(text, **variables):
        shown = terraform.configured(text).planned(**variables)
        return {
            one["address"].removeprefix("terraform_data."): one["values"]["input"]
            for one in shown["root_module"].get("resources", [])
        }

    return plan


def test_a_table_more_is_a_schedule_an_alarm_and_its_rule_more_and_nothing_else_but_the_image(planned):
    before = planned(YAML, schedule_per_table=True)
    after = planned(YAML.replace("contacts]", "contacts, fees]"), schedule_per_table=True)
    kinds = ("scheduler_schedule-run", "cloudwatch_event_rule-ran", "cloudwatch_event_target-ran")
    alarm = 'aws_cloudwatch_metric_alarm-missing["fees"]'
    assert set(after) - set(before) == {alarm, *(f'aws_{kind}["fees"]' for kind in kinds)}
    assert {name for name in before if before[name] != after[name]} == {"aws_ecs_task_definition-run"}
    schedule = after['aws_scheduler_schedule-run["fees"]']
    [target] = schedule["target"]
    [task] = target["ecs_parameters"]
    assert json.loads(target["input"]) == {
        "containerOverrides": [{"name": "planlake", "command": ["run", "fees", "--cadence", "daily"]}]
    }
    assert (
        task["tags"]
        == after[alarm]["tags"]
        == {
            "planlake:environment": "production",
            "planlake:cadence": "daily",
            "planlake:table": "fees",
        }
    )
    pattern = json.loads(after['aws_cloudwatch_event_rule-ran["fees"]']["event_pattern"])
    assert (pattern["detail"]["group"], task["group"]) == (["planlake-production:fees"], "planlake-production:fees")
    images = [
        json.loads(one["aws_ecs_task_definition-run"]["container_definitions"])[0]["image"] for one in (before, after)
    ]
    assert len({*images}) == 2
    assert all(
        re.fullmatch(r"aws_ecr_repository\.planlake\.repository_url:0\.1\.0-[0-9a-f]{12}", one) for one in images
    )


LONGEST = {  # that AWS takes, as its documentation says
    ("aws_iam_role", "name"): 64,
    ("aws_iam_role", "description"): 1000,
    ("aws_iam_policy", "policy"): 6144,
    ("aws_cloudwatch_event_rule", "name"): 64,
    ("aws_cloudwatch_event_rule", "event_pattern"): 2048,
    ("aws_scheduler_schedule", "name"): 64,
    ("aws_scheduler_schedule", "description"): 512,
    ("aws_cloudwatch_metric_alarm", "alarm_name"): 255,
    ("aws_cloudwatch_metric_alarm", "alarm_description"): 1024,
}


def test_nothing_is_longer_than_aws_takes_it_with_every_table_that_there_is(planned):
    every = sorted(load_catalogue("tascomi").resources)
    assert len(every) > 70
    text = YAML.replace("contacts]", ", ".join(["contacts", *(name for name in every if name != "contacts")]) + "]")
    text = re.sub("  weekly: .*", "  weekly: []", text).replace("daily: [applications, ", "daily: [")
    seen = set()
    for split in (False, True):
        for address, values in planned(text, environment="pre-production", schedule_per_table=split).items():
            kind = address.partition("-")[0]
            for name, limit in ((name, limit) for (of, name), limit in LONGEST.items() if of == kind):
                assert len(values[name]) <= limit, (address, name)
                seen.add((kind, name))
            if kind == "aws_cloudwatch_metric_alarm":
                assert values["period"] * values["evaluation_periods"] <= 7 * 86_400
    assert seen == set(LONGEST)


def test_each_option_can_be_worked_out(planned):
    found = planned(
        YAML,
        spark={"folder": "s3://council-code/planlake", "wheel": "planlake-0.1.0-py3-none-any.whl"},
        alarm_emails=["data@council.example"],
        kms_key_arn="arn:aws:kms:eu-west-2:123456789012:key/1",
    )
    assert found["aws_glue_job-spark[0]"]["default_arguments"]["--env"] == "production"
    assert 'aws_sns_topic_subscription-email["data@council.example"]' in found
    alarm = found['aws_cloudwatch_metric_alarm-missing["weekly"]']
    assert alarm["alarm_description"] == "No run of weekly ended in 147 hours. Tables: wards"
    assert alarm["period"] * alarm["evaluation_periods"] <= 7 * 86_400
    kept = planned(YAML, manage_buckets=False, manage_secrets=False)
    assert not [address for address in kept if address.startswith(("aws_s3_bucket", "aws_secretsmanager"))]
