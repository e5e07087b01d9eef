"""Splits a page into its records: each one's own text, its id and its hash.

A body is split without being parsed; its records are then parsed once, for their hashes. Records of one resource share
a *shape* (their keys), learnt from the first one, so that parsing a whole page, leaving nulls out and writing in key
order happen in msgspec's own code rather than in Python loops. A page with a record that does not fit the shape is read
record by record, and such a record the slow way, with the same result.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import accumulate
from typing import Any

import msgspec
import pyarrow as pa

from planlake.engines.casts import WHOLE, whole_number
from planlake.sources.encoding import UTF_8, Encoding, as_received, mended
from planlake.sources.scanning import elements, members, without

MOST_RECORDS = 20_000  # of a page
MOST_KEYS = 2000  # of a record: every key is a column; the widest resource has 752
NULL_BODIES = (b"", b"null")
_WHOLE, _ENDS = re.compile(WHOLE), {"integer": 2**31, "long": 2**63}
_AWKWARD_KEY = re.compile(r'["\\\x00-\x1f]|^$')
_HALF = re.compile("[\ud800-\udfff]")
_PAGE = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LENIENT = json.JSONDecoder(strict=False)
_TEXTS = msgspec.json.Decoder(dict[str, str | None])
_SORTED = msgspec.json.Encoder(order="sorted")
_PLAIN = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Record:
    """One record as received: its JSON text in UTF-8, the text of its id (None where it has none) and its hash.

    `is_regular` says that it is an object whose values are all strings or null, with keys that differ by more than
    case; only such records take the engines' fast way. `received` are the bytes that came where the text has others.
    """

    text: bytes
    id: str | None
    hash: str
    is_regular: bool
    is_deleted: bool = False
    received: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one page, column by column, as `Record` describes them.

    `has_no_object` says whether a record is no record at all but a number, a text or a list in place of one.
    """

    texts: pa.Array = field(default_factory=lambda: _column([]), repr=False)
    ids: Sequence[str | None] = ()
    hashes: Sequence[str] = field(default=(), repr=False)
    regular: Sequence[bool] = ()
    deleted: Sequence[bool] = ()
    has_no_object: bool = False
    received: Sequence[bytes | None] = field(default=(), repr=False)  # empty where every text is what came

    def __len__(self) -> int:
        return len(self.hashes)


@dataclass(slots=True)
class Shape:
    """The keys seen so far in records of one resource, and the decoder made from them."""

    key: str
    dropped_keys: tuple[str, ...] = ()
    keys: set[str] = field(default_factory=set)
    decoder: msgspec.json.Decoder[Any] | None = None
    key_field: str = ""

    def learn(self, keys: set[str]) -> None:
        """Add keys and make a new decoder."""
        self.keys |= keys
        fields = [
            (f"f{number}", str | None, msgspec.field(default=None, name=name))
            for number, name in enumerate(sorted(self.keys))
        ]
        if self.key in self.keys:
            self.key_field = f"f{sorted(self.keys).index(self.key)}"
        shape = msgspec.defstruct("Shape", fields, omit_defaults=True, forbid_unknown_fields=True, gc=False)
        self.decoder = msgspec.json.Decoder(shape)


def split_page(body: bytes) -> Sequence[bytes | msgspec.Raw]:
    """The texts of a page's records; an empty or `null` body holds none. Raises ValueError where it is no array."""
    if body.strip() in NULL_BODIES:
        return []
    try:
        return _PAGE.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # for one of its records, or as it is no array
        found = elements(body.decode(errors="surrogateescape"))
        return [text.encode(errors="surrogateescape") for text in found]  # the very bytes, also where they are no UTF-8


def no_records(body: bytes, encoding: Encoding) -> Records:  # noqa: ARG001 - as `read_records` is called
    """For whoever only wants to know that a body is a page: ValueError where it is none."""
    split_page(body)
    return Records()


def read_records(body: bytes, shape: Shape, encoding: Encoding = UTF_8) -> Records:
    """The records of one page from its body; ValueError where it is no array."""
    texts = [bytes(raw) for raw in split_page(body)]
    if len(texts) > MOST_RECORDS:
        raise ValueError(f"the page holds {len(texts):,} records, more than {MOST_RECORDS:,}")
    alike = texts
    for name in shape.dropped_keys:
        if _quoted(name) in body:
            alike = [_without_key(text, name) for text in alike]
    read = _read_alike(alike, shape)
    if read is None and _teach(alike, shape):
        read = _read_alike(alike, shape)
    if read is None:
        pairs = zip(texts, alike, strict=True)
        read = records_of([_read_quickly(quick, shape) or _read_slowly(text, shape, encoding) for text, quick in pairs])
    return _with_bytes(read, encoding) if encoding.wide else read


