"""docs/deploy/terraform.md and container.md show what is so, and deploy/Containerfile makes what they say."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.conftest import MODULE, ROOT
from planlake.config import load_config
from planlake.version import __version__

PAGE = (ROOT / "docs/deploy/terraform.md").read_text(encoding="utf-8")
FILE = (ROOT / "deploy/Containerfile").read_text(encoding="utf-8")
LINES = re.sub(r"\\\n\s*", "", FILE).splitlines()
PIN = re.compile(r"^([a-z0-9_.-]+)==(\S+)", re.MULTILINE)
PROGRAMS = Path(sys.executable).parent


def words(instruction):
    return [line.split(maxsplit=1)[1] for line in LINES if line.startswith(f"{instruction} ")]


def test_the_configuration_of_the_page_is_deployed_and_a_table_more_is_told_as_it_shows(terraform):
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    text = re.sub("^   ", "", block, flags=re.MULTILINE)
    terraform.configured(text)
    assert (
        load_config(terraform.folder / "configuration/planlake.yaml").environment("pre-production").database_prefix
        == "pre-"
    )
    state = f"-state={terraform.folder / 'state'}"
    applied = terraform.said("apply", "-auto-approve", "-no-color", state, schedule_per_table=True)
    assert applied.returncode == 0, applied.stderr
    terraform.configured(text.replace("contacts]", "contacts, fees]"))
    said = terraform.said("plan", "-no-color", state, schedule_per_table=True).stdout
    shown = re.sub(r'"[0-9a-f]{64}"', '"..."', said[said.index("Changes to Outputs") : said.index("\nYou can apply")])
    assert re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL) == [shown]


def test_each_number_and_name_of_the_page_is_that_of_the_module(parsed):
    variables = parsed["variable"]
    for name, value in re.findall(r"`(\w+)` \((\d+)\)", PAGE):
        assert variables[name]["default"] == int(value)
    assert {name for name in re.findall(r"`(\w+_\w+)(?: = .*?)?`", PAGE) if name in variables} >= {
        *("keep_old_versions_days", "manage_buckets", "manage_secrets", "schedule_per_table", "minutes_apart"),
        "keep_logs_days",
    }


def test_the_image_is_told_nothing_by_hadolint():
    hadolint = shutil.which("hadolint", path=os.pathsep.join([str(PROGRAMS), os.environ["PATH"]]))
    command = [hadolint, "--no-color", ROOT / "deploy/Containerfile"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (said.returncode, said.stdout) == (0, "")


def test_the_image_has_one_base_by_digest_and_packages_by_hash_of_the_versions_that_are_tested():
    bases = {base.split()[0] for base in words("FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", bases.pop())
    own, product, tested = (
        dict(PIN.findall((ROOT / name).read_text(encoding="utf-8")))
        for name in ("deploy/requirements.lock", "requirements.lock", "requirements-dev.lock")
    )
    assert tested.items() >= own.items() >= product.items()
    assert set(own) - set(product) == {"boto3", "botocore", "jmespath", "s3transfer"}
    assert "--require-hashes --only-binary :all: --requirement requirements.lock" in FILE
    for source in (part for line in words("COPY") if "--from" not in line for part in line.split()[:-1]):
        assert source == "${CONFIGURATION}" or (ROOT / source).exists()


def test_the_image_runs_as_the_task_does_without_rights_and_with_one_folder_to_write(parsed):
    task = str(parsed["resource"]["aws_ecs_task_definition.run"]["container_definitions"])
    [user], [volume] = words("USER"), words("VOLUME")
    [folder] = json.loads(volume)
    assert (user, folder) == ("10001:10001", "/work")
    assert re.search(rf'user\s*=\s*"{user}"', task)
    assert re.search(rf'containerPath\s*=\s*"{folder}"', task)
    assert re.search(r"readonlyRootFilesystem\s*=\s*true", task)
    assert {f"HOME={folder}", f"TMPDIR={folder}"} <= {*words("ENV")[0].split()}
    assert LINES.index(f"USER {user}") > max(number for number, line in enumerate(LINES) if line.startswith("RUN "))
    assert json.loads(words("ENTRYPOINT")[0]) == ["planlake"]


def test_the_labels_are_checked_against_what_is_in_the_image():
    said = subprocess.run(
        [PROGRAMS / "planlake", "--version"], capture_output=True, text=True, timeout=60, check=True
    ).stdout.strip()
    [check] = [line for line in words("RUN") if "planlake --version" in line]
    assert f'"{said}"' == '"planlake ${VERSION}"'.replace("${VERSION}", __version__)
    assert 'test "$(planlake --version)" = "planlake ${VERSION}"' in check
    assert 'test "$(configuration-hash /etc/planlake)" = "${CONFIGURATION_SHA256}"' in check
    [labels] = words("LABEL")
    assert 'org.opencontainers.image.version="${VERSION}"' in labels
    assert 'planlake.configuration.sha256="${CONFIGURATION_SHA256}"' in labels


def test_no_key_that_lies_beside_the_configuration_goes_into_the_image():
    assert {"**/*.env", "**/*.key", "**/*.pem"} <= {
        *(ROOT / "deploy/Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    }
    assert (MODULE / ".checkov.yaml").is_file()
