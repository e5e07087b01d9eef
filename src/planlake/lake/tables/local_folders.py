"""Makes the folders of a lake on this machine with the right permissions, and tells which files lie in them."""

import os
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

IS_WINDOWS = os.name == "nt"
DRIVE = re.compile(r"^(?:file:)?/*(?=[A-Za-z]:[/\\])")
MODES = {"owner": 0o700, "group": 0o750, "everyone": 0o755}  # by the setting `lake_readers`


def make_folder(place: str | Path, mode: int) -> None:
    """Make a folder with this mode where it is not there; those above it as usual. One that is there stays as it is."""
    folder = Path(place)
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)  # nobody looks in before the mode is set
    folder.chmod(mode)


def with_slashes(path: str) -> str:
    r"""A path of this machine with `/` alone: Windows takes and gives `\` too, and one file has one name.

    What is not in the list of live files is deleted, so that a second spelling would make a live file one of nobody's.
    """
    return DRIVE.sub("", path).replace("\\", "/") if IS_WINDOWS else path


def lying_below(warehouse: str, paths: Iterable[str]) -> list[str]:
    """Those of these paths below a warehouse that lead through no link, so that they are where they say.

    The warehouse itself may be a link, and lie behind others. What lies behind a link in it belongs to somebody else,
    or to another table; the link itself is nobody's file either.
    """
    root = os.path.realpath(warehouse)

    @cache
    def is_real(folder: str) -> bool:
        inside = os.path.relpath(folder, warehouse)
        return not inside.startswith(os.pardir) and os.path.realpath(folder) == os.path.normpath(f"{root}/{inside}")

    return [path for path in paths if is_real(os.path.dirname(path)) and not os.path.islink(path)]  # noqa: PTH114, PTH120