def _teach(texts: Sequence[bytes], shape: Shape) -> bool:
    """Teach a shape all the keys of a page at once, as a new decoder takes time to make; whether there were any.

    Keys that differ only in case, and those of records that are too wide or not all text, are left out.
    """
    keys, small = set(shape.keys), {key.lower() for key in shape.keys}
    for text in texts:
        try:
            new = _TEXTS.decode(text).keys() - keys
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        lowered = {key.lower() for key in new}
        is_plain = len(lowered) == len(new) and small.isdisjoint(lowered) and not any(map(_AWKWARD_KEY.search, new))
        if new and is_plain and new.isdisjoint(shape.dropped_keys) and len(keys) + len(new) <= MOST_KEYS:
            keys |= new
            small |= lowered
    if keys == shape.keys:
        return False
    shape.learn(keys)
    return True


def _with_bytes(read: Records, encoding: Encoding) -> Records:
    """Records with the bytes that came, of a body that was UTF-16 or 32."""
    before = read.received or [None] * len(read)
    texts = [text.encode() for text in read.texts.to_pylist()]
    came = [known or as_received(text, encoding) for known, text in zip(before, texts, strict=True)]
    return replace(read, received=came)


def records_of(records: Sequence[Record]) -> Records:
    """Single records, column by column."""
    if not records:
        return Records()
    return Records(
        _column([one.text for one in records]),
        [one.id for one in records],
        [one.hash for one in records],
        [one.is_regular for one in records],
        [one.is_deleted for one in records],
        any(not one.is_regular and not one.text.lstrip().startswith(b"{") for one in records),
        [one.received for one in records] if any(one.received is not None for one in records) else (),
    )


def _column(texts: list[bytes], joined: bytes | None = None) -> pa.Array:
    """Texts as one piece of memory instead of many; `joined` is that piece where it is there already."""
    ends = pa.array(accumulate(map(len, texts), initial=0), pa.int64())
    memory = [None, ends.buffers()[1], pa.py_buffer(b"".join(texts) if joined is None else joined)]
    return pa.Array.from_buffers(pa.large_binary(), len(texts), memory).cast(pa.large_string())


def _read_alike(texts: list[bytes], shape: Shape) -> Records | None:
    """The records of a page on which all of them fit the shape, in a few calls for all; None for any other page."""
    if shape.decoder is None or not texts:
        return None
    joined = b"".join(texts)
    try:
        values = shape.decoder.decode_lines(joined)  # which asks for nothing between one record and the next
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    written = _PLAIN.encode_lines(values)
    if len(values) != len(texts) or b"\\u0000" in written:
        return None
    ids = [getattr(one, shape.key_field) for one in values] if shape.key_field else [None] * len(texts)
    hashes = [_digest(canonical) for canonical in written.split(b"\n")[: len(texts)]]
    return Records(_column(texts, joined), ids, hashes, [True] * len(texts), [False] * len(texts))


def _read_quickly(text: bytes, shape: Shape) -> Record | None:
    """One record of texts and nulls, by the shape or teaching it; None for any other."""
    if shape.decoder is not None:
        try:
            values = shape.decoder.decode(text)
            canonical = _PLAIN.encode(values)
            if b"\\u0000" not in canonical:
                record_id = getattr(values, shape.key_field) if shape.key_field else None
                return Record(text, record_id, _digest(canonical), is_regular=True)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    return _read_regular(text, shape)


def _read_slowly(raw: bytes, shape: Shape, encoding: Encoding) -> Record:
    """One record of any kind: without the keys that are dropped, however they are written, and in UTF-8."""
    received = raw.decode(errors="surrogateescape")
    if "\\u" in received or any(name in received for name in shape.dropped_keys):
        received = without(received, shape.dropped_keys)
    text = mended(received, encoding).encode(errors="replace")
    before = as_received(received.encode(errors="surrogateescape"), encoding)
    record = _read_regular(text, shape) or _read_irregular(text, shape)
    return record if before == text else replace(record, received=before)


def plain_id(identity: str | None) -> str | None:
    """An id as a number writes it, without leading zeros or a plus, so that it equals the one that is held.

    What is no number, or one of more digits than any type has, stays as it is: such a record is refused later.
    """
    if identity and identity[0] in "0+-" and _WHOLE.fullmatch(identity):
        return str(int(identity))
    return identity


def usable_id(identity: str | None, type_name: str) -> str | None:
    """An id as a key of this type holds it; None where it can hold no such id."""
    if identity is None or type_name not in _ENDS:
        return identity
    number, end = whole_number(identity), _ENDS[type_name]
    return str(number) if number is not None and -end <= number < end else None


