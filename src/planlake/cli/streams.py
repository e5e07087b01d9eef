"""Standard input, output and error as they may be found: closed, full, or of an encoding with few characters.

If a full disk does not take what is written to standard output, that is an error of its own; on standard error it is
ignored.
"""

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from planlake.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

INPUT, OUTPUT, ERRORS = range(3)
CONSOLES = getattr(io, "_WindowsConsoleIO", ())  # a type, on Windows


def prepare() -> None:
    """Set the three streams up; who closed one wants nothing of it, and the next file opened would get its number."""
    for number in (INPUT, OUTPUT, ERRORS):
        if not _is_open(number):
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
    if sys.stdin is None:
        sys.stdin = open(INPUT, encoding="utf-8", closefd=False)  # noqa: SIM115 - it stays open
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # whoever reads it says what is wrong with it
    sys.stdout = _text(_Output(OUTPUT, "wb", closefd=False), sys.stdout)
    sys.stderr = _text(_Errors(ERRORS, "wb", closefd=False), sys.stderr)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _text(raw: io.FileIO, before: TextIO | None) -> io.TextIOWrapper:
    """A text stream over a file, of the encoding it had before; what that lacks is written as an escape.

    A console of Windows has signs, not bytes: it stays as it is.
    """
    if isinstance(before, io.TextIOWrapper) and isinstance(getattr(before.buffer, "raw", None), CONSOLES):
        before.reconfigure(errors="backslashreplace", newline="\n")
        return before
    encoding = (before.encoding if before is not None else None) or "utf-8"
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding, errors="backslashreplace", line_buffering=raw.isatty(), newline="\n"
    )


class _Output(io.FileIO):
    """Says once that it cannot be written; what comes after that is let go."""

    has_failed = False

    def write(self, data: "Buffer") -> int:
        if self.has_failed:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except BrokenPipeError:  # whoever read our output has seen enough
            raise
        except OSError as error:
            self.has_failed = True
            state = "Everything committed so far is kept"
            hint = "write to a place that is writable and has room"
            raise OutputError(f"the output cannot be written: {error.strerror}", state=state, hint=hint) from None


class _Errors(io.FileIO):
    """Lets go what cannot be said: there is nobody to tell."""

    def write(self, data: "Buffer") -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes
