"""What Windows lacks is not needed, and what it does otherwise is known, as far as another system can tell."""

import ast
import io
import json
import ntpath
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest

from cli.as_on_windows import ABSENT, FLAGS, FUNCTIONS
from cli.conftest import FIRST
from commands import environment
from planlake import printable
from planlake.cli import streams
from planlake.cli.report import terminal
from planlake.cli.setup import simulate
from planlake.engines.file_locks import is_locked, lock_file
from planlake.lake.tables import local_folders
from planlake.lake.tables.stored_files import parse_location, path_in_storage
from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY

PACKAGE = Path(printable.__file__).parent
PROGRAM = Path(__file__).with_name("as_on_windows.py")
# Names of os and signal that Windows lacks, each asked for before it is used.
GUARDED = {("engines/spill.py", "getuid"), ("engines/spill.py", "O_NOFOLLOW"), ("lake/disk_errors.py", "getuid")}
GUARDED |= {("setup/replace_file.py", "chown"), ("setup/schedule.py", "geteuid")}
GUARDED |= {("report/web/second_wall.py", "O_DIRECTORY"), ("report/web/second_wall.py", "O_PATH")}  # of Linux alone
SIGNALS = {"SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGUSR1", "SIGUSR2", "pause", "alarm"}
ON_POSIX_ALONE = {("engines/memory.py", "resource"), ("report/web/worker_process.py", "resource")}  # below `linux`


