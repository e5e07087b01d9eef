"""Shows addresses in messages without the secrets they may hold."""

import re
from urllib.parse import urljoin, urlsplit, urlunsplit

# What is meant as an address, however its beginning is misspelt: `htps://`, `https:/`, `//host`, `user@host`.
_MEANT = re.compile(r"^\w*:?//|^[A-Za-z][A-Za-z0-9+.-]+:/|[?#]|:[^/]*@|\.html?[/;&]")
_NO_PATH = re.compile(r"[?#;].*", re.DOTALL)
_PAGE = re.compile(r"\.html?(?=$|[/&])|\.html")
HIDDEN = "the address given"


def is_address(place: str) -> bool:
    """Whether a place is an address rather than a file."""
    return place.lower().startswith(("http://", "https://"))


def is_meant_as_address(place: str) -> bool:
    """Whether a place is an address, or a misspelt one, which may hold a key as well."""
    return is_address(place) or bool(_MEANT.search(place))


def shown_place(place: str) -> str:
    """A place as messages may show it: an address without whatever may be a key."""
    if not is_meant_as_address(place):
        return place
    try:
        parts = urlsplit(place)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return HIDDEN
    if not is_address(place):
        return _shown_misspelt(place)
    host = f"[{host}]" if ":" in host else host
    return printable(urlunsplit((parts.scheme, host + port, _page(parts.path), "", "")))


def _shown_misspelt(place: str) -> str:
    """What is left of something that is no address: nothing before an @, and nothing behind the page."""
    kept = _NO_PATH.sub("", place)
    return printable(_page(kept.rpartition("@")[2])) or HIDDEN


def _page(path: str) -> str:
    """A path up to its page: the vendor's pages have the key right behind it."""
    found = _PAGE.search(path)
    return path[: found.end()] if found else path


def printable(text: str) -> str:
    """Text without what a terminal would take for a command."""
    return "".join(one if one.isprintable() else "?" for one in text)


def moved_to(asked: str, location: str, resource: str) -> tuple[str, str]:
    """Where a redirect leads, and the `base_url` that would make it needless; empty where there is none of either."""
    if not location.strip():
        return "", ""
    try:
        target = shown_place(urljoin(asked, location.strip()))
    except ValueError:
        return HIDDEN, ""
    end, own = f"/{resource}", asked.partition("?")[0].removesuffix(f"/{resource}")
    base = target.removesuffix("/").removesuffix(end) if target.removesuffix("/").endswith(end) else ""
    return target, base if is_address(base) and base != own else ""
