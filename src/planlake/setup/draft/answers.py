"""Takes an answer apart whose shape is not known yet: its lists of records, and the figures it says of itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from planlake.sources.dialect import FIGURE, HIGHEST, IN_BODY, IN_HEADER
from planlake.sources.encoding import in_utf_8
from planlake.sources.records import members_of, split_page

DEEPEST = 3  # objects that lists and figures are looked for in
OF_PAGING = re.compile(r"total|count|results|page|limit|offset|size")
OF_LIMITS = re.compile(r"rate|length|retry|quota")  # headers with figures that say nothing of records
LINK = re.compile(r"[?&]([^=&\"'<>\s]{1,40})=")  # a parameter in an address
SECRET = re.compile(r"token|cursor|key|sign|auth", re.IGNORECASE)
BESIDE = re.compile(r"(.*\.)?_?(links|errors|warnings|messages)", re.IGNORECASE)  # lists that stand beside records


@dataclass(frozen=True, slots=True)
class Seen:
    """The lists of an answer by their path in the body (empty: the body itself), and its figures by their place.

    A place is as a dialect writes it: `body:meta.total`, `header:X-Total-Count`. `linked` are the parameters in links
    to other pages.
    """

    lists: Mapping[str, Sequence[bytes]] = field(repr=False)
    figures: Mapping[str, int]
    linked: tuple[str, ...] = ()

    def records(self, path: str) -> list[bytes]:
        """The texts of the records in one of the lists; none where there is no such list."""
        return [bytes(one).strip() for one in self.lists.get(path, ())]

    @property
    def paths(self) -> list[str]:
        """The lists of objects, those that look like records first, and of these the longest."""
        found = [path for path, texts in self.lists.items() if texts and all(map(_is_object, texts))]
        return sorted(found, key=lambda path: (bool(BESIDE.fullmatch(path)), -len(self.lists[path])))

    @property
    def has_nested(self) -> bool:
        """Whether a list holds lists in place of records."""
        return any(bytes(one).lstrip()[:1] == b"[" for texts in self.lists.values() for one in texts)


def take_apart(body: bytes, headers: Mapping[str, str]) -> Seen:
    """The lists and figures of an answer; ValueError where it is no JSON of either kind."""
    text, _ = in_utf_8(body, headers)
    figures = {
        f"{IN_HEADER}{name.title()}": int(said)
        for name, said in headers.items()
        if OF_PAGING.search(name) and not OF_LIMITS.search(name) and _is_figure(said)
    }
    lists: dict[str, Sequence[bytes]] = {}
    if text.lstrip()[:1] == b"{":
        _look(members_of(text), "", lists, figures)
    else:
        lists[""] = [bytes(one) for one in split_page(text)]
    beside = text if not lists else _without(text, lists)
    names = [*LINK.findall(headers.get("link", "")), *LINK.findall(beside.decode("utf-8", "replace"))]
    return Seen(lists, figures, tuple(dict.fromkeys(unquote(name) for name in names if not SECRET.search(name))))


def _without(text: bytes, lists: Mapping[str, Sequence[bytes]]) -> bytes:
    """What stands beside the records: links to pages, not those that records hold."""
    for records in lists.values():
        for one in records:
            text = text.replace(one, b"", 1)
    return text


def _look(
    members: Mapping[str, bytes], before: str, lists: dict[str, Sequence[bytes]], figures: dict[str, int]
) -> None:
    for name, value in members.items():
        path, text = f"{before}{name}", value.strip()
        if "." in name or not name:  # a path has dots between its names
            continue
        if text[:1] == b"[":
            lists[path] = [bytes(one) for one in split_page(text)]
        elif text[:1] == b"{" and path.count(".") < DEEPEST - 1:
            _look(members_of(text), f"{path}.", lists, figures)
        elif _is_figure(said := text.decode("ascii", "replace").strip('"')):
            figures[f"{IN_BODY}{path}"] = int(said)


def _is_figure(said: str) -> bool:
    return len(said) <= len(str(HIGHEST)) and bool(FIGURE.fullmatch(said)) and 0 <= int(said) <= HIGHEST


def _is_object(text: bytes) -> bool:
    return bytes(text).lstrip()[:1] == b"{"
