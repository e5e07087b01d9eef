"""Chooses how requests of an API are signed, by the kind that its dialect names."""

from contextlib import AbstractAsyncContextManager
from functools import partial

from planlake.config import Config
from planlake.sources.dialect import Dialect
from planlake.sources.http.client import Signer, Source, open_source
from planlake.sources.secrets import read_token
from planlake.sources.tascomi.signing import signer


def signer_of(config: Config, dialect: Dialect) -> Signer:
    """What signs each request; a ConfigurationError where a key or token is missing."""
    if dialect.signing == "none":
        return lambda _: {}
    return bearer(config) if dialect.signing == "bearer" else signer(config)


def bearer(config: Config) -> Signer:
    """The same header for every request: it carries the token, which is read once."""
    headers = {"Authorization": f"Bearer {read_token(config)}"}
    return lambda _: headers


def opened_source(config: Config, dialect: Dialect) -> AbstractAsyncContextManager[Source]:
    """Connect to the API of the configuration, signing as its dialect says; keys are read again after a 401."""
    return open_source(config, signer_of(config, dialect), dialect, partial(signer_of, config, dialect))
