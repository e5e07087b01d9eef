"""Running the command `planlake` as a user does: as a process of its own, or in this one where only words count."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("planlake"))


@dataclass(frozen=True)
class Said:
    """What a command left: exit status, standard output, standard error."""

    status: int
    out: str
    err: str

    @property
    def errors(self):
        """The lines that say what is wrong."""
        return [line for line in self.err.splitlines() if line.startswith("Error")]


def environment(**variables):
    """This process's variables without Planlake's own, and the ones given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLANLAKE_", "TASCOMI_"))}
    return kept | {"COLUMNS": "200", **variables}


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
    return Said(done.returncode, done.stdout, done.stderr)


def typed_in_process(monkeypatch, capfd, arguments):
    """The same in this process: quicker, through the very function the program starts with."""
    from planlake.cli import loading, main  # noqa: PLC0415 - the product is imported when it is asked for

    monkeypatch.setattr(loading, "_NAMED", [])
    monkeypatch.setattr(loading, "_CHOSEN", [])
    monkeypatch.setattr("sys.argv", ["planlake", *map(str, arguments)])
    status = 0
    try:
        main.main()
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 0
    captured = capfd.readouterr()
    return Said(status, captured.out, captured.err)
