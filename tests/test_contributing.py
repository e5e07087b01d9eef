"""What is said to whoever carries on is so: the list of targets, hook and workflow, the pages on how to go on."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PAGES = ("CONTRIBUTING.md", "SECURITY.md", "README.md", "tests/README.md")
MADE_BY_USE = ("build/", "dist/", "../", "/dev/")  # by a command, or outside of the checkout
QUOTED_COMMIT = re.compile(r"\b(?P<hash>[0-9a-f]{7})\s\((?P<subject>[^)]+)\)")


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def in_one_line(text):
    return " ".join(text.split())


def made(*words):
    return subprocess.run(["make", *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout


# ---------------------------------------------------------------- make


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is absent")


@needs_make
def test_make_help_has_a_line_for_each_target_and_for_nothing_else():
    targets = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split()
    lines = made("--no-print-directory", "help").splitlines()
    assert sorted(line.split()[1] for line in lines) == sorted(targets)
    assert [line for line in lines if not re.fullmatch(r"make [a-z-]+ +\S.{5,}", line) or len(line) > 120] == []


@needs_make
def test_make_alone_makes_nothing_and_says_what_there_is():
    assert made("--no-print-directory") == made("--no-print-directory", "help")


@pytest.mark.parametrize("page", PAGES)
def test_every_target_a_page_names_is_there(page):
    targets = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split()
    named = set(re.findall(r"`make ([a-z-]+)[^`]*`", text_of(page)))
    assert named <= set(targets)


# ---------------------------------------------------------------- before a commit, and after a push


def test_before_a_commit_the_very_make_check_is_run_and_nothing_is_fetched():
    (repository,) = YAML(typ="safe").load(text_of(".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    (hook,) = repository["hooks"]
    assert (hook["entry"], hook["language"], hook["pass_filenames"]) == ("make check", "system", False)


def test_the_workflow_runs_what_ci_runs_on_a_bare_debian_and_may_only_read():
    workflow = YAML(typ="safe").load(text_of(".github/workflows/ci.yml"))
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    assert "permissions" not in job
    assert job["container"]["image"] == "debian:bookworm"
    assert "--user" not in job["container"]["options"]
    assert [step["run"] for step in job["steps"] if "run" in step][-1] == ".ci/run"
    assert (ROOT / ".ci/run").stat().st_mode & 0o100


def test_the_workflow_has_no_secret_and_takes_others_work_at_a_commit_only():
    text = text_of(".github/workflows/ci.yml")
    assert "secrets" not in text
    assert "pull_request_target" not in text
    assert "persist-credentials: false" in text
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert [name for name in used if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", name)] == []


# ---------------------------------------------------------------- the pages


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text_of(page))
    assert [target for target in targets if not ((ROOT / page).parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_folder_a_page_names_is_there(page):
    """Places are told from the root, from the package, or from the tests."""
    named = re.findall(r"`([\w.]*(?:/[\w.]+)+/?|\w+\.(?:py|md|lock|toml))`", text_of(page))
    roots = (ROOT, ROOT / "src/planlake", TESTS, ROOT / "docs")
    places = [name for name in named if not name.startswith(MADE_BY_USE)]
    assert [name for name in places if not any((root / name).exists() for root in roots)] == []


def test_commits_that_are_quoted_are_there_with_their_subjects():
    quoted = QUOTED_COMMIT.findall(in_one_line(text_of("CONTRIBUTING.md")))
    assert len(quoted) >= 5
    subjects = {commit: subject_of(commit) for commit, _ in quoted}
    if not any(subjects.values()):
        pytest.skip("git or the history is absent: the commits that are quoted cannot be looked up")
    assert subjects == dict(quoted)


def subject_of(commit):
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%s", commit]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


# ---------------------------------------------------------------- the tests


def rows_below(heading):
    """The first cells of the table below a heading of tests/README.md, without quotes."""
    body = text_of("tests/README.md").partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    return [cell.strip(" `") for cell in re.findall(r"^\| (.*?) \|", body, re.MULTILINE)][1:]


def test_every_room_of_the_tests_is_in_the_table():
    rooms = {file.parent.relative_to(ROOT).as_posix() for file in TESTS.rglob("test_*.py")}
    named = [name.removesuffix("` itself") for name in rows_below("## Which suite proves what")]
    assert sorted(named) == sorted(rooms)


def test_every_suite_that_does_more_in_the_soak_is_run_by_it_and_told():
    mention = re.compile(r'environ\.get\("PLANLAKE_SOAK"')
    files = {file for file in TESTS.rglob("test_*.py") if mention.search(file.read_text(encoding="utf-8"))}
    found = sorted(file.relative_to(TESTS).as_posix() for file in files)
    run = re.search(r"^\tPLANLAKE_SOAK=1 (?:.*\\\n)*.*$", MAKEFILE, re.MULTILINE)[0]
    assert sorted(re.findall(r"tests/(\S+\.py)", run)) == found
    assert sorted(rows_below("## What `make soak` adds")) == found


def test_every_variable_that_is_of_the_tests_alone_is_told():
    read = re.compile(r"""environ(?:\.get\(|\[)"(PLANLAKE_[A-Z_]+)"|"(PLANLAKE_[A-Z_]+)" in os\.environ""")
    texts = [file.read_text(encoding="utf-8") for file in TESTS.rglob("*.py")]
    found = {one or other for text in texts for one, other in read.findall(text)} - {"PLANLAKE_NOW"}
    assert found == {name for name in rows_below("## Variables") if name.startswith("PLANLAKE_")}
