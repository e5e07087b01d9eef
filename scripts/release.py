"""Makes a version: writes its number, builds it, installs it as a stranger would, then commits and tags it.

    python scripts/release.py 0.2.0

Nothing is pushed. Whatever goes wrong before the commit, the files are as they were, and there is neither commit nor
tag. What was built and worked is in `dist/`.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

ROOT = Path(__file__).parent.parent
VERSION_FILE, CHANGELOG, LOCK = "src/planlake/version.py", "CHANGELOG.md", "requirements.lock"
THREE_NUMBERS = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
VERSION_LINE = re.compile(r'^__version__ = "([^"\n]*)"$', re.MULTILINE)
UNRELEASED = re.compile(r"^## Unreleased\n(?P<changes>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
A_CHANGE = re.compile(r"^- ", re.MULTILINE)
# What the environment says of Python or of Planlake would find this checkout, not what was installed.
LEFT_OUT = ("PYTHON", "PLANLAKE_", "VIRTUAL_ENV")
TRIED_WITH = "https://council.example/rest/v1"

Prove = Callable[[Path, str], None]


class RefusedError(Exception):
    """Why no version is made; `state` says what was changed nevertheless."""

    def __init__(self, message: str, state: str = "Nothing was changed") -> None:
        super().__init__(message)
        self.state = state


def release(root: Path, version: str, *, today: date, prove: Prove) -> None:
    """Write, prove, commit and tag a version of the checkout at `root`; a RefusedError where it cannot be one.

    `prove` is given the folder with the version written into it, and raises where what it builds does not work.
    """
    _refuse_what_cannot_be(root, version)
    texts = written(root, version, today)
    before = {name: (root / name).read_bytes() for name in texts}
    try:
        for name, text in texts.items():
            (root / name).write_text(text, encoding="utf-8")
        prove(root, version)
        git(root, "commit", "--quiet", "--message", f"Version {version}", "--", *texts)
    except BaseException:  # Ctrl-C too
        for name, content in before.items():
            (root / name).write_bytes(content)
        raise
    try:
        git(root, "tag", "--annotate", f"v{version}", "--message", f"Planlake {version}")
    except RefusedError as error:
        raise RefusedError(str(error), f"Version {version} is committed and has no tag") from None


def _refuse_what_cannot_be(root: Path, version: str) -> None:
    if not THREE_NUMBERS.fullmatch(version):
        raise RefusedError(f"'{version}' is no version: make release VERSION=x.y.z")
    present = version_of(root)
    if _numbers(version) <= _numbers(present):
        raise RefusedError(f"{version} is not higher than {present}, which is the version now")
    if changed := git(root, "status", "--porcelain"):
        first = changed.splitlines()[0]
        raise RefusedError(f"the tree is not clean: {first}; commit or take away what git status shows")
    if git(root, "tag", "--list", f"v{version}"):
        raise RefusedError(f"there is a tag v{version} already")


def version_of(root: Path) -> str:
    """The version that a checkout has now; it stands in one line."""
    found = VERSION_LINE.findall((root / VERSION_FILE).read_text(encoding="utf-8"))
    if len(found) != 1 or not THREE_NUMBERS.fullmatch(found[0]):
        raise RefusedError(f'{VERSION_FILE} must have one line __version__ = "x.y.z"')
    return str(found[0])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def written(root: Path, version: str, today: date) -> Mapping[str, str]:
    """The files that name a version, by their names, as they are once it is made.

    What the changelog has under "Unreleased" gets the heading of the version, and an empty "Unreleased" stands above.
    """
    changelog = (root / CHANGELOG).read_text(encoding="utf-8")
    found = UNRELEASED.search(changelog)
    if not found or not A_CHANGE.search(found["changes"]):
        raise RefusedError(f'{CHANGELOG} has nothing under "## Unreleased": say there what is new')
    heading = f"## Unreleased\n\n## {version} - {today}\n"
    code = (root / VERSION_FILE).read_text(encoding="utf-8")
    return {
        VERSION_FILE: VERSION_LINE.sub(f'__version__ = "{version}"', code),
        CHANGELOG: changelog[: found.start()] + heading + changelog[found.start("changes") :],
    }


def prove(root: Path, version: str) -> None:
    """Build wheel and sdist, try each in a clean environment, and leave both in `dist/`."""
    with TemporaryDirectory(prefix="planlake-release-") as folder:
        files = build(root, Path(folder) / "dist", version)
        for number, file in enumerate(files):
            started = monotonic()
            try_out(root, file, version, Path(folder) / f"environment-{number}")
            print(f"{file.name}: installed and tried in {monotonic() - started:.0f} s")
        (root / "dist").mkdir(exist_ok=True)
        for file in files:
            shutil.copy2(file, root / "dist" / file.name)


def build(root: Path, folder: Path, version: str) -> Sequence[Path]:
    """The wheel and the sdist of a checkout, built into `folder` by what this Python has; no network is used."""
    _run([sys.executable, "-m", "hatchling", "build", "--directory", str(folder)], root)
    files = [folder / f"planlake-{version}-py3-none-any.whl", folder / f"planlake-{version}.tar.gz"]
    if sorted(files) != sorted(folder.iterdir()):
        found = ", ".join(sorted(file.name for file in folder.iterdir()))
        raise RefusedError(f"what was built is not one wheel and one sdist of {version}: {found}")
    return files


def try_out(root: Path, file: Path, version: str, folder: Path) -> None:
    """Install a built file and what the lock names in an environment of its own, and call the command.

    The version says that it starts; the configuration that it writes needs the catalogue's files, which are data.
    """
    pip = [str(folder / "bin/python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    command = str(folder / "bin/planlake")
    _run([sys.executable, "-m", "venv", str(folder)], root)
    _run([*pip, "--require-hashes", "--requirement", str(root / LOCK)], folder)
    _run([*pip, "--no-deps", "--no-build-isolation", str(file)], folder)
    said = _run([command, "--version"], folder).strip()
    if said != f"planlake {version}":
        raise RefusedError(f'{file.name}: planlake --version says "{said}"')
    _run([command, "init", "--base-url", TRIED_WITH], folder)
    _run([command, "tables", "--known"], folder)


def git(root: Path, *words: str) -> str:
    """What a git command prints."""
    return _run(["git", "-C", str(root), *words], root)


def _run(words: Sequence[str], folder: Path) -> str:
    """What a command prints; a RefusedError with its last words where it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-10:]
        raise RefusedError("\n".join([f"{' '.join(words)} failed with {done.returncode}:", *last]))
    return done.stdout


def main() -> None:
    """Make the version that the command line names."""
    version = sys.argv[1] if len(sys.argv) == 2 else ""
    started = monotonic()
    try:
        release(ROOT, version, today=datetime.now(UTC).date(), prove=prove)
    except RefusedError as refused:
        print(f"Error: {refused}\n{refused.state}", file=sys.stderr)
        sys.exit(1)
    print(f"Version {version} is built, tried, committed and tagged v{version}, in {monotonic() - started:.0f} s")
    print("Nothing was pushed; that is yours: git push --follow-tags")


if __name__ == "__main__":
    main()
