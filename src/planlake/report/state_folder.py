"""Where what a user typed is kept: outside of the lake, as state lives in tables and this is nobody else's."""

import os
from pathlib import Path


def state_folder() -> Path:
    """Where programs keep what they remember of a user: XDG_STATE_HOME, or what the machine has for it."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "planlake"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "planlake"
