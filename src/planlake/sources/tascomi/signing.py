"""How a Tascomi request is signed: in go the two keys and an instant, out come the headers.

The token names the minute in London, so a signature is good for about that minute and is made anew for each request.
"""

import base64
import hashlib
import hmac
from datetime import datetime

from planlake.clock import LONDON
from planlake.config import Config
from planlake.sources.client import Signer
from planlake.sources.keys import Keys, read_keys


def signed_headers(keys: Keys, instant: datetime) -> dict[str, str]:
    """Headers that authenticate one request made at `instant` (an aware datetime)."""
    minute = instant.astimezone(LONDON).strftime("%Y%m%d%H%M")
    token = hashlib.sha256((keys.public + minute).encode()).hexdigest()
    digest = hmac.new(keys.private.encode(), token.encode(), hashlib.sha256).hexdigest()
    return {"X-Public": keys.public, "X-Hash": base64.b64encode(digest.encode()).decode()}


def signer(config: Config) -> Signer:
    """What makes the headers of each request; reads the keys once, a ConfigurationError where one is missing."""
    keys = read_keys(config)
    return lambda instant: signed_headers(keys, instant)
