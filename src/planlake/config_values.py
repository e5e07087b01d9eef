"""Reads single values of the configuration; a ValueError says why one cannot be taken."""

import os
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator

from planlake.config_file import VARIABLE
from planlake.errors import ConfigurationError

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


def as_spark_says(given: Any) -> Any:  # noqa: ANN401 - what stands in the file
    """A number or a yes as text: YAML has them without quotes."""
    if isinstance(given, bool):
        return str(given).lower()
    return str(given) if isinstance(given, int | float) else given


def reference(text: str) -> str:
    """The place where a key is kept; ValueError where it is none, as a key itself is not."""
    if not (VARIABLE.fullmatch(text) or text.startswith(("file:", "aws-secret:"))):
        raise ValueError("must say where the key is kept: ${VARIABLE}, file:PATH or aws-secret:NAME")
    return printed(at_home(text))


def trouble_of_address(text: str) -> str:
    """What is wrong with the address of an API; empty where nothing is."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
        is_named = bool(host) and (":" in host or bool(host.encode("idna")))
    except ValueError:  # a port that is no number, brackets that do not close, a name longer than names are
        is_named = False
    return "" if is_named and ADDRESS.fullmatch(text) else "is not an address; it looks like https://HOST/rest/v1"


def local_folder(text: str) -> str:
    """The text itself; ValueError where it is an address rather than a folder."""
    if "://" in text:
        raise ValueError("must be a folder of this machine; copy it from there: aws s3 sync FOLDER s3://BUCKET/FOLDER")
    return text


Out = Annotated[str, AfterValidator(at_home), AfterValidator(printed), AfterValidator(local_folder)]


def check_address(text: str) -> None:
    """Refuse what is no address of an API."""
    if trouble_of_address(text):
        message = "--base-url is not an address"  # which is not repeated: there may be a password in it
        raise ConfigurationError(message, hint="it looks like https://HOST/rest/v1")
