"""A release: what is refused, what is written, and that a tree is left as it was unless all of it worked.

What needs the network, installing what was built, is done by the command itself each time.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from datetime import date
from pathlib import Path

import pytest

import planlake

ROOT = Path(__file__).parent.parent
DAY = date(2026, 12, 1)
VERSION_FILE, CHANGELOG = "src/planlake/version.py", "CHANGELOG.md"
INIT = '"""A package."""\n\n__version__ = "0.9.0"\n'
CHANGES = "# Changelog\n\n## Unreleased\n\n### Added\n- A thing.\n\n## 0.9.0 - 2026-11-01\n\n### Added\n- All.\n"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("release", ROOT / "scripts/release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository of two files, committed, that no configuration of this machine's git has a say in."""
    if shutil.which("git") is None:
        pytest.skip("git is absent: no version can be committed")
    for name in [name for name in os.environ if name.startswith("GIT_")]:  # which a hook of git has
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    for person in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{person}_NAME", "A Maintainer")
        monkeypatch.setenv(f"GIT_{person}_EMAIL", "maintainer@example.invalid")
    root = tmp_path / "checkout"
    (root / "src/planlake").mkdir(parents=True)
    (root / VERSION_FILE).write_text(INIT)
    (root / CHANGELOG).write_text(CHANGES)
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "All")
    return root


def git(root, *words):
    return subprocess.run(["git", "-C", root, *words], capture_output=True, text=True, check=True).stdout.strip()


def state(root):
    """What a failed release must leave alone."""
    texts = [(root / name).read_text() for name in (VERSION_FILE, CHANGELOG)]
    return *texts, git(root, "rev-parse", "HEAD"), git(root, "tag"), git(root, "status", "--porcelain")


def nothing(root, version):
    """What stands for building and installing."""


def test_a_version_is_written_committed_and_tagged_after_it_was_proven(script, checkout):
    seen = []

    def prove(root, version):
        seen.append(
            (root, version, script.version_of(root), git(root, "rev-list", "--count", "HEAD"), git(root, "tag"))
        )

    script.release(checkout, "0.10.0", today=DAY, prove=prove)
    assert seen == [(checkout, "0.10.0", "0.10.0", "1", "")]
    assert (checkout / VERSION_FILE).read_text() == INIT.replace("0.9.0", "0.10.0")
    heading = "## Unreleased\n\n## 0.10.0 - 2026-12-01\n"
    assert (checkout / CHANGELOG).read_text() == CHANGES.replace("## Unreleased\n", heading)
    assert git(checkout, "log", "--format=%s") == "Version 0.10.0\nAll"
    assert git(checkout, "rev-parse", "v0.10.0^{commit}") == git(checkout, "rev-parse", "HEAD")
    assert git(checkout, "cat-file", "-t", "v0.10.0") == "tag"
    assert git(checkout, "status", "--porcelain") == ""


def test_the_changes_of_the_next_version_are_its_own(script, checkout):
    script.release(checkout, "0.10.0", today=DAY, prove=nothing)
    with pytest.raises(script.RefusedError, match='nothing under "## Unreleased"'):
        script.release(checkout, "0.11.0", today=DAY, prove=nothing)
    changelog = (checkout / CHANGELOG).read_text()
    (checkout / CHANGELOG).write_text(changelog.replace("## Unreleased\n", "## Unreleased\n\n### Fixed\n- It.\n"))
    git(checkout, "commit", "--quiet", "--all", "--message", "It")
    script.release(checkout, "0.11.0", today=DAY, prove=nothing)
    headings = [line for line in (checkout / CHANGELOG).read_text().splitlines() if line.startswith("## ")]
    assert headings == ["## Unreleased", "## 0.11.0 - 2026-12-01", "## 0.10.0 - 2026-12-01", "## 0.9.0 - 2026-11-01"]


