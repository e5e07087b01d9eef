"""Records from a page: in goes the body as received, out comes each record's own text, its id and its hash.

A body is split without being parsed; each record is then parsed once, for its hash. Records of one resource share a
*shape* (their keys), learnt from the first one, so that parsing, leaving nulls out and writing in key order happen in
msgspec's own code rather than in Python loops. A record that does not fit the shape takes the slow way, with the same
result.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

import msgspec

NULL_BODIES = (b"", b"null")
_PAGE = msgspec.json.Decoder(list[msgspec.Raw])
_TEXTS = msgspec.json.Decoder(dict[str, str | None])
_SORTED = msgspec.json.Encoder(order="sorted")
_PLAIN = msgspec.json.Encoder()
_ESCAPE_TO_AVOID = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


@dataclass(frozen=True, slots=True)
class Record:
    """One record as received: its JSON text, the text of its id (None where it has none) and its hash.

    `is_regular` says that it is an object whose values are all strings or null, with keys that differ by more than
    case; only such records take the engines' fast way.
    """

    text: str
    id: str | None
    hash: str
    is_regular: bool
    is_deleted: bool = False


@dataclass(slots=True)
class Shape:
    """The keys seen so far in records of one resource, and the decoder made from them."""

    key: str
    dropped_keys: tuple[str, ...] = ()
    keys: set[str] = field(default_factory=set)
    decoder: msgspec.json.Decoder[Any] | None = None
    key_field: str = ""

    def learn(self, keys: set[str]) -> None:
        """Add keys and make the decoder anew."""
        self.keys |= keys
        fields = [
            (f"f{number}", str | None, msgspec.field(default=None, name=name))
            for number, name in enumerate(sorted(self.keys))
        ]
        if self.key in self.keys:
            self.key_field = f"f{sorted(self.keys).index(self.key)}"
        shape = msgspec.defstruct("Shape", fields, omit_defaults=True, forbid_unknown_fields=True, gc=False)
        self.decoder = msgspec.json.Decoder(shape)


def split_page(body: bytes) -> list[bytes]:
    """The texts of a page's records; an empty or `null` body holds none. Raises ValueError where it is no array."""
    if body.strip() in NULL_BODIES:
        return []
    try:
        return [bytes(raw) for raw in _PAGE.decode(body)]
    except msgspec.DecodeError as error:
        raise ValueError(f"the body is no JSON array of records: {error}") from None


def read_record(raw: bytes, shape: Shape) -> Record:
    """One record from its bytes."""
    for name in shape.dropped_keys:
        raw = _without_key(raw, name)
    if b"\\u" not in raw or not _ESCAPE_TO_AVOID.search(raw):
        if shape.decoder is not None:
            try:
                values = shape.decoder.decode(raw)
                canonical = _PLAIN.encode(values)
                record_id = getattr(values, shape.key_field) if shape.key_field else None
                return Record(raw.decode(), record_id, _digest(canonical), is_regular=True)
            except (msgspec.DecodeError, UnicodeDecodeError):
                pass
        regular = _read_regular(raw, shape)
        if regular is not None:
            return regular
    return _read_irregular(raw, shape)


def tombstone(text: str, record_id: str) -> Record:
    """What is kept of a record that was deleted: its id, and that it is gone."""
    return Record(text, record_id, _digest(b"deleted"), is_regular=True, is_deleted=True)


def texts_of(text: str) -> dict[str, str | None] | None:
    """The values of a record as text by key, exactly as they stand; None where it is no object.

    For the records that are not regular: a number keeps its digits, a nested value its JSON, a lone surrogate
    becomes U+FFFD.
    """
    try:
        values = json.loads(text, parse_float=_Text, parse_int=_Text, parse_constant=_Text)
    except ValueError:
        return None
    if not isinstance(values, dict):
        return None
    return {_clean(key): _text_of(value) for key, value in values.items()}


class _Text(str):
    """The digits of a number as they stand in the JSON."""

    __slots__ = ()


def _text_of(value: Any) -> str | None:  # noqa: ANN401 - untyped JSON
    if value is None:
        return None
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _clean(json.dumps(value, ensure_ascii=False))


def _clean(text: str) -> str:
    """Text that can be stored as UTF-8: halves of a surrogate pair that stand alone become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _read_regular(raw: bytes, shape: Shape) -> Record | None:
    """The record by way of a dictionary, teaching the shape its keys; None where it is not regular."""
    try:
        values = _TEXTS.decode(raw)
        text = raw.decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    names = shape.keys | values.keys()
    if len({name.lower() for name in names}) < len(names) or "" in names:
        return None
    shape.learn(set(values))
    canonical = _SORTED.encode({name: value for name, value in values.items() if value is not None})
    return Record(text, values.get(shape.key), _digest(canonical), is_regular=True)


def _read_irregular(raw: bytes, shape: Shape) -> Record:
    text = _decoded(raw)
    values = texts_of(text)
    if values is None:
        return Record(text, None, _digest(raw), is_regular=False)
    present = {name: value for name, value in values.items() if value is not None}
    return Record(text, present.get(shape.key), _digest(_SORTED.encode(present)), is_regular=False)


def _decoded(raw: bytes) -> str:
    """The bytes as text; where they are not UTF-8, every byte is the character of its number, so none is lost."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _without_key(raw: bytes, name: str) -> bytes:
    """The record's text without one top-level key and its value, a string or null."""
    quoted = b'"' + name.encode() + b'"'
    start = raw.find(quoted)
    if start < 0 or raw[:start].rstrip()[-1:] not in (b"{", b","):
        return raw
    member = re.compile(re.escape(quoted) + rb'\s*:\s*(?:null|"(?:[^"\\]|\\.)*")\s*(,?)\s*').match(raw, start)
    if member is None:
        return raw
    head = raw[:start].rstrip()
    if not member[1] and head.endswith(b","):
        head = head[:-1]
    return head + raw[member.end() :]


def _digest(canonical: bytes) -> str:
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()
