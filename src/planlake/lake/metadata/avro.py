"""Reads the records of an Avro file, as lists of files are; what is not as it should be is refused, never guessed.

Every length is held against what is there: noise ends in an error, not beyond the file.
"""

import bz2
import json
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

import pyarrow as pa

Read = Callable[[bytes, int], tuple[Any, int]]  # of a file from a place on: a value, and the place after it
MAGIC = b"Obj\x01"
SYNC_BYTES = 16
LONGEST_NUMBER = 63  # bits before the last seven of a number
NOISE = (ValueError, LookupError, TypeError, AttributeError, RecursionError, struct.error, zlib.error)


def records_of(content: bytes) -> Iterator[Any]:
    """The records of a file, each by the Iceberg numbers of its fields.

    Raises one of NOISE where it is damaged.
    """
    if not content.startswith(MAGIC):
        raise ValueError("not an Avro file")
    header, place = _map(content, len(MAGIC), _text)  # all of it text, as pyiceberg has it: else it is damaged
    sync, place = _taken(content, place, SYNC_BYTES)
    read, unpacked = _reader_of(header["avro.schema"]), CODECS[header.get("avro.codec", "null")]
    while place < len(content):
        count, place = _number(content, place)
        packed, place = _bytes(content, place)
        block, at = unpacked(packed), 0
        for _ in range(count):
            record, at = read(block, at)
            yield record
        after, place = _taken(content, place, SYNC_BYTES)
        if at != len(block) or after != sync:
            raise ValueError("a block does not end where it should")


def _inflated(packed: bytes) -> bytes:
    return zlib.decompress(packed, wbits=-zlib.MAX_WBITS)


def _unzipped(packed: bytes) -> bytes:
    try:
        return bz2.decompress(packed)
    except OSError as error:  # no file is gone
        raise ValueError("noise in a block") from error


def _of_zstandard(packed: bytes) -> bytes:
    try:
        return bytes(pa.input_stream(pa.BufferReader(packed), compression="zstd").read())
    except OSError as error:
        raise ValueError("noise in a block") from error


def _number(data: bytes, at: int) -> tuple[int, int]:
    shift = found = 0
    while True:
        byte = data[at]
        at += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (found >> 1) ^ -(found & 1), at
        shift += 7
        if shift > LONGEST_NUMBER:
            raise ValueError("a number does not end")


def _taken(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    after = at + size
    if size < 0 or after > len(data):
        raise ValueError("a length reaches beyond the file")
    return data[at:after], after


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = _number(data, at)
    return _taken(data, at, size)


def _text(data: bytes, at: int) -> tuple[str, int]:
    found, at = _bytes(data, at)
    return found.decode(), at


def _truth(data: bytes, at: int) -> tuple[bool, int]:
    return {0: False, 1: True}[data[at]], at + 1


def _nothing(_: bytes, at: int) -> tuple[None, int]:
    return None, at


def _unpacking(kind: str) -> Read:
    size = struct.calcsize(kind)

    def read(data: bytes, at: int) -> tuple[float, int]:
        found, at = _taken(data, at, size)
        return struct.unpack(kind, found)[0], at

    return read


def _items(data: bytes, at: int, read: Read) -> tuple[list[Any], int]:
    """The items of an array or a map, which come in blocks, each after their count; a count of 0 ends them."""
    found = list[Any]()
    while True:
        count, at = _number(data, at)
        if count < 0:  # then the length of the block follows
            count, (_, at) = -count, _number(data, at)
        if count == 0:
            return found, at
        if count > len(data):
            raise ValueError("more items than bytes")
        for _ in range(count):
            item, at = read(data, at)
            found.append(item)


def _map(data: bytes, at: int, read: Read) -> tuple[dict[str, Any], int]:
    def pair(data: bytes, at: int) -> tuple[tuple[str, Any], int]:
        key, at = _text(data, at)
        value, at = read(data, at)
        return (key, value), at

    found, at = _items(data, at, pair)
    return dict(found), at


CODECS: Mapping[str, Callable[[bytes], bytes]] = {  # that pyiceberg reads
    "null": bytes,
    "deflate": _inflated,
    "bzip2": _unzipped,
    "zstandard": _of_zstandard,
}
PLAIN: Mapping[str, Read] = {
    "null": _nothing,
    "boolean": _truth,
    "int": _number,
    "long": _number,
    "float": _unpacking("<f"),
    "double": _unpacking("<d"),
    "bytes": _bytes,
    "string": _text,
}


@cache
def _reader_of(schema: str) -> Read:
    """What reads a record; a lake has a handful of layouts, and each is worked out once."""
    return _reader(json.loads(schema), {})


def _reader(schema: Any, named: dict[str, Read]) -> Read:  # noqa: ANN401 - JSON
    if isinstance(schema, list):
        return _union([_reader(one, named) for one in schema])
    if isinstance(schema, str):
        return named[schema] if schema in named else PLAIN[schema]
    makes: Mapping[str, Callable[[Mapping[str, Any], dict[str, Read]], Read]]
    makes = {"record": _record, "array": _array, "map": _mapped, "fixed": _fixed}
    kind = schema["type"]
    return makes[kind](schema, named) if kind in makes else _reader(kind, named)


def _union(reads: list[Read]) -> Read:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        which, at = _number(data, at)
        if which < 0:
            raise ValueError("a kind that there is not")
        return reads[which](data, at)

    return read


def _record(schema: Mapping[str, Any], named: dict[str, Read]) -> Read:
    fields = [(one.get("field-id", one["name"]), _reader(one["type"], named)) for one in schema["fields"]]

    def read(data: bytes, at: int) -> tuple[dict[int | str, Any], int]:
        found = {}
        for number, of_field in fields:
            found[number], at = of_field(data, at)
        return found, at

    named[schema["name"]] = read
    return read


def _array(schema: Mapping[str, Any], named: dict[str, Read]) -> Read:
    """A list; of pairs, which is how Iceberg writes a map whose keys are numbers, a dictionary."""
    item = _reader(schema["items"], named)
    if schema.get("logicalType") != "map":
        return partial(_items, read=item)

    def pairs(data: bytes, at: int) -> tuple[dict[Any, Any], int]:
        found, at = _items(data, at, item)
        return dict(one.values() for one in found), at

    return pairs


def _mapped(schema: Mapping[str, Any], named: dict[str, Read]) -> Read:
    return partial(_map, read=_reader(schema["values"], named))


def _fixed(schema: Mapping[str, Any], named: dict[str, Read]) -> Read:
    named[schema["name"]] = found = partial(_taken, size=int(schema["size"]))
    return found
