"""Signs a request of Tascomi: makes its headers from the two keys and an instant.

The token names the minute in London, so a signature is good for about that minute, for every request made in it.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from planlake.clock import LONDON
from planlake.config import Config
from planlake.sources.http.client import Signer
from planlake.sources.secrets import Keys, read_keys


def signed_headers(keys: Keys, instant: datetime) -> Mapping[str, str]:
    """Headers that authenticate one request made at `instant` (an aware datetime)."""
    return _headers(keys, instant.astimezone(LONDON).strftime("%Y%m%d%H%M"))


@lru_cache(maxsize=1)
def _headers(keys: Keys, minute: str) -> Mapping[str, str]:
    token = hashlib.sha256((keys.public + minute).encode()).hexdigest()
    digest = hmac.new(keys.private.encode(), token.encode(), hashlib.sha256).hexdigest()
    return {"X-Public": keys.public, "X-Hash": base64.b64encode(digest.encode()).decode()}


def signer(config: Config) -> Signer:
    """What makes the headers of each request; reads the keys once, a ConfigurationError where one is missing."""
    keys = read_keys(config)
    return lambda instant: signed_headers(keys, instant)
