"""Takes secrets out of what is printed of an error: other libraries write into theirs what they were given."""

import os
import re
from collections.abc import Iterator

from planlake.config import Config
from planlake.lake.aws.clients import VARIABLES, is_secret
from planlake.sources.secrets import known_secrets

SHORTEST = 4  # what is shorter is no secret, and part of many words
HIDDEN = "[hidden]"
PASSWORD = re.compile("//[^/@]*:([^/@]+)@")


def without_secrets(text: str, config: Config | None, *, is_defect: bool = False) -> str:
    """The text with no key, token or password in it, whole or in part.

    Of a defect nobody knows what it shows, so that no property of a catalogue is shown.
    """
    known = {part for secret in _secrets(config, is_defect=is_defect) for part in _parts(secret)}
    for part in sorted(known, key=len, reverse=True):
        text = text.replace(part, HIDDEN)
    return text


def _secrets(config: Config | None, *, is_defect: bool) -> Iterator[str]:
    yield from known_secrets
    yield from (os.environ.get(name, "") for name in VARIABLES)
    for environment in config.environments.values() if config is not None else ():
        catalog = environment.catalog
        yield from PASSWORD.findall(catalog.uri)
        yield from (value for name, value in catalog.properties.items() if is_defect or is_secret(name))


def _parts(secret: str) -> Iterator[str]:
    """A secret and what stands between its line breaks, accents and colons, which a library may write otherwise."""
    parts = (secret, *re.split(r"[^!-~]+|:", secret))
    yield from (part for part in parts if len(part) >= SHORTEST and part not in ("http", "https"))
