"""Makes UTF-8 of received bytes, and says how they were encoded where that was something else.

JSON is UTF-8. Where a text of a record is not, it alone is read in another way: as the charset that the answer declares
where it can be that, else as Windows-1252, which gives any bytes a meaning. All around it stays as it is.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

_CHARSET = re.compile(r"""charset\s*=\s*["']?([^\s;"',]+)""", re.IGNORECASE)
_TEXT = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BYTES = re.compile("[\udc80-\udcff]")  # each a byte that is no UTF-8
_LENIENT = json.JSONDecoder(strict=False)
_ASCII = bytes(range(32, 127))
_MARK = b"\xef\xbb\xbf"  # may stand before UTF-8, and says nothing
_BYTE_ORDERS = {b"\xff\xfe\x00\x00": "utf-32-le", b"\x00\x00\xfe\xff": "utf-32-be", b"\xff\xfe": "utf-16-le"}
_BYTE_ORDERS |= {b"\xfe\xff": "utf-16-be"}
_AS_ON_THE_WEB = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252"}
_WINDOWS_1252 = {
    number: bytes([number]).decode("cp1252")
    for number in range(0x80, 0xA0)
    if number not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)  # which stay the control characters they are in Latin-1
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """How an answer's bytes are text: the charset it declares, and the one of its body where that is UTF-16 or 32."""

    declared: str = ""
    wide: str = ""


UTF_8 = Encoding()


def in_utf_8(body: bytes, headers: Mapping[str, str]) -> tuple[bytes, Encoding]:
    """A JSON body without a byte order mark, in UTF-8 where it is UTF-16 or 32, and how it came."""
    if body.startswith(_MARK):
        body = body.removeprefix(_MARK)
    said = _CHARSET.search(next((value for name, value in headers.items() if name.lower() == "content-type"), ""))
    declared = said[1].lower() if said else ""
    mark = next((mark for mark in _BYTE_ORDERS if body.startswith(mark)), b"")
    wide = _BYTE_ORDERS.get(mark) or json.detect_encoding(body)
    if wide.startswith(("utf-16", "utf-32")):
        try:
            text = body.removeprefix(mark).decode(wide, "surrogatepass")
        except UnicodeDecodeError:
            return body, Encoding(declared)
        return text.encode(errors="surrogatepass"), Encoding(declared, wide)
    return body, Encoding(declared)


def mended(text: str, encoding: Encoding) -> str:
    """A record's text with each text in quotes read by itself; bytes that are no UTF-8 stand in it as surrogates."""
    return _TEXT.sub(lambda found: _read(found[0], encoding), text) if _BYTES.search(text) else text


def as_received(text: bytes, encoding: Encoding) -> bytes:
    """The bytes of a record as they came, from those in UTF-8."""
    return text.decode(errors="surrogatepass").encode(encoding.wide, "surrogatepass") if encoding.wide else text


def _read(text: str, encoding: Encoding) -> str:
    """One text in quotes."""
    if not _BYTES.search(text):
        return text
    raw = text.encode(errors="surrogateescape")
    if encoding.wide:
        return raw.decode(errors="surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _as_declared(raw, encoding.declared) or raw.decode("latin-1").translate(_WINDOWS_1252)


def _as_declared(raw: bytes, declared: str) -> str:
    """A text in quotes by the declared charset; empty where that is none, or cannot be what this is written in."""
    charset = _AS_ON_THE_WEB.get(declared, declared)
    try:
        if _ASCII.decode(charset) != _ASCII.decode():
            return ""
        text = raw.decode(charset)
        return text if isinstance(_LENIENT.decode(text), str) else ""
    except (LookupError, ValueError):
        return ""
