"""One thing that the doctor looked at."""

from dataclasses import dataclass
from typing import Literal

from planlake.errors import PlanlakeError

Verdict = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: its verdict, what was seen, what to do about it, and the exit status it causes."""

    check: str
    verdict: Verdict
    seen: str
    advice: str = ""
    exit_code: int = 0


def failed(check: str, error: PlanlakeError) -> Finding:
    """What an error says; that it sends to the doctor is no advice here."""
    hint = "" if error.hint.startswith("planlake doctor") else error.hint
    return Finding(check, "failed", str(error), hint, error.exit_code)
