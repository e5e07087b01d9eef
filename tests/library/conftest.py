"""The lake of `planlake demo`, with fewer tables, in a folder of its own; programs are in that folder."""

import os
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from commands import typed_in_process
from planlake.cli import loading
from planlake.cli.setup import demo as command
from planlake.config import load_config
from planlake.simulator.choose import dataset
from planlake.simulator.server import Simulator

MADE_AT = "2026-11-23T09:00:00"  # the two days of the demo are the two before
TABLES = {"DAILY": ("applications", "fees"), "WEEKLY": ("decision_types", "wards")}


@dataclass(frozen=True)
class Demo:
    """The folder a demo was made in, the configuration of its lake, and what was printed."""

    folder: Path
    file: Path
    out: str = ""


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The demo as it was made, once."""
    folder = tmp_path_factory.mktemp("python")
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, tables in TABLES.items():
            monkeypatch.setattr(command, name, tables)
        for name in ("_NAMED", "_LOADED"):
            monkeypatch.setattr(loading, name, [])
        monkeypatch.setenv("PLANLAKE_NOW", MADE_AT)
        monkeypatch.setenv("PLANLAKE_LOG", "off")
        monkeypatch.chdir(folder)
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()):
            command.demo(Path("demo-lake"))
    return Demo(folder, folder / "demo-lake/planlake.yaml", out.getvalue())


@pytest.fixture
def demo(made, monkeypatch):
    """The demo, which the test does not change, in the working folder, on the day after its last."""
    monkeypatch.chdir(made.folder)
    monkeypatch.setenv("PLANLAKE_NOW", MADE_AT)
    monkeypatch.setenv("PLANLAKE_LOG", "off")
    return made


@pytest.fixture
def own_demo(demo, tmp_path):
    """The demo, which the test may change: it is set back to what it was, in the same place."""
    kept = shutil.copytree(demo.folder, tmp_path / "kept")
    yield demo
    shutil.rmtree(demo.folder)
    shutil.copytree(kept, demo.folder)
    os.chdir(demo.folder)  # the folder is another one now


@pytest.fixture
def served(own_demo):
    """The same, with its API answering again as `planlake simulate` would."""
    last = datetime.fromisoformat("2026-11-22T03:00:00")
    data = dataset("tascomi", now=last.replace(day=21))
    data.keeps_all = True
    data.move_to(last)
    with Simulator(data, port=urlsplit(load_config(own_demo.file).source_api().base_url).port) as simulator:
        yield simulator


@pytest.fixture
def typed(monkeypatch, capfd):
    """Run a command in this process."""
    return lambda *arguments: typed_in_process(monkeypatch, capfd, arguments)
