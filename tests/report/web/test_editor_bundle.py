"""CodeMirror as the package ships it is what its lock file builds, with the licence of each package inside."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "scripts/editor"
SHIPPED = ROOT / "src/planlake/report/web/static"
BUILT = ("codemirror.js", "codemirror.licences.txt", "codemirror.sha256")


def test_the_editor_has_the_sums_that_stand_beside_it():
    sums = dict(reversed(line.split("  ")) for line in (SHIPPED / "codemirror.sha256").read_text().splitlines())
    assert sums == {name: hashlib.sha256((SHIPPED / name).read_bytes()).hexdigest() for name in BUILT[:2]}


def test_each_package_in_the_editor_has_its_licence_with_its_version():
    packages = json.loads((SOURCE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    inside = {name: each for name, each in packages.items() if name and not each.get("dev")}
    licences = (SHIPPED / "codemirror.licences.txt").read_text(encoding="utf-8")
    assert {each["license"] for each in inside.values()} == {"MIT"}
    for name, each in inside.items():
        assert f"{name.removeprefix('node_modules/')} {each['version']}\n" in licences
    assert licences.count("Permission is hereby granted") == len(inside)


def test_the_editor_is_what_its_lock_file_builds(tmp_path):
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, so nobody has looked whether codemirror.js is what scripts/editor builds")
    for name in ("package.json", "package-lock.json", "editor.js", "build.mjs"):
        shutil.copy(SOURCE / name, tmp_path)
    install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries", "1"]
    installed = subprocess.run(install, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    if installed.returncode and "CI" not in os.environ:
        pytest.skip(f"npm could not install what the editor is built from: {installed.stderr.strip()[:300]}")
    assert installed.returncode == 0, installed.stderr
    subprocess.run(["node", "build.mjs", tmp_path / "out"], cwd=tmp_path, timeout=60, check=True)
    for name in BUILT:
        assert (tmp_path / "out" / name).read_bytes() == (SHIPPED / name).read_bytes(), f"{name}: run make editor"