@pytest.mark.parametrize("version", ["", "1", "1.0", "v1.0.0", "1.0.0rc1", "1.0.0.0", "01.0.0", "1.0.0\n", "1.0.x"])
def test_what_is_no_version_is_refused(script, checkout, version):
    before = state(checkout)
    with pytest.raises(script.RefusedError, match="is no version"):
        script.release(checkout, version, today=DAY, prove=nothing)
    assert state(checkout) == before


@pytest.mark.parametrize("version", ["0.9.0", "0.8.99", "0.0.1"])
def test_a_version_that_is_not_higher_is_refused(script, checkout, version):
    before = state(checkout)
    with pytest.raises(script.RefusedError, match=r"is not higher than 0\.9\.0"):
        script.release(checkout, version, today=DAY, prove=nothing)
    assert state(checkout) == before


@pytest.mark.parametrize("name", [VERSION_FILE, "new.txt"])
def test_a_tree_that_is_not_clean_is_refused(script, checkout, name):
    with (checkout / name).open("a") as stream:
        stream.write("# more\n")
    before = state(checkout)
    with pytest.raises(script.RefusedError, match=f"not clean: .*{Path(name).name}"):
        script.release(checkout, "1.0.0", today=DAY, prove=nothing)
    assert state(checkout) == before


def test_a_tag_that_is_there_already_is_refused(script, checkout):
    git(checkout, "tag", "v1.0.0")
    before = state(checkout)
    with pytest.raises(script.RefusedError, match="there is a tag"):
        script.release(checkout, "1.0.0", today=DAY, prove=nothing)
    assert state(checkout) == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_does_not_work_leaves_neither_version_nor_commit_nor_tag(script, checkout, error):
    before = state(checkout)

    def prove(root, version):
        raise error

    with pytest.raises(error):
        script.release(checkout, "1.0.0", today=DAY, prove=prove)
    assert state(checkout) == before


def test_a_commit_that_a_hook_refuses_leaves_the_tree_as_it_was(script, checkout):
    hook = checkout / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    before = state(checkout)
    with pytest.raises(script.RefusedError, match="not today"):
        script.release(checkout, "1.0.0", today=DAY, prove=nothing)
    assert state(checkout) == before


def test_a_command_that_fails_is_named_with_its_last_words(script, tmp_path):
    with pytest.raises(script.RefusedError, match=r"(?s)failed with 3:\nlast words"):
        script._run([sys.executable, "-c", "import sys; print('last words'); sys.exit(3)"], tmp_path)


def test_the_command_line_says_in_two_lines_why_nothing_was_done():
    command = [sys.executable, str(ROOT / "scripts/release.py"), "0.0.0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: 0.0.0 is not higher than {planlake.__version__}, which is the version now\nNothing was changed\n"
    )


# ---------------------------------------------------------------- this checkout


def test_the_version_stands_in_one_place(script):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert project["tool"]["hatch"]["version"]["path"] == VERSION_FILE
    assert script.version_of(ROOT) == planlake.__version__


def test_the_changelog_can_be_released(script):
    assert script.UNRELEASED.search((ROOT / CHANGELOG).read_text(encoding="utf-8"))


def test_wheel_and_sdist_hold_the_package_with_its_data_and_the_licence(script, tmp_path):
    files = script.build(ROOT, tmp_path, planlake.__version__)
    package = {
        file.relative_to(ROOT / "src").as_posix()
        for file in (ROOT / "src/planlake").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    with zipfile.ZipFile(files[0]) as wheel:
        names = wheel.namelist()
        metadata = wheel.read(next(name for name in names if name.endswith("/METADATA"))).decode()
    assert {name for name in names if ".dist-info/" not in name} == package
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert f"\nVersion: {planlake.__version__}\n" in metadata
    with tarfile.open(files[1]) as sdist:
        inside = {name.partition("/")[2] for name in sdist.getnames()}
    assert {f"src/{name}" for name in package} | {"LICENSE", "README.md", "pyproject.toml"} <= inside