def on_windows(*commands, **variables):
    """Carry out commands as Windows would: their exit status, what they printed and said, as bytes."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), json.dumps([[*map(str, one)] for one in commands])],
        env=environment(**variables),
        capture_output=True,
        timeout=120,
        check=False,
    )
    said = done.stderr.decode("utf-8", "replace")
    return [int(status) for status in re.findall(r"^\w+ ended with (\d+)", said, re.MULTILINE)], done.stdout, said


@cache
def nodes():
    """All that is imported, called, looked up or written as a text in the package, with its file."""
    kinds = (ast.Import, ast.ImportFrom, ast.Call, ast.Attribute, ast.Constant)
    files = {str(file.relative_to(PACKAGE)): file.read_text(encoding="utf-8") for file in sorted(PACKAGE.rglob("*.py"))}
    return [(file, one) for file, text in files.items() for one in ast.walk(ast.parse(text)) if isinstance(one, kinds)]


def test_a_lake_is_loaded_read_and_exported_without_what_windows_lacks_and_on_its_console(feed, tmp_path):
    keys = {"TASCOMI_PUBLIC_KEY": PUBLIC_KEY, "TASCOMI_PRIVATE_KEY": PRIVATE_KEY}
    at, held = keys | {"PLANLAKE_NOW": FIRST, "PYTHONIOENCODING": "cp1252"}, feed.config.folder / "lake/catalog.db.lock"
    of_lake = ("--config", feed.file)
    commands = [
        ("doctor", *of_lake),
        ("run", *of_lake),
        ("status", *of_lake),
        ("status", "--calendar", *of_lake),
        ("tables", "fees", *of_lake),
        ("sql", "select count(*) as fees, 'Zoë ✓ 丙' as of_whom from fees", *of_lake),
        ("runs", *of_lake),
        ("check", *of_lake),
        ("diagram", *of_lake),
        ("maintain", *of_lake),
        ("report", "--out", tmp_path / "pages", *of_lake),
        ("export", "--out", tmp_path / "all.duckdb", *of_lake),
    ]
    statuses, out, said = on_windows(*commands, **at)
    assert statuses == [0] * len(commands), said + out.decode("cp1252")
    shown = out.decode("cp1252")
    assert "Zoë \\u2713 \\u4e19" in shown  # what the console has, and what it has not
    assert re.findall(r"\\u[0-9a-f]{4}", shown) == ["\\u2713", "\\u4e19"]
    assert feed.rows("select count(*) as n from fees") == [{"n": 70}]
    with held.open("r+") as file:
        assert lock_file(file.fileno())
        more = {"PLANLAKE_LEASE_WAIT_SECONDS": "0", "PYTHONIOENCODING": "cp437"}  # the code page of its consoles
        statuses, out, said = on_windows(("run", *of_lake), ("runs", "1", *of_lake), **at | more)
    assert (statuses, "another run is writing this lake" in said) == ([1, 0], True), said
    assert re.search(r"^fees .* \.\d{6} ", out.decode("cp437"), re.MULTILINE)


def test_no_module_imports_what_windows_lacks():
    found = set[tuple[str, str]]()
    for file, node in nodes():
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found |= {(file, name) for name in names if name.partition(".")[0] in ABSENT}
    assert found == ON_POSIX_ALONE


def test_nothing_of_os_and_signal_is_used_that_windows_lacks():
    found = set[tuple[str, str]]()
    for file, node in nodes():
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            lacks = {"os": {*FUNCTIONS, *FLAGS, "statvfs"}, "signal": SIGNALS}.get(node.value.id, set())
            found |= {(file, node.attr)} & {(file, name) for name in lacks}
        elif isinstance(node, ast.Constant) and node.value in FLAGS:  # by `getattr`
            found.add((file, node.value))
    assert found == GUARDED


def test_days_are_written_as_every_system_can():
    """`%-d` is of the C library of Linux; of Windows it is an error."""
    texts = {file for file, node in nodes() if isinstance(node, ast.Constant) and re.search(r"%-\w", str(node.value))}
    assert texts == set()


def test_text_is_read_and_written_in_one_encoding_on_every_system():
    found = []
    for file, node in nodes():
        if not isinstance(node, ast.Call) or "encoding" in {one.arg for one in node.keywords}:
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("read_text", "write_text"):
            found += [f"{file}:{node.lineno}"] if len(node.args) < 1 + (node.func.attr == "write_text") else []
        elif isinstance(node.func, ast.Name) and node.func.id == "open":
            found.append(f"{file}:{node.lineno}")
    assert found == []


@pytest.fixture
def windows(monkeypatch):
    """Paths as Windows reads them, of what looks at them by name."""
    monkeypatch.setattr(local_folders, "IS_WINDOWS", True)
    for name in ("abspath", "splitdrive"):
        monkeypatch.setattr(f"os.path.{name}", getattr(ntpath, name))


@pytest.mark.parametrize("location", ["C:/data/lake/db/t/x.parquet", r"C:\data\lake\db\t\x.parquet"])
def test_a_file_on_a_drive_has_one_name_however_it_is_written(windows, location):
    assert parse_location(location) == ("file", "", "C:/data/lake/db/t/x.parquet")


def test_a_live_file_on_a_drive_is_found_among_those_that_are_listed(windows):
    """Else housekeeping would delete it. Arrow lists what is below a folder with the sign that the folder was given."""
    folder = parse_location(r"C:\data\lake\db\t")[2]
    assert path_in_storage(r"C:\data\lake\db\t\data\x.parquet") == f"{folder}/data/x.parquet"
    assert local_folders.with_slashes("file:///C:/data") == local_folders.with_slashes(r"C:\data") == "C:/data"
    assert parse_location("s3://bucket/a\\b")[2] == "bucket/a\\b"


def test_elsewhere_a_name_may_hold_a_backslash():
    assert path_in_storage("/data/a\\b") == "/data/a\\b"


@pytest.mark.parametrize(
    ("word", "typed"),
    [
        ("fees", "fees"),
        (r"C:\data\planlake.yaml", r"C:\data\planlake.yaml"),
        (r"C:\my data\planlake.yaml", r'"C:\my data\planlake.yaml"'),
        ("O'Hara & sons", '"O\'Hara & sons"'),
    ],
)
def test_a_hint_quotes_a_word_as_the_shells_of_windows_do(monkeypatch, word, typed):
    monkeypatch.setattr(printable, "os", SimpleNamespace(name="nt"))
    assert printable.quoted(word) == typed


def test_the_keys_of_the_simulator_are_set_as_powershell_sets_them(monkeypatch):
    monkeypatch.setattr(simulate, "os", SimpleNamespace(name="nt"))
    assert simulate._as_typed({"A": "1", "B": "2"}) == "$env:A = '1'; $env:B = '2'"


def test_the_pager_is_found_where_its_path_has_backslashes(monkeypatch):
    monkeypatch.setattr(terminal, "os", SimpleNamespace(name="nt", environ={"PAGER": r"C:\tools\less.exe -S"}))
    monkeypatch.setattr(terminal.shutil, "which", lambda name: name)
    assert terminal.pager() == [r"C:\tools\less.exe", "-S"]


def test_a_console_that_takes_signs_and_not_bytes_stays_as_it_is(monkeypatch, tmp_path):
    with (tmp_path / "console").open("w", encoding="ascii") as console, io.FileIO(tmp_path / "raw", "w") as raw:
        assert streams._text(raw, console) is not console
        monkeypatch.setattr(streams, "CONSOLES", io.FileIO)
        assert streams._text(raw, console) is console
        console.write("✓\n")
    assert (tmp_path / "console").read_bytes() == b"\\u2713\n"


def test_a_lock_is_seen_by_others_and_ends_with_its_file(tmp_path):
    place = tmp_path / "lock"
    place.touch()
    with place.open("r+") as one, place.open() as other:
        assert lock_file(one.fileno())
        assert is_locked(other.fileno())
    with place.open() as other:
        assert not is_locked(other.fileno())
