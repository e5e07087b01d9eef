"""The tables that make an SQLite file a GeoPackage (OGC 12-128, version 1.4), and shapes as it holds them."""

import sqlite3
from datetime import datetime
from struct import Struct

from planlake.report.exports.shapes import SHAPE_COLUMN, SRID, Gathered, Shape, grid

KEY = "fid"  # each table of a GeoPackage has a whole number as its key
HEAD, BOX = Struct("<2sBBi"), Struct("<4d")
LITTLE_ENDIAN, WITH_BOX, IS_EMPTY = 0b1, 0b10, 0b10000
OPTIONAL = 2  # heights beside points
TABLES = """
pragma application_id = 0x47504B47;
pragma user_version = 10400;
create table gpkg_spatial_ref_sys (srs_name text not null, srs_id integer not null primary key,
    organization text not null, organization_coordsys_id integer not null, definition text not null, description text);
create table gpkg_contents (table_name text not null primary key, data_type text not null, identifier text unique,
    description text default '', last_change datetime not null, min_x double, min_y double, max_x double,
    max_y double, srs_id integer references gpkg_spatial_ref_sys (srs_id));
create table gpkg_geometry_columns (table_name text not null unique references gpkg_contents (table_name),
    column_name text not null, geometry_type_name text not null,
    srs_id integer not null references gpkg_spatial_ref_sys (srs_id), z tinyint not null, m tinyint not null,
    primary key (table_name, column_name))
"""


def prepare(file: sqlite3.Connection) -> None:
    """Make the tables that every GeoPackage has, with the grids that it has to know."""
    for statement in TABLES.split(";"):
        file.execute(statement)
    grids = (
        ("Undefined Cartesian", -1, "NONE", -1, "undefined", None),
        ("Undefined geographic", 0, "NONE", 0, "undefined", None),
        ("WGS 84", 4326, "EPSG", 4326, grid()["wkt_4326"], "longitude and latitude in degrees"),
        ("OSGB36 / British National Grid", SRID, "EPSG", SRID, grid()["wkt"], "eastings and northings in metres"),
    )
    file.executemany("insert into gpkg_spatial_ref_sys values (?, ?, ?, ?, ?, ?)", grids)


def describe(file: sqlite3.Connection, table: str, shapes: Gathered | None, *, comment: str, at: datetime) -> None:
    """Say of a table that it is there and, where it has shapes, where on the map they lie."""
    kind, place = ("features", SRID) if shapes else ("attributes", None)
    box = shapes.box if shapes and shapes.box else (None,) * 4
    row = (table, kind, table, comment, f"{at:%Y-%m-%dT%H:%M:%S}.000Z", *box, place)
    file.execute("insert into gpkg_contents values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    if shapes:
        heights = OPTIONAL if any(name.endswith(" Z") for name in shapes.names) else 0
        row = (table, SHAPE_COLUMN, "GEOMETRY", SRID, heights, 0)
        file.execute("insert into gpkg_geometry_columns values (?, ?, ?, ?, ?, ?)", row)


def blob(shape: Shape | None) -> bytes | None:
    """A shape as a GeoPackage holds it: a head with the grid and the box, then the shape itself."""
    if shape is None:
        return None
    flags = LITTLE_ENDIAN | (IS_EMPTY if shape.box is None else WITH_BOX)
    box = b"" if shape.box is None else BOX.pack(shape.box[0], shape.box[2], shape.box[1], shape.box[3])
    return HEAD.pack(b"GP", 0, flags, SRID) + box + shape.wkb
