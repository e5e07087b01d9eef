"""Running the command `planlake` as a user does: as a process of its own, or in this one where only words count."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("planlake"))


@dataclass(frozen=True)
class Said:
    """What a command left: exit status, standard output, and standard error without the lines of the log, and those."""

    status: int
    out: str
    err: str
    log: str = ""

    @property
    def told(self):
        """The lines of the log, each a dictionary."""
        return [json.loads(line) for line in self.log.splitlines()]

    @property
    def everything(self):
        """All that was printed."""
        return self.out + self.err + self.log

    @property
    def errors(self):
        """The lines that say what is wrong."""
        return [line for line in self.err.splitlines() if line.startswith("Error")]


def said(status, out, err):
    """What a command left; lines of the log begin with their time."""
    lines = err.splitlines(keepends=True)
    logged = [line for line in lines if line.startswith('{"timestamp": ')]
    return Said(status, out, "".join(line for line in lines if line not in logged), "".join(logged))


def environment(**variables):
    """This process's variables without Planlake's own, and the ones given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLANLAKE_", "TASCOMI_"))}
    path = os.pathsep.join([str(Path(PROGRAM).parent), kept.get("PATH", "")])  # so that hints call it by its name
    return kept | {"COLUMNS": "200", "PATH": path, **variables}


def planlake(*arguments, folder=None, stdin="", timeout=60, **variables):
    """Run the command in a process of its own; `variables` are added to its environment."""
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(**variables),
        timeout=timeout,
        check=False,
    )
    return said(done.returncode, done.stdout, done.stderr)


def typed_in_process(monkeypatch, capfd, arguments):
    """The same in this process: quicker, through the very function the program starts with."""
    from planlake.cli import loading, main  # noqa: PLC0415 - the product is imported when it is asked for

    capfd.readouterr()  # what was printed before is not the command's
    monkeypatch.setattr(loading, "_NAMED", [])
    monkeypatch.setattr(loading, "_FLAGS", {})
    monkeypatch.setattr(loading, "_CHOSEN", [])
    monkeypatch.setattr("sys.argv", ["planlake", *map(str, arguments)])
    status = 0
    try:
        main.main()
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 0
    captured = capfd.readouterr()
    return said(status, captured.out, captured.err)
