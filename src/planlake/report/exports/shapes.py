"""Shapes as the API sends them, hexadecimal EWKB in British National Grid, as the binary that files of maps hold."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from struct import Struct, error
from typing import Any

SHAPE_COLUMN, SRID = "the_geom", 27700
HAS_Z, HAS_M, HAS_SRID = 0x80000000, 0x40000000, 0x20000000  # flags of a type
POINT, LINE, POLYGON = 1, 2, 3
COLLECTIONS = (4, 5, 6, 7)  # several points, lines, polygons; several of any
NAMES = ("", "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection")
DEEPEST = 8  # of collections in collections

Box = tuple[float, float, float, float]  # smallest x and y, largest x and y
_TYPE = {order: Struct(f"{order}I") for order in "<>"}


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape as ISO WKB, little-endian, its kind (3: polygon), and its box; None where it has no point."""

    wkb: bytes
    kind: int
    box: Box | None

    @property
    def name(self) -> str:
        """What its kind is called: `Polygon`, or `Polygon Z` with heights."""
        has_height = int.from_bytes(self.wkb[1:5], "little") // 1000 in (1, 3)
        return NAMES[self.kind] + " Z" * has_height


@dataclass(slots=True)
class Gathered:
    """What was found so far in the shapes of one table: their kinds, the box around them, how many were left out."""

    names: set[str] = field(default_factory=set)
    box: Box | None = None
    left_out: int = 0

    def read(self, texts: Iterable[str | None]) -> list[Shape | None]:
        """The shapes of some rows; None for NULL and the empty text, and, counted, for what cannot be read as one."""
        found = list[Shape | None]()
        for text in texts:
            shape = shape_of(text)
            self.left_out += shape is None and bool(text)
            if shape is not None:
                self.names.add(shape.name)
                self.box = shape.box if self.box is None else _around(self.box, shape.box)
            found.append(shape)
        return found

    def remarks(self, table: str) -> list[str]:
        """A sentence where something was left out."""
        if not self.left_out:
            return []
        said = "1 text is no shape" if self.left_out == 1 else f"{self.left_out:,} texts are no shapes"
        return [f"{table}: {said} in British National Grid and left out; in the lake {SHAPE_COLUMN} has them"]


def has_shapes(columns: Mapping[str, str]) -> bool:
    """Whether a table has a column of shapes."""
    return columns.get(SHAPE_COLUMN) == "VARCHAR"


@cache
def grid() -> Mapping[str, Any]:
    """British National Grid, EPSG:27700, as `projjson` and as `wkt`, and the globe's degrees as `wkt_4326`."""
    found: Mapping[str, Any] = json.loads(Path(__file__).with_name("british_national_grid.json").read_text("utf-8"))
    return found


def shape_of(text: str | None) -> Shape | None:
    """The shape that a text says; None for NULL, and for what is none or lies in another grid.

    A shape that names no grid is taken to lie in British National Grid.
    """
    if not text:
        return None
    try:
        reading = _Reading(bytes.fromhex(text))
        kind = reading.shape()
    except (ValueError, IndexError, OverflowError, error):
        return None
    return Shape(bytes(reading.written), kind, reading.box) if reading.place == len(reading.data) else None


class _Reading:
    """A walk over the bytes of one shape, with what is written of it so far."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place, self.depth = data, 0, 0
        self.written = bytearray()
        self.box: Box | None = None

    def number(self, order: str) -> int:
        found = int(_TYPE[order].unpack_from(self.data, self.place)[0])
        self.place += 4
        return found

    def shape(self) -> int:
        """Read one shape, and write it without its SRID; a ValueError for what no shape is."""
        order = {0: ">", 1: "<"}[self.data[self.place]] if self.data[self.place] in (0, 1) else ""
        if not order or self.depth > DEEPEST:
            raise ValueError("no shape")
        self.place += 1
        said = self.number(order)
        if said & HAS_SRID and self.number(order) != SRID:
            raise ValueError("another grid")
        kind, has_z, has_m = _kind(said)
        self.written += b"\1" + _TYPE["<"].pack(kind + 1000 * has_z + 2000 * has_m)
        size = 2 + has_z + has_m
        if kind == POINT:
            self.points(order, 1, size)
        elif kind == LINE:
            self.points(order, self.counted(order), size)
        elif kind == POLYGON:
            for _ in range(self.counted(order)):
                self.points(order, self.counted(order), size)
        elif kind in COLLECTIONS:
            self.depth += 1
            for _ in range(self.counted(order)):
                self.shape()
            self.depth -= 1
        else:
            raise ValueError("no shape that maps have")
        return kind

    def counted(self, order: str) -> int:
        count = self.number(order)
        if count > len(self.data):
            raise ValueError("more parts than bytes")
        self.written += _TYPE["<"].pack(count)
        return count

    def points(self, order: str, count: int, size: int) -> None:
        numbers = Struct(f"{order}{count * size}d").unpack_from(self.data, self.place)
        self.place += 8 * len(numbers)
        self.written += Struct(f"<{len(numbers)}d").pack(*numbers)
        across, up = numbers[::size], numbers[1::size]
        if across and across[0] == across[0]:  # an empty point is written as numbers that are none
            box = (min(across), min(up), max(across), max(up))
            self.box = box if self.box is None else _around(self.box, box)


def _kind(said: int) -> tuple[int, bool, bool]:
    """The kind of a type, and whether heights and measures stand beside each point, by flags or as ISO numbers them."""
    number = said & ~(HAS_Z | HAS_M | HAS_SRID)
    beside, kind = divmod(number, 1000)
    if beside > 3:
        raise ValueError("no kind of shape")
    return kind, bool(said & HAS_Z) or beside in (1, 3), bool(said & HAS_M) or beside in (2, 3)


def _around(one: Box, other: Box | None) -> Box:
    if other is None:
        return one
    return (min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3]))
