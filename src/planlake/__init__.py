"""Planlake: a planning system's API to typed, checked, queryable lake tables.

After `planlake demo` in the same folder:

>>> import planlake
>>> lake = planlake.open_lake("demo-lake")
>>> lake.sql("select count(*) as wards from wards")
┌───────┐
│ wards │
│ int64 │
├───────┤
│    21 │
└───────┘
>>> lake.table("wards").arrow().num_rows
21

`docs/python.md` shows the rest. What is no name of `__all__` may change with any version.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from planlake.errors import (
    ConfigurationError,
    ConflictError,
    LakeError,
    PlanlakeError,
    SourceError,
    SourceRefused,
    SourceUnreachable,
)
from planlake.version import __version__ as __version__

if TYPE_CHECKING:
    from planlake.flow.results import RunResult
    from planlake.library.answer import Answer
    from planlake.library.reading import Lake, open_lake
    from planlake.library.running import plan, run
    from planlake.runs.plan import Step

__all__ = [
    "Answer",
    "ConfigurationError",
    "ConflictError",
    "Lake",
    "LakeError",
    "PlanlakeError",
    "RunResult",
    "SourceError",
    "SourceRefused",
    "SourceUnreachable",
    "Step",
    "open_lake",
    "plan",
    "run",
]

# Where the names are that bring libraries with them: `import planlake` alone takes no longer than a dictionary.
_PLACES = {
    "Answer": "planlake.library.answer",
    "Lake": "planlake.library.reading",
    "RunResult": "planlake.flow.results",
    "Step": "planlake.runs.plan",
    "open_lake": "planlake.library.reading",
    "plan": "planlake.library.running",
    "run": "planlake.library.running",
}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_PLACES[name]), name)
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]  # what a notebook offers to complete
