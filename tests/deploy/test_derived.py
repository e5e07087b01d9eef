"""What is deployed follows from planlake.yaml alone: schedules, alarms, tags, databases, secrets and rights."""

import json
import re
import subprocess
from fnmatch import fnmatchcase

import pytest

from deploy.conftest import MODULE, ROOT, YAML
from planlake.lake.lake import ZONES

ONE_MORE = YAML.replace("contacts]", "contacts, fees]")


def granted(values, name):
    return json.loads(values["policies"][name])["Statement"]


def actions(values, name):
    return {action for one in granted(values, name) for action in one["Action"]}


def resources(values, name):
    return [resource for one in granted(values, name) for resource in one["Resource"]]


def of_source(group):
    """The statements of the policy that the AWS tests hold against the calls of the code, for a group."""
    given = json.loads((MODULE / "derived/policy.json").read_text(encoding="utf-8"))["Statement"]
    return {action for one in given if one["Sid"].startswith(group) for action in one["Action"]}


def test_a_table_that_is_added_brings_its_schedule_and_its_tags_and_changes_no_other(terraform):
    before = terraform.values(schedule_per_table=True)
    after = terraform.configured(ONE_MORE).values(schedule_per_table=True)
    added = {"fees": after["schedules"].pop("fees")}
    assert added["fees"] == {
        "cadence": "daily",
        "tables": ["fees"],
        "command": ["run", "fees", "--cadence", "daily"],
        "cron": "cron(10 3 * * ? *)",
        "missing_after_hours": 27,
        "tags": {"planlake:cadence": "daily", "planlake:table": "fees"},
    }
    assert before.pop("configuration_sha256") != after.pop("configuration_sha256")
    assert before == after


def test_by_cadence_a_table_that_is_added_joins_those_of_its_schedule(terraform):
    before = terraform.values()["schedules"]
    after = terraform.configured(ONE_MORE).values()["schedules"]
    assert after["daily"].pop("tables") == [*before["daily"].pop("tables"), "fees"]
    assert before == after
    assert {name: (one["command"], one["cron"], one["missing_after_hours"]) for name, one in after.items()} == {
        "daily": (["run", "--cadence", "daily"], "cron(0 3 * * ? *)", 27),
        "weekly": (["run", "--cadence", "weekly"], "cron(0 5 ? * SUN,MON *)", 147),
    }


def test_runs_go_out_to_the_ports_that_the_configuration_names_and_to_no_other(terraform):
    assert terraform.values()["ports"] == ["443"]
    mail = "notify: {email: {to: [a@council.example], sender: b@council.example, server: 'mail.council.example:587'}}"
    elsewhere = YAML.replace("idoxcloud.com/rest", "idoxcloud.com:8443/rest")
    assert terraform.configured(f"{elsewhere}{mail}\n").values()["ports"] == ["443", "587", "8443"]


def test_a_cadence_without_tables_has_no_schedule(terraform):
    values = terraform.configured(YAML.replace("  weekly: [wards]\n", "  weekly:\n")).values()
    assert set(values["schedules"]) == {"daily"}


@pytest.mark.parametrize("group", ["run", "housekeeping", "read"])
def test_each_role_has_the_actions_that_its_commands_need_and_no_other(terraform, group):
    groups = {"run": ("Read", "Run"), "housekeeping": ("Read", "Run", "Housekeeping"), "read": ("Read",)}[group]
    assert actions(terraform.values(), group) == of_source(groups)


def test_what_is_configured_beside_the_lake_brings_its_own_action_and_nothing_else_does(terraform):
    plain = actions(terraform.values(), "run")
    topic = "arn:aws:sns:eu-west-2:123456789012:planning"
    telling = terraform.configured(f"{YAML}notify: {{sns: '{topic}'}}\n").values()
    assert actions(telling, "run") - plain == {"sns:Publish"}
    assert [one["Resource"] for one in granted(telling, "run") if one["Sid"] == "RunTelling"] == [[topic]]
    key = "arn:aws:kms:eu-west-2:123456789012:key/1"
    encrypted = terraform.configured(YAML).values(kms_key_arn=key)
    assert actions(encrypted, "run") - plain == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert "kms:GenerateDataKey" not in actions(encrypted, "read")
    without = YAML.replace("aws-secret:planlake/tascomi#public", "${PUBLIC}")
    without = without.replace("aws-secret:planlake/tascomi#private", "file:/run/key")
    bare = terraform.configured(without).values()
    assert (plain - actions(bare, "run"), bare["secrets"]) == ({"secretsmanager:GetSecretValue"}, [])