def tombstone(text: str, record_id: str) -> Record:
    """What is kept of a record that was deleted: its id, and that it is gone."""
    return Record(text.encode(), record_id, _digest(b"deleted"), is_regular=True, is_deleted=True)


def texts_of(text: str) -> dict[str, str | None] | None:
    """The values of a record as text by key, exactly as they stand; None where it makes no row, as `why_no_row` says.

    For the records that are not regular: a number keeps its digits, a nested value its JSON, a lone surrogate
    becomes U+FFFD, and in a key its number. Of a key that comes twice the last value counts.
    """
    values = _texts(text)
    return values if values is None or len(values) <= MOST_KEYS else None


def why_no_row(text: str) -> str:
    """Why a record of this text has no values that make a row; empty where it has."""
    values = _texts(text)
    if values is None:
        return "not a JSON object"
    return f"more than {MOST_KEYS:,} keys" if len(values) > MOST_KEYS else ""


def _texts(text: str) -> dict[str, str | None] | None:
    try:
        return {_clean_key(one.key): _text_of(text[one.value : one.end]) for one in members(text)}
    except ValueError:
        return None


def members_of(body: bytes) -> dict[str, bytes]:
    """The values of a JSON object by key, each as it is written; ValueError where the body is no object."""
    try:
        return {key: bytes(value) for key, value in _OBJECT.decode(body).items()}
    except (
        msgspec.DecodeError,
        UnicodeDecodeError,
        RecursionError,
    ):  # what msgspec refuses in one record fails no other
        text = body.decode(errors="surrogateescape")
    try:
        return {one.key: text[one.value : one.end].encode(errors="surrogateescape") for one in members(text)}
    except ValueError:
        raise ValueError("the body is not a JSON object") from None


def _text_of(written: str) -> str | None:
    """A value as text: what a string says, everything else as it is written."""
    if written == "null":
        return None
    return _clean(str(_LENIENT.decode(written)) if written.startswith('"') else written)


def _clean(text: str) -> str:
    """Text that can be stored as UTF-8: halves of a surrogate pair that stand alone become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _clean_key(key: str) -> str:
    r"""A key that can be stored: a half of a surrogate pair stands as `\ud800`, so that no two keys become one."""
    return key if key.isascii() else _HALF.sub(lambda found: f"\\u{ord(found[0]):04x}", key)


def _read_regular(raw: bytes, shape: Shape) -> Record | None:
    """The record by way of a dictionary, teaching the shape its keys; None where it is not regular."""
    try:
        values = _TEXTS.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    names = shape.keys | values.keys()
    if len(names) > MOST_KEYS:  # no table is that wide, and a shape would take for ever to learn
        return None
    if not values.keys().isdisjoint(shape.dropped_keys):
        return None
    canonical = _SORTED.encode({name: value for name, value in values.items() if value is not None})
    if len({name.lower() for name in names}) < len(names) or b"\\u0000" in canonical:
        return None
    if any(_AWKWARD_KEY.search(name) for name in values.keys() - shape.keys):
        return None
    shape.learn(set(values))
    return Record(raw, values.get(shape.key), _digest(canonical), is_regular=True)


def _read_irregular(raw: bytes, shape: Shape) -> Record:
    values = _texts(raw.decode())
    if values is None:
        return Record(raw, None, _digest(raw), is_regular=False)
    present = {name: value for name, value in values.items() if value is not None}
    return Record(raw, present.get(shape.key), _digest(_SORTED.encode(present)), is_regular=False)


def _without_key(raw: bytes, name: str) -> bytes:
    """The record's text without one key and its value, a text or null.

    In an object of nothing but texts and nulls it is the key that was meant; of any other the outcome is not used.
    """
    start = raw.find(_quoted(name))
    if start < 0 or raw[max(0, start - 20) : start].rstrip()[-1:] not in (b"{", b","):
        return raw
    member = _member(name).match(raw, start)
    if member is None:
        return raw
    end = start
    while not member[1] and raw[end - 1 : end] in (b" ", b"\n", b"\t", b"\r", b","):  # the comma before the last member
        end -= 1
        if raw[end : end + 1] == b",":
            break
    return raw[:end] + raw[member.end() :]


@cache
def _quoted(name: str) -> bytes:
    return b'"' + name.encode() + b'"'


@cache
def _member(name: str) -> re.Pattern[bytes]:
    return re.compile(re.escape(_quoted(name)) + rb'\s*:\s*(?:null|"[^"\\]*(?:\\.[^"\\]*)*")\s*(,?)\s*')


def _digest(canonical: bytes) -> str:
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()
