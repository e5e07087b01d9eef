"""What Terraform makes of a planlake.yaml, without a provider and without an account; and what its files say."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import hcl2
import pytest

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "deploy/terraform"
PACKAGED = ROOT / ".venv-deploy/bin/python"  # with Terraform out of a package
YAML = """\
source: tascomi
api:
  base_url: https://council-planning.idoxcloud.com/rest/v1
  public_key: aws-secret:planlake/tascomi#public
  private_key: aws-secret:planlake/tascomi#private
tables:
  daily: [applications, contacts]
  weekly: [wards]
environments:
  production:
    catalog: {type: glue}
    warehouse: "s3://council-lake/planning/"
  pre-production:
    catalog: {type: glue}
    database_prefix: pre-
    warehouse: {raw: "s3://council-pre-raw/planning", refined: "s3://council-pre-refined/planning/"}
"""


@dataclass
class Terraform:
    """The module `derived`, in a folder of its own: `configuration` is written there, state and plans lie beside it."""

    program: list[str]
    folder: Path
    environment: str = "production"
    module: Path = MODULE / "derived"
    given: Mapping[str, object] = field(default_factory=lambda: {"account": "123456789012", "region": "eu-west-2"})

    def configured(self, text):
        (self.folder / "configuration").mkdir(exist_ok=True)
        (self.folder / "configuration/planlake.yaml").write_text(text, encoding="utf-8")
        return self

    def said(self, *arguments, **variables):
        """What Terraform says to a command about the module, with its status."""
        given = {"configuration": self.folder / "configuration", "environment": self.environment}
        given |= {**self.given, **variables}
        told = [
            f"-var={name}={value if isinstance(value, str | Path) else json.dumps(value)}"
            for name, value in given.items()
        ]
        where = told if arguments[0] in ("plan", "apply") else []
        command = [*self.program, f"-chdir={self.module}", *arguments, *where]
        own = {"TF_DATA_DIR": str(self.folder / "data"), "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"}
        return subprocess.run(command, env=os.environ | own, capture_output=True, text=True, timeout=60, check=False)

    def planned(self, **variables):
        """What is planned: outputs and resources."""
        plan = str(self.folder / "plan")
        told = self.said("plan", "-no-color", f"-state={self.folder / 'state'}", f"-out={plan}", **variables)
        assert told.returncode == 0, told.stderr
        return json.loads(self.said("show", "-json", plan).stdout)["planned_values"]

    def values(self, **variables):
        """What the module works out, by the names of its outputs."""
        return {name: one["value"] for name, one in self.planned(**variables)["outputs"].items()}

    def refusal(self, **variables):
        """What it says where it refuses, as one line."""
        told = self.said("plan", "-no-color", f"-state={self.folder / 'state'}", **variables)
        assert told.returncode == 1, told.stdout
        return " ".join(told.stderr.replace("│", " ").split())


@pytest.fixture(scope="session")
def program():
    """Terraform, as installed or out of a package; without it the tests are skipped, or fail where they must run."""
    if found := shutil.which("terraform"):
        return [found]
    if PACKAGED.is_file():
        return [str(PACKAGED), str(Path(__file__).with_name("terraform.py"))]
    said = "terraform is not installed: make .venv-deploy/done installs it"
    return (pytest.fail if os.environ.get("PLANLAKE_TEST_TERRAFORM") == "required" else pytest.skip)(said)


@pytest.fixture
def terraform(program, tmp_path):
    """Terraform with the configuration above."""
    return Terraform(program, tmp_path).configured(YAML)


def plain(value):
    """A value of a file of Terraform as it was written, without the quotes of texts and the parser's marks."""
    if isinstance(value, dict):
        return {key.strip('"'): plain(one) for key, one in value.items() if key[:2] != "__"}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value[1:-1] if isinstance(value, str) and value[:1] == value[-1:] == '"' else value


@pytest.fixture(scope="session")
def parsed():
    """Each kind of block of the module: `parsed["resource"]["aws_sns_topic.alarms"]`."""
    found = {"resource": {}, "data": {}, "variable": {}, "module": {}, "output": {}}
    for file in sorted(MODULE.glob("*.tf")):
        with file.open(encoding="utf-8") as stream:
            blocks = plain(hcl2.load(stream))
        for kind in ("resource", "data"):
            for one in blocks.get(kind, []):
                for type_, named in one.items():
                    found[kind] |= {f"{type_}.{name}": body for name, body in named.items()}
        for kind in ("variable", "module", "output"):
            for one in blocks.get(kind, []):
                found[kind] |= one
    return found
