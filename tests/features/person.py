"""Somebody who uses Planlake: types commands, asks in SQL, reads what is on the screen, and says what was not there."""

import json
import shlex
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from commands import Said, typed_in_process

NOW = "2026-11-21T10:00:00"  # a Saturday; the night before was loaded


@dataclass
class Person:
    """`said` is what the last command left, `rows` the answer to the last question."""

    council: object
    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture
    line: str = ""
    before: str = ""  # the configuration as it was before the last command
    said: Said = field(default_factory=lambda: Said(0, "", ""))
    rows: list[dict] = field(default_factory=list)

    @property
    def screen(self):
        """All that the last command printed."""
        return self.said.out + self.said.err

    @property
    def file(self):
        """The configuration."""
        return self.council.config.folder / "planlake.yaml"

    def type(self, line):
        """A command as it is typed; the clock never goes back."""
        program, *arguments = shlex.split(line)
        assert program == "planlake", line
        self.monkeypatch.setenv("PLANLAKE_NOW", max(NOW, self.council.data.now.isoformat()))
        self.line, self.before = line, self.file.read_text()
        self.said = typed_in_process(self.monkeypatch, self.capfd, arguments)

    def type_well(self, line):
        """The same, where it must go well for the rest to make sense."""
        self.type(line)
        self.expects(self.said.status == 0, "it ends well")

    def ask(self, query, *options):
        """A question in SQL; its rows are kept."""
        self.type(shlex.join(["planlake", "sql", query, "--format", "json", *options]))
        self.line = shlex.join(["planlake", "sql", *options, query])
        self.expects(self.said.status == 0, "an answer")
        self.rows = json.loads(self.said.out)

    def expects(self, is_so, what):
        """Fail with what was typed, expected and seen, in words, where it is not so."""
        if not is_so:
            seen = "\n".join(line.rstrip() for line in self.screen.splitlines()).strip("\n")  # columns stay in line
            pytest.fail(f"Typed: {self.line}\nExpected: {what}\nSeen:\n{seen}", pytrace=False)

    def waits_until(self, moment):
        """The council's clock goes on."""
        self.council.data.move_to(max(datetime.fromisoformat(moment), self.council.data.now))

    def once(self, what):
        """Whether this was not seen to yet in this feature; from now on it was."""
        is_new = what not in self.council.made
        self.council.made.add(what)
        return is_new
