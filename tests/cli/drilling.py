"""A person on a bad night, who knows nothing but what is printed: runs, reads, gives the commands of the hints."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from conftest import Feed

LOOKING = ("doctor", "status", "runs", "check", "sql", "plan", "tables")  # commands that only look
VALUED = ("--config", "--env", "--to", "--zone", "--from", "--history")  # options that take a value
TABLES = ("things", "codes")
COMMAND = re.compile(r"(?<![\w./-])planlake ")
WORD = re.compile(r""" *("[^"]*"|'[^']*'|[^\s,;"']+)([,;]?)""")
Words = tuple[str, ...]


def commands_in(text: str) -> Iterator[Words]:
    """The commands of the hints, as they are printed; what is said of a command in the words behind it is left out."""
    for line in text.splitlines():
        if line.startswith("hint: "):
            yield from (tuple(_words(line[found.end() :])) for found in COMMAND.finditer(line))


def _words(rest: str) -> Iterator[str]:
    before = ""
    while found := WORD.match(rest):
        word, rest = found[1], rest[found.end() :]
        if before and not (word.startswith(("--", '"')) or before in VALUED or word in TABLES):
            return
        yield word.strip("\"'")
        before = word
        if found[2]:
            return


@dataclass
class Drill:
    """A lake with something wrong, and what was typed so far: to understand, and to repair."""

    feed: Feed
    type_in: Callable
    looked: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    printed: str = ""

    @property
    def folder(self):
        return self.feed.config.folder

    @property
    def lake(self):
        return self.folder / "lake"

    @property
    def file(self):
        return self.folder / "planlake.yaml"

    def typed(self, *words):
        """Give a command, with the configuration of this lake where the hint did not name it; counted."""
        more = () if "--config" in words else ("--config", str(self.file))
        first = not (self.looked or self.repaired)
        (self.looked if first or words[0] in LOOKING else self.repaired).append(" ".join(words))
        said = self.type_in(*words, *more)
        self.printed += f"$ planlake {' '.join(words)}\n{said.out}{said.err}[{said.status}]\n"
        return said

    def rewrite(self, before, after):
        """Change the configuration."""
        text = self.file.read_text()
        assert before in text
        self.file.write_text(text.replace(before, after))

    def way_out(self, first: Words, cause: str, mend: Callable | None) -> None:
        """Follow what is printed until a run of everything ends well.

        What is outside of Planlake is mended as soon as the words of `cause` are read.
        """
        words, said, given = first, self.typed(*first), {first}
        while words[0] != "run" or said.status:
            if mend is not None and re.search(cause, said.out + said.err):
                mend(self)
                mend, words = None, ("run",)
            elif said.status or words[0] in LOOKING:
                hints = [one for one in commands_in(said.out + said.err) if one not in given]
                assert hints, f"no way on\n{self.printed}"
                words = hints[0]
            else:
                words = ("run",)
            said = self.typed(*words)
            given.add(words)
            assert len(self.looked) <= 2 and len(self.repaired) <= 3, self.printed
