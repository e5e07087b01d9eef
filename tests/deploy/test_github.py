"""The workflow for GitHub: its steps, carried out by bash against the simulator, from a branch to a promotion."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cli.conftest import FIRST, SECOND, small_council
from commands import environment
from conftest import feeding
from planlake.report.query import open_views
from querying import answer

WORKFLOW = Path(__file__).parents[2] / "deploy/github/planlake.yml"
SETTINGS = """tables:
  daily: [fees]
environments:
  prod: {protected: true}
"""
BRANCH = "DPP-426/add a table"


@pytest.fixture(scope="module")
def workflow():
    return YAML(typ="safe").load(WORKFLOW)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A folder with a planlake.yaml and a lake, the API beside it, and programs for what is not here."""
    folder = tmp_path_factory.mktemp("repository")
    with feeding(small_council(), folder, SETTINGS) as feed:
        assert feed.run_at(FIRST).exit_code == 0
        (folder / "bin").mkdir()
        for name, script in (("pip", "exit 0"), ("gh", f'echo "$*" >> {folder}/gh.txt; cp "$7" {folder}/comment.md')):
            (folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            (folder / "bin" / name).chmod(0o755)
        yield feed


def carry_out(workflow, feed, job, merged=True):
    """The steps of a job as GitHub does: after one that fails only those that are always done. Which failed."""
    given = {**workflow["env"], "BRANCH": BRANCH, "GITHUB_REPOSITORY": "council/lake", "NUMBER": "7"}
    keys = {name: os.environ[name] for name in ("TASCOMI_PUBLIC_KEY", "TASCOMI_PRIVATE_KEY")}
    variables = environment(**{**given, **keys, "PLANLAKE_NOW": SECOND})
    variables["PATH"] = f"{feed.config.folder}/bin:{variables['PATH']}"
    failed, said = [], ""
    for step in workflow["jobs"][job]["steps"]:
        condition = step.get("if", "success()")
        is_done = {"always()": True, "success()": not failed}.get(condition, merged and not failed)
        if "run" in step and is_done:
            done = subprocess.run(
                ["bash", "-e", "-c", step["run"]],
                cwd=feed.config.folder,
                env=variables,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            said += done.stdout + done.stderr
            failed += [step["name"]] if done.returncode else []
    return failed, said


def configure(feed, tables):
    file = feed.config.folder / "planlake.yaml"
    text = re.sub(r"daily: \[.*\]", f"daily: [{tables}]", file.read_text(encoding="utf-8"))
    file.write_text(text, encoding="utf-8")


def rows(feed, table):
    with open_views(feed.config) as views:
        return answer(views, f"select * from {table}").num_rows


def test_a_branch_that_adds_a_table_is_told_its_verdict_and_its_merge_publishes_the_table(workflow, repository):
    configure(repository, "fees, site_visits")
    failed, said = carry_out(workflow, repository, "try")
    assert failed == [], said
    folder = repository.config.folder
    comment = (folder / "comment.md").read_text(encoding="utf-8")
    assert comment.startswith("Preview `pr-7-dpp-426-add-a-table`: site_visits\n")
    assert "### site_visits ✅\n\nwould load well\n" in comment
    assert "| id | integer | integer | 100% |  | = ok |" in comment
    assert "for example" not in comment
    assert (folder / "gh.txt").read_text(encoding="utf-8").startswith("pr comment 7 --repo council/lake --body-file ")
    failed, said = carry_out(workflow, repository, "publish")
    assert failed == [], said
    assert rows(repository, "site_visits") == 20
    with (
        pytest.raises(Exception, match="no preview is called"),
        open_views(repository.config, environment="pr-7-dpp-426-add-a-table"),
    ):
        pass


def test_a_change_of_other_things_tries_nothing_and_says_so(workflow, repository):
    configure(repository, "fees")
    failed, said = carry_out(workflow, repository, "try")
    assert failed == [], said
    assert (
        repository.config.folder / "comment.md"
    ).read_text() == "Preview `pr-7-dpp-426-add-a-table`: no table is new\n"


def test_a_table_that_would_not_load_fails_the_check_after_it_is_told_and_nothing_of_it_is_published(
    workflow, repository
):
    configure(repository, "fees, wards")
    file = repository.config.folder / "planlake.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}resources:\n  wards: {{columns: {{name: integer}}}}\n", encoding="utf-8")
    try:
        assert carry_out(workflow, repository, "try")[0] == ["Try the tables that nobody has loaded yet"]
        comment = (repository.config.folder / "comment.md").read_text(encoding="utf-8")
        assert "### wards ❌\n\nwould **not** load well: " in comment
        ward = repository.data.records("wards")[0]["name"]
        assert ward not in comment
        assert carry_out(workflow, repository, "publish", merged=False)[0] == []
        with pytest.raises(Exception, match="was not loaded yet"):
            rows(repository, "wards")
    finally:
        file.write_text(text, encoding="utf-8")


def test_no_step_takes_a_text_of_others_for_a_command(workflow):
    steps = [step for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert len(steps) == 7
    assert [step["name"] for step in steps if "${{" in step["run"]] == []
    assert workflow["permissions"] == {}
    assert {job: sorted(told["permissions"]) for job, told in workflow["jobs"].items()} == {
        "try": ["contents", "id-token", "pull-requests"],
        "publish": ["contents", "id-token"],
    }
