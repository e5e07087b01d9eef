"""Finds the proxy that a request goes through, in the variables of the environment.

aiohttp's own way (`trust_env`) is not used: it would also take a name and a password for the API's host out of
~/.netrc, and send them in place of ours.
"""

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment

from planlake.errors import ConfigurationError

PORTS = {"http": 80, "https": 443}
HINT = "it looks like http://HOST:PORT; NO_PROXY names hosts that are reached without it"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: its address, perhaps with a name and a password, and the `name` of it that messages show."""

    address: str = field(repr=False)
    name: str


def proxy_of(address: str) -> Proxy | None:
    """The proxy for an address by HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, None where there is none.

    This machine itself is never reached through one, and nothing that is no address: whoever asks it says so.
    Raises ConfigurationError where the variable names no HTTP proxy.
    """
    known = getproxies_environment()
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").rstrip("."), parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None
    kind = parts.scheme if parts.scheme in known else "all"
    if kind not in known or _is_here(host) or _is_spared(host, port, known.get("no", "")):
        return None
    return _proxy(known[kind], f"{kind.upper()}_PROXY")


def through(proxy: Proxy | None) -> dict[str, object]:
    """A proxy as a fact of a message."""
    return {"proxy": proxy.name} if proxy else {}


def _proxy(given: str, variable: str) -> Proxy:
    try:
        parts = urlsplit(given if "://" in given else f"http://{given}")
        host, port = parts.hostname or "", parts.port
        user = unquote(parts.username or "").encode("latin-1")  # all that aiohttp takes
        unquote(parts.password or "").encode("latin-1")
    except ValueError:
        host, user = "", b""
    if not host or b":" in user:
        raise _unusable(variable, "is not an address")
    if parts.scheme not in PORTS:
        raise _unusable(variable, f"names a proxy that speaks {parts.scheme}, not HTTP")
    shown = f"[{host}]" if ":" in host else host
    login, at, _ = parts.netloc.rpartition("@")
    name = f"{shown}:{port}" if port else shown
    return Proxy(f"{parts.scheme}://{login}{at}{name}", name)


def _unusable(variable: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"the variable {variable} {why}", state="Nothing was asked", hint=HINT)


def _is_here(host: str) -> bool:
    """Whether a host is this machine: a proxy would look for it on its own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_spared(host: str, port: int | None, spared: str) -> bool:
    """Whether NO_PROXY names a host: it, a domain it is in, a network its address is in, or `*`."""
    names = [one.strip().lower() for one in spared.split(",") if one.strip()]
    return any(_is_meant(host, port, name) for name in names)


def _is_meant(host: str, port: int | None, name: str) -> bool:
    if "/" in name:
        try:
            return ip_address(host) in ip_network(name, strict=False)
        except ValueError:
            return False
    domain = name.removeprefix("*").removeprefix(".").removesuffix(f":{port}").strip("[]")
    return name == "*" or host == domain or host.endswith(f".{domain}")