def test_rights_end_at_the_environment_and_a_readers_at_the_zone(terraform):
    ours = {"production": {}, "pre-production": {}}
    for environment, prefix in (("production", ""), ("pre-production", "pre-")):
        terraform.environment = environment
        values = terraform.values()
        databases = [f"{prefix}tascomi-{ending}" for ending in ZONES.values()]
        assert sorted(values["databases"]) == sorted(databases)
        names = [*databases, *(f"preview-DPP-426--{name}" for name in databases)]
        ours[environment] = {"values": values, "names": names}
    for environment, own in ours.items():
        for group in ("run", "housekeeping", "read"):
            patterns = [one for one in resources(own["values"], group) if ":table/" in one]
            for other, theirs in ours.items():
                for name in theirs["names"]:
                    table = f"arn:aws:glue:eu-west-2:123456789012:table/{name}/fees"
                    assert any(fnmatchcase(table, one) for one in patterns) == (other == environment), (group, name)
        reading = [one for one in resources(own["values"], "read-refined") if "*" in one and "database/*" not in one]
        assert reading
        assert all("tascomi-refined-zone/*" in one for one in reading)
    files = {one for one in resources(ours["production"]["values"], "run") if ":s3:" in one}
    assert files == {"arn:aws:s3:::council-lake", "arn:aws:s3:::council-lake/planning/*"}


def test_secrets_are_known_by_name_and_buckets_by_their_folders(terraform):
    both = terraform.values()
    assert (both["secrets"], both["buckets"]) == (["planlake/tascomi"], {"council-lake": ["planning/"]})
    terraform.environment = "pre-production"
    told = f"{YAML}notify: {{slack: 'aws-secret:planlake/slack', email: {{to: [a@b.example], sender: a@b.example, "
    told += "server: 'b.example:587', user: a, password: 'aws-secret:planlake/mail#password'}}\n"
    values = terraform.configured(told).values()
    assert values["secrets"] == ["planlake/mail", "planlake/slack", "planlake/tascomi"]
    assert values["buckets"] == {"council-pre-raw": ["planning/"], "council-pre-refined": ["planning/"]}
    assert values["databases"]["pre-tascomi-raw-zone"] == "s3://council-pre-raw/planning/pre-tascomi-raw-zone"


def test_what_cannot_be_deployed_is_refused_in_a_sentence(terraform):
    assert "An hour is a whole number from 0 to 23, and not 1" in terraform.refusal(hours={"daily": 1})
    late = terraform.refusal(schedule_per_table=True, hours={"daily": 23}, minutes_apart=60)
    assert "Runs would begin after midnight, or from 01:00 to 01:59" in late
    assert "Runs would begin" in terraform.refusal(schedule_per_table=True, hours={"daily": 0}, minutes_apart=60)
    local = terraform.configured(YAML.replace("catalog: {type: glue}", "catalog: {type: sql}"))
    assert "production of planlake.yaml needs catalog: {type: glue} and a warehouse on S3" in local.refusal()
    empty = re.sub(r"tables:\n.*?\n.*?\n", "tables: {}\n", YAML)
    assert (
        "No table is configured, so there is nothing to run: planlake add TABLE."
        in terraform.configured(empty).refusal()
    )


def test_the_image_is_called_by_the_hash_that_its_build_works_out(terraform):
    folder = terraform.folder / "configuration"
    (folder / "models/of ours").mkdir(parents=True)
    for name, text in (("models/of ours/Ünder.sql", "select 1"), ("models/b.sql", "select 2"), (".hidden", "")):
        (folder / name).write_text(text, encoding="utf-8")
    program = ROOT / "deploy/configuration-hash"
    said = subprocess.run(["sh", program, folder], capture_output=True, text=True, timeout=20, check=True).stdout
    assert said.strip() == terraform.values()["configuration_sha256"]


def test_the_policy_of_the_page_is_the_one_that_is_deployed():
    page = (ROOT / "docs/deploy/aws.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert shown == (MODULE / "derived/policy.json").read_text(encoding="utf-8")


def test_files_are_formatted_and_the_part_without_a_provider_is_valid(terraform):
    formatted = terraform.said("fmt", "-check", "-recursive", "..")
    assert (formatted.returncode, formatted.stdout) == (0, "")
    assert terraform.said("validate", "-no-color").returncode == 0
