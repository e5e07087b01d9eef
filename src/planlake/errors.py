"""Every error Planlake raises on purpose, classed by what to do next.

PlanlakeError                   message, facts, the state the data is in, a hint with the next command
├── ConfigurationError          the file, a variable or a flag is wrong: mend it (exit 2)
├── SourceError                 the API did not give what was asked for
│   ├── SourceUnreachable       no answer at all: try again when it is back (exit 3)
│   └── SourceRefused           it answers and says no: keys, clock or address (exit 3)
├── LakeError                   the lake cannot be read or written (exit 3)
├── DriftError                  the vendor's page no longer has the shape that is expected (exit 3)
├── OutputError                 standard output cannot be written (exit 3)
├── QualityError                a check holds a table back (exit 1)
├── ConflictError               someone else wrote or is writing: try again (exit 1)
└── InternalError               a defect of Planlake itself (exit 4)
"""

from collections.abc import Iterator, Mapping

from planlake.printable import printable


class PlanlakeError(Exception):
    """Base of all of Planlake's errors.

    `message` is one clear sentence without a full stop; `facts` are shown as key=value; `state` says what the data
    looks like now; `hint` names the next command.
    """

    exit_code = 4

    def __init__(
        self, message: str, *, facts: Mapping[str, object] | None = None, state: str = "", hint: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.facts = dict(facts or {})
        self.state = state
        self.hint = hint
        for line in (state, f"hint: {hint}" if hint else ""):
            if line:
                self.add_note(line)  # Python shows notes below the message, wherever nobody catches the error

    def __str__(self) -> str:
        """One line: the message and its facts."""
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.message} ({facts})" if facts else self.message

    def lines(self) -> list[str]:
        """What a person reads, a line each: `Error: ...`, the state, `hint: ...`."""
        shown = [f"Error: {self}"]
        if self.state:
            shown.append(self.state)
        if self.hint:
            shown.append(f"hint: {self.hint}")
        return [printable(line) for line in shown]


class MovedLake(UserWarning):
    """The lake that is read is not where it was made: it may be a copy, that shows the rows of another folder."""


class ConfigurationError(PlanlakeError):
    """The configuration, a variable or a flag is wrong."""

    exit_code = 2


class SourceError(PlanlakeError):
    """The API did not give what was asked for."""

    exit_code = 3


class SourceUnreachable(SourceError):  # noqa: N818 - the tree reads better without Error on every leaf
    """The API did not answer at all."""


class SourceRefused(SourceError):  # noqa: N818
    """The API answers and refuses: the keys, the clock or the address."""


class LakeError(PlanlakeError):
    """The lake cannot be read or written."""

    exit_code = 3


class DriftError(PlanlakeError):
    """The vendor's page no longer has the shape that is expected, so that nothing can be compared with it."""

    exit_code = 3


class OutputError(PlanlakeError):
    """Standard output cannot be written: its disk is full, for example."""

    exit_code = 3


class QualityError(PlanlakeError):
    """A check holds a table back."""

    exit_code = 1


class ConflictError(PlanlakeError):
    """Another process wrote or is writing the same table."""

    exit_code = 1


class InternalError(PlanlakeError):
    """A defect of Planlake itself."""

    exit_code = 4


def with_causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it came from, each once: a cause that is raised again has its own error behind it."""
    seen, left = set[int](), error.__cause__ or error.__context__
    yield error
    while left is not None and id(left) not in seen | {id(error)}:
        yield left
        seen.add(id(left))
        left = left.__cause__ or left.__context__
