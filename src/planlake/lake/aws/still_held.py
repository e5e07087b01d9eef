"""Whether a lake is still held by who is about to change it: looked at before each change and before files go.

A lease can be lost at any moment: to a machine that was suspended, to a network that is away. What was read before may
then be older than what another run has written since.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

CHANGES = (
    *("commit_table", "create_table", "register_table", "drop_table", "rename_table"),
    *("drop_namespace", "update_namespace_properties"),
)
_checks: WeakKeyDictionary[Any, Callable[[], None]] = WeakKeyDictionary()  # of catalogues that are held by a lease


@contextmanager
def guarded(catalog: Any, check: Callable[[], None]) -> Iterator[None]:  # noqa: ANN401 - pyiceberg's, or a test's
    """Let `check` be asked before a catalogue changes anything, and by `check_held`."""
    plain = {name: getattr(catalog, name) for name in CHANGES}

    def checked(name: str) -> Callable[..., Any]:
        def change(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the catalogue's takes
            check()
            return plain[name](*arguments, **named)

        return change

    for name in CHANGES:
        setattr(catalog, name, checked(name))
    _checks[catalog] = check
    try:
        yield
    finally:
        del _checks[catalog]
        for name in CHANGES:
            delattr(catalog, name)


def check_held(catalog: Any) -> None:  # noqa: ANN401
    """Raise a ConflictError where the lake of this catalogue was held and is not any more."""
    check = _checks.get(catalog) if catalog is not None else None
    if check is not None:
        check()
