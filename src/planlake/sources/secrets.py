"""Reads the secrets that the configuration refers to; they are never shown."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from planlake.config import Config
from planlake.config_file import VARIABLE
from planlake.errors import ConfigurationError
from planlake.printable import quoted
from planlake.sources.aws_secrets import read_aws_secret

MOST_BYTES = 2**16
ENVIRONMENT_FILE = "planlake.env"  # what the timers of `planlake schedule` read beside the configuration
known_secrets: set[str] = set()  # those this process has read, so that no error shows them
ON_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Keys:
    """The public and the private key of the API; neither is part of the repr."""

    public: str = field(repr=False)
    private: str = field(repr=False)


def read_keys(config: Config) -> Keys:
    """Tascomi's two keys, each from `PLANLAKE_API_<NAME>` or its place in the file; absent: a ConfigurationError."""
    api = config.source_api()
    return Keys(
        public=_sendable("api.public_key", read_secret("api.public_key", api.public_key, config.folder)),
        private=read_secret("api.private_key", api.private_key, config.folder),
    )


def read_token(config: Config) -> str:
    """The token of an API that takes one, from `PLANLAKE_API_TOKEN` or the reference in the file.

    A ConfigurationError where it is absent, is no token, or would be sent unencrypted.
    """
    api = config.source_api()
    address = urlsplit(api.base_url)
    if address.scheme.lower() != "https" and address.hostname not in ON_THIS_MACHINE:
        raise ConfigurationError("a token is sent over https only", facts={"base_url": api.base_url})
    token = read_secret("api.token", api.token, config.folder)
    if " " in token:
        hint = "a token has no spaces, line breaks or accents; only its place stands in planlake.yaml"
        raise ConfigurationError("what is kept for api.token is not a token", hint=hint)
    return _sendable("api.token", token)


def _sendable(place: str, secret: str) -> str:
    """A secret that is sent in a header as it is."""
    if not secret.isascii():
        hint = "it has accents or other characters that a header cannot hold; only its place stands in planlake.yaml"
        raise ConfigurationError(f"what is kept for {place} is neither a key nor a token", hint=hint)
    return secret


def read_secret(place: str, reference: str, folder: Path) -> str:
    """The secret of a place in the configuration, from `PLANLAKE_<PLACE>` or its reference (files are of `folder`).

    What stands around it, such as the end of a line, is no part of it. Raises ConfigurationError where there is none,
    or where it has several lines, and SourceUnreachable where AWS keeps it and does not answer.
    """
    override = f"PLANLAKE_{place.replace('.', '_').upper()}"
    looked = [f"variable {override} ({_absent(override)})"]
    found = os.environ.get(override, "").strip() or _resolve(reference, folder, looked).strip()
    if found and not found.isprintable():
        hint = "it holds a line break or an invisible character: keep the secret alone, on one line"
        raise ConfigurationError(f"what is kept for {place} is neither a key nor a token", hint=hint)
    if found:
        known_secrets.add(found)
        return found
    hint = "set one of them, or name another place in planlake.yaml: ${VARIABLE}, file:PATH or aws-secret:NAME"
    said = ", then ".join(dict.fromkeys(looked))
    if (kept := folder / ENVIRONMENT_FILE).is_file():
        said += f"; {ENVIRONMENT_FILE} beside the configuration is read by timers, and by no command that is typed"
        hint = f"set -a; . {quoted(str(kept))}; set +a"
    raise ConfigurationError(f"{place} is missing; looked at {said}", hint=hint)


def _resolve(reference: str, folder: Path, looked: list[str]) -> str:
    """The secret behind a reference, empty where there is none; every place tried is added to `looked`."""
    if variable := VARIABLE.fullmatch(reference):
        looked.append(f"variable {variable[1]} ({_absent(variable[1])})")
        return os.environ.get(variable[1], "")
    if reference.startswith("file:"):
        path = folder / reference.removeprefix("file:")
        looked.append(f"file {path} (absent, empty, not readable or larger than a key)")
        return _read_file(path)
    name, _, key = reference.removeprefix("aws-secret:").partition("#")
    found, why_not = read_aws_secret(name, key)
    looked.append(f"AWS secret {name} ({why_not})")
    return found


def _absent(variable: str) -> str:
    return "empty" if variable in os.environ else "not set"


def _read_file(path: Path) -> str:
    """The text of a file, empty where there is none or it is longer than any secret is, as a device may be."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        return content.decode("utf-8-sig") if len(content) <= MOST_BYTES else ""
    except (OSError, ValueError):
        return ""
