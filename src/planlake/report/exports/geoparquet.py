"""Writes one table as GeoParquet 1.1: Parquet with `the_geom` as binary shapes, and where they lie in its metadata."""

import json
from itertools import chain

import pyarrow as pa
from pyarrow import parquet

from planlake.errors import ConfigurationError
from planlake.report.exports.about import ABOUT_TABLE, as_json
from planlake.report.exports.rows import Work, pieces
from planlake.report.exports.shapes import SHAPE_COLUMN, Gathered, grid, has_shapes


def write_geoparquet(work: Work) -> list[str]:
    """A file of the one table, its other columns as in Parquet; the sentences say what was left out, as no shape.

    Raises ConfigurationError where the table has no shapes.
    """
    (table,) = work.columns
    columns = work.columns[table]
    if not has_shapes(columns):
        raise ConfigurationError(f"{table} has no column {SHAPE_COLUMN}", hint=f"--out {table}.parquet has no map")
    shapes, place = Gathered(), [*columns].index(SHAPE_COLUMN)
    coming = pieces(work, table, lambda column, _: column)
    first = next(coming)
    schema = first.schema.set(place, pa.field(SHAPE_COLUMN, pa.binary()))
    with parquet.ParquetWriter(work.place, schema, compression="zstd") as writer:
        for piece in chain([first], coming):
            found = shapes.read(piece.column(place).to_pylist())
            binary = pa.array([None if shape is None else shape.wkb for shape in found], pa.binary())
            writer.write_batch(piece.set_column(place, schema.field(place), binary))
        writer.add_key_value_metadata({"geo": json.dumps(_geo(shapes)), ABOUT_TABLE: as_json(work.about)})
    return shapes.remarks(table)


def _geo(shapes: Gathered) -> dict[str, object]:
    column = {"encoding": "WKB", "geometry_types": sorted(shapes.names), "crs": grid()["projjson"]}
    if shapes.box:
        column["bbox"] = [*shapes.box]
    return {"version": "1.1.0", "primary_column": SHAPE_COLUMN, "columns": {SHAPE_COLUMN: column}}
