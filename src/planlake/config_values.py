"""Reads single values of the configuration; a ValueError says why one cannot be taken."""

import os
import re
from urllib.parse import urlsplit

ADDRESS = re.compile(r"(?i:https?)://[^\s/?#@]+(/[^\s?#]*)?")


def at_home(text: str) -> str:
    """A path or a reference to a file with `~` replaced; ValueError where no such home folder is known."""
    start, found, path = text.partition("~")
    if not found or start not in ("", "file:", "sqlite:///"):
        return text
    home = os.path.expanduser(f"~{path}")  # noqa: PTH111 - pathlib's raises what is no ValueError
    if home.startswith("~"):
        raise ValueError("begins with ~, and no such home folder is known")
    return f"{start}{home}"


def printed(text: str) -> str:
    """The text itself; ValueError where a sign in it cannot be seen."""
    if not text.isprintable():
        raise ValueError("holds a line break or another invisible character")
    return text


def no_truth(given: object) -> object:
    """The value itself; ValueError where it is true or false, which Python takes for 1 and 0."""
    if isinstance(given, bool):
        raise ValueError("is not a number")
    return given


def filled(text: str) -> str:
    """The text itself; ValueError where it says nothing."""
    if not text.strip():
        raise ValueError("is empty")
    return text


def trouble_of_address(text: str) -> str:
    """What is wrong with the address of an API; empty where nothing is."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
        is_named = bool(host) and (":" in host or bool(host.encode("idna")))
    except ValueError:  # a port that is no number, brackets that do not close, a name longer than names are
        is_named = False
    return "" if is_named and ADDRESS.fullmatch(text) else "is not an address; it looks like https://HOST/rest/v1"
