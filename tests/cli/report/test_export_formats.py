"""`planlake export` by the ending of its file: other programs read the same values, what a format lacks is said."""

import csv
import io
import json
import math
import sqlite3
import struct
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from unittest.mock import Mock

import duckdb
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely
from openpyxl.utils.escape import unescape

from conftest import feeding
from engines.nasty import NASTY
from planlake.config import load_config
from planlake.report.exports import workbook
from planlake.report.exports.shapes import shape_of
from planlake.report.query import open_views
from planlake.simulator.dataset import Dataset
from querying import answer

COLUMNS = "id: integer, last_updated: timestamp, amount: double, whole: long, flag: boolean, at: timestamp, name: text"
SETTINGS = f"""
resources: {{sites: {{columns: {{{COLUMNS}, the_geom: text}}}}, fees: {{columns: {{{COLUMNS}}}}}}}
tables: {{daily: [sites, fees]}}
settings: {{uncastable_percent: 100}}
"""
NOW, CHANGED = "2026-11-17T03:00:00", "2026-11-16 09:00:00"
FORMULAS = (
    "=1+1",
    "+1",
    "-1+2",
    "@SUM(A1)",
    '=HYPERLINK("http://x.example","y")',
    "=cmd|' /C calc'!A0",
    "\t=1",
    "{=1}",
)
ODD_TEXTS = (*NASTY, *FORMULAS, "_x0041_", " a ", "http://x.example", "a,b;c", '"', "\ufffe", "_x000D_", "'quoted")
LONG, LONG_TREES = "x" * 40_000, "\U0001f333" * 20_000  # a tree takes two of Excel's characters
SQUARE = shapely.box(534_000, 185_000, 534_010.5, 185_020)
KINDS = (
    SQUARE,
    shapely.MultiPolygon([SQUARE, shapely.box(1, 2, 3, 4)]),
    shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 0)], holes=[[(1, 0.5), (2, 0.5), (2, 1), (1, 0.5)]]),
    shapely.Point(534_000.25, 185_000),
    shapely.LineString([(1, 2), (3, 4), (5, 6)]),
    shapely.MultiPoint([(1, 2), (3, 4)]),
    shapely.MultiLineString([[(1, 2), (3, 4)], [(5, 6), (7, 8)]]),
    shapely.GeometryCollection([SQUARE, shapely.GeometryCollection([shapely.Point(1, 2)])]),
    shapely.Point(1, 2, 3),
    shapely.LineString([(1, 2, 3), (4, 5, 6)]),
    shapely.Polygon(),
    shapely.Point(),
)
NO_SHAPES = ("not a shape", "01", "0103000020346C0000FFFFFFFF", "zz")


def ewkb(shape, srid=27700, order=1):
    return shapely.to_wkb(shapely.set_srid(shape, srid), hex=True, include_srid=bool(srid), byte_order=order)


SHAPES = (*(ewkb(shape) for shape in KINDS), ewkb(SQUARE, 4326), *NO_SHAPES, "", None)


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """The configuration file of a lake with every nasty text and every kind of shape."""
    folder = tmp_path_factory.mktemp("sites")
    declared = {"id": "integer", "last_updated": "timestamp"}
    data = Dataset({"sites": declared, "fees": declared}, now=datetime.fromisoformat(NOW))
    texts = (*ODD_TEXTS, LONG, LONG_TREES, None)
    for number, text in enumerate(texts, start=1):
        typed = dict.fromkeys(("amount", "whole", "flag", "at"), text)
        record = {"id": str(number), "last_updated": CHANGED, **typed, "name": text}
        data.put("sites", record | {"the_geom": SHAPES[number] if number < len(SHAPES) else None})
    data.put("sites", {"id": "9999", "last_updated": CHANGED, "the_geom": SHAPES[0]})
    for number, text in enumerate(("a", "", None), start=1):
        data.put("fees", {"id": str(number), "last_updated": CHANGED, "name": text, "at": CHANGED, "flag": "t"})
    with feeding(data, folder, SETTINGS) as feed:
        assert feed.run_at(NOW).exit_code == 0
    return folder / "planlake.yaml"


def shown(file, query):
    """What `planlake sql` shows, as Python has it."""
    with open_views(load_config(file)) as views:
        return answer(views, query).to_pylist()


@pytest.fixture
def exported(typed, sites, tmp_path):
    """Export into a file of this name; the file, and what was said."""

    def export(name, *tables):
        said = typed("export", *tables, "--out", tmp_path / name, "--config", sites)
        assert (said.status, said.errors) == (0, []), said.everything
        assert [one.name for one in tmp_path.iterdir()] == [name]
        return tmp_path / name, said

    return export


def in_sqlite(file, query):
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query).fetchall()]


# ---------------------------------------------------------------- CSV


def test_a_csv_file_holds_what_sql_writes_as_csv_with_null_and_the_empty_text_apart(exported, typed, sites):
    file, _ = exported("sites.csv", "sites")
    said = typed("sql", "from sites", "--format", "csv", "--config", sites)
    written, wanted = (
        list(csv.reader(io.StringIO(text, newline=""))) for text in (file.read_bytes().decode(), said.out)
    )
    assert written[0] == wanted[0]
    assert sorted(written[1:]) == sorted(wanted[1:])
    options = "header = true, all_varchar = true, nullstr = '', allow_quoted_nulls = false, quote = '\"', escape = '\"'"
    read = duckdb.sql(f"select id, name, amount from read_csv('{file}', {options}, new_line = '\\n', parallel = false)")
    found = {row[0]: row[1] for row in read.fetchall()}
    assert found == {str(row["id"]): row["name"] for row in shown(sites, "select id, name from sites")}
    assert {"", None} <= set(found.values())


def test_a_file_of_one_table_is_refused_for_several_with_a_command_for_one(typed, sites, tmp_path):
    for ending in ("csv", "parquet", "geoparquet"):
        out = tmp_path / f"all.{ending}"
        said = typed("export", "--out", out, "--config", sites)
        assert (said.status, said.errors) == (2, [f"Error: a {ending} file holds one table, and 2 are to be exported"])
        assert f"hint: planlake export --config {sites} fees --out {out}\n" in said.err
        assert not out.exists()


# ---------------------------------------------------------------- Excel


def cells(file, sheet):
    rows = [*openpyxl.load_workbook(file)[sheet].iter_rows()]
    names = [cell.value for cell in rows[0]]
    return [dict(zip(names, row, strict=True)) for row in rows[1:]]


def test_a_workbook_holds_every_text_as_a_text_and_no_formula(exported, sites):
    file, _ = exported("all.xlsx")
    wanted = {row["id"]: row for row in shown(sites, "from sites")}
    found = {row["id"].value: row for row in cells(file, "sites")}
    assert found.keys() == wanted.keys()
    for number, row in found.items():
        assert all(cell.data_type in ("s", "n", "d", "b") for cell in row.values())
        text = wanted[number]["name"]
        if text not in (LONG, LONG_TREES):
            assert (text is None) == (row["name"].value is None)
            assert text is None or (row["name"].data_type, unescape(row["name"].value)) == ("s", text)
    assert "=1+1" in {row["name"].value for row in found.values()}
    assert openpyxl.load_workbook(file).sheetnames == ["fees", "sites", "planlake_export"]


def test_numbers_flags_and_moments_of_a_workbook_are_such_as_far_as_excel_has_them(exported, sites):
    file, _ = exported("all.xlsx")
    wanted = {row["id"]: row for row in shown(sites, 'select *, "at"::varchar as said from sites')}
    kinds = set()
    for row in cells(file, "sites"):
        asked = wanted[row["id"].value]
        assert row["flag"].value is asked["flag"]
        assert (asked["amount"] is None) == (row["amount"].value is None)
        assert asked["amount"] is None or math.isclose(row["amount"].value, asked["amount"], rel_tol=1e-15)
        assert type(row["whole"].value) in (int, str, type(None))
        assert (asked["whole"] is None) == (row["whole"].value is None)
        assert asked["whole"] is None or int(row["whole"].value) == asked["whole"]
        kinds.add(row["at"].data_type)
        if row["at"].data_type == "d":
            assert row["at"].value == asked["at"].replace(microsecond=asked["at"].microsecond // 1_000 * 1_000)
        else:
            assert row["at"].value == asked["said"]
        assert row["last_updated"].value == asked["last_updated"]
    assert {"d", "s"} <= kinds


def test_a_moment_of_a_workbook_is_a_date_with_the_thousandths_it_has_and_no_more():
    sheet, moments = Mock(), ("2026-11-29 23:59:59.999999", "1901-01-01 00:00:00.0009", "2026-11-29 10:00:00")
    write = workbook.cell_writer(sheet, "TIMESTAMP", "style")
    assert [write(1, 2, moment) for moment in moments] == [False] * 3
    assert [one.args[2] for one in sheet.write_datetime.call_args_list] == [
        datetime(2026, 11, 29, 23, 59, 59, 999_000),  # noqa: DTZ001 - as the lake keeps them
        datetime(1901, 1, 1),  # noqa: DTZ001
        datetime(2026, 11, 29, 10),  # noqa: DTZ001
    ]
    sheet.write_string.assert_not_called()


def test_a_text_longer_than_a_cell_ends_early_and_that_is_said(exported):
    file, said = exported("all.xlsx")
    remark = "sites.name: Excel's cells hold 32,767 characters, so 2 texts end early"
    assert remark in said.err
    names = {row["name"].value for row in cells(file, "sites")}
    assert {LONG[:32_767], LONG_TREES[:16_383]} <= names
    about = [[cell.value for cell in row] for row in openpyxl.load_workbook(file)["planlake_export"].iter_rows()]
    assert about[0][:4] == ["table", "rows", "columns", "published"]
    assert [about[1][0], about[1][1], about[1][3]] == ["fees", 3, "20261117"]
    assert about[-1][0] == remark


def test_more_rows_or_columns_than_a_sheet_has_are_refused_before_anything_is_written(
    typed, sites, tmp_path, monkeypatch
):
    for limit, size, said_of in (("MOST_ROWS", 4, "rows"), ("MOST_COLUMNS", 5, "columns")):
        monkeypatch.setattr(workbook, limit, size)
        said = typed("export", "--out", tmp_path / "a.xlsx", "--config", sites)
        assert (said.status, len(said.errors)) == (2, 1)
        assert f"{said_of}, and a sheet of Excel holds" in said.errors[0]
        assert not [*tmp_path.iterdir()]
        monkeypatch.undo()


def test_sheets_have_names_that_excel_takes():
    taken = {"planlake_export", "history"}
    names = ["a" * 40, "A" * 40, "a/b[c]", "'x'", "History", "planlake_export"]
    found = [workbook._sheet_name(name, taken) for name in names]
    assert found == ["a" * 31, "A" * 29 + "_2", "a_b_c_", "_x_", "History_2", "planlake_export_2"]


# ---------------------------------------------------------------- SQLite


@pytest.mark.parametrize("name", ["all.sqlite", "all.db"])
def test_an_sqlite_file_holds_the_same_values(exported, sites, name):
    file, _ = exported(name)
    found = in_sqlite(file, "select * from sites order by id")
    wanted = shown(sites, "from sites order by id")
    assert [*found[0]] == [*wanted[0]]
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        for column in ("id", "name", "amount", "whole", "flag", "the_geom"):
            assert one[column] == other[column]
    texts = [row["said"] for row in shown(sites, 'select "at"::varchar as said from sites order by id')]
    assert [row["at"] for row in found] == texts
    types = {row["name"]: row["type"] for row in in_sqlite(file, "select * from pragma_table_info('sites')")}
    assert [types[name] for name in ("id", "amount", "flag", "at", "name")] == [
        *("INTEGER", "REAL", "BOOLEAN", "TIMESTAMP", "TEXT")
    ]
    about = in_sqlite(file, 'select "table", rows, published, exported_at from planlake_export')
    assert [(row["table"], row["rows"], row["published"]) for row in about] == [
        *(("fees", 3, "20261117"), ("sites", len(wanted), "20261117"))
    ]


def test_pandas_reads_an_sqlite_file(exported, sites):
    file, _ = exported("all.sqlite")
    with closing(sqlite3.connect(file)) as connection:
        frame = pd.read_sql("select * from fees order by id", connection, parse_dates=["at"])
    assert frame["name"].tolist()[:2] == ["a", ""]
    assert pd.isna(frame["name"][2])
    assert frame["at"].tolist() == [datetime.fromisoformat(CHANGED)] * 3


def test_more_columns_than_sqlite_has_are_refused(typed, sites, tmp_path, monkeypatch):
    monkeypatch.setattr("planlake.report.exports.sqlite_file.MOST_COLUMNS", 5)
    said = typed("export", "--out", tmp_path / "a.sqlite", "--config", sites)
    assert (said.status, "and SQLite holds fewer than 5" in said.errors[0]) == (2, True)
    assert not [*tmp_path.iterdir()]


# ---------------------------------------------------------------- maps


def shapes_of(sites):
    """The shapes of the lake by their id, None where there is none, and how many texts are no shape."""
    found, left_out = {}, 0
    for row in shown(sites, "select id, the_geom from sites"):
        text = row["the_geom"]
        is_shape = bool(text) and text not in (*NO_SHAPES, ewkb(SQUARE, 4326))
        left_out += bool(text) and not is_shape
        found[row["id"]] = shapely.set_srid(shapely.from_wkb(text), 0) if is_shape else None
    return found, left_out


def test_a_geopackage_has_a_layer_with_the_shapes_and_the_other_values(exported, sites):
    file, said = exported("all.gpkg")
    assert file.read_bytes()[68:72] == b"GPKG"
    layers = in_sqlite(file, "select * from gpkg_contents order by table_name")
    assert [(row["table_name"], row["data_type"], row["srs_id"]) for row in layers] == [
        *(("fees", "attributes", None), ("sites", "features", 27700))
    ]
    assert in_sqlite(file, "select * from gpkg_geometry_columns") == [
        {"table_name": "sites", "column_name": "the_geom", "geometry_type_name": "GEOMETRY", "srs_id": 27700}
        | {"z": 2, "m": 0}
    ]
    grids = in_sqlite(file, "select srs_id, organization, definition from gpkg_spatial_ref_sys")
    assert {row["srs_id"] for row in grids} == {-1, 0, 4326, 27700}
    wanted, left_out = shapes_of(sites)
    assert left_out == len(NO_SHAPES) + 1
    assert f"{left_out} texts are no shapes in British National Grid and left out" in said.err
    names = {row["id"]: row["name"] for row in shown(sites, "select id, name from sites")}
    for row in in_sqlite(file, "select fid, id, name, the_geom from sites"):
        shape, blob = wanted[row["id"]], row["the_geom"]
        assert row["name"] == names[row["id"]]
        assert (shape is None) == (blob is None)
        if blob is not None:
            assert (blob[:3], int.from_bytes(blob[4:8], "little")) == (b"GP\0", 27700)
            if blob[3] == 0b11:
                left, bottom, right, top = shape.bounds
                assert struct.unpack("<4d", blob[8:40]) == (left, right, bottom, top)
            assert shapely.from_wkb(blob[40 if blob[3] == 0b11 else 8 :]).equals_exact(shape)
    filled = [shape for shape in wanted.values() if shape is not None and not shape.is_empty]
    assert [layers[1][name] for name in ("min_x", "min_y", "max_x", "max_y")] == [*shapely.total_bounds(filled)]
    integrity = in_sqlite(file, "select foreign_key_check.* from pragma_foreign_key_check as foreign_key_check")
    assert integrity == []


def test_a_geoparquet_file_has_binary_shapes_and_says_where_they_lie(exported, sites):
    file, said = exported("sites.geoparquet", "sites")
    found = pq.read_table(file)
    geo = json.loads(pq.read_metadata(file).metadata[b"geo"])
    column = geo["columns"]["the_geom"]
    assert (geo["version"], geo["primary_column"], column["encoding"]) == ("1.1.0", "the_geom", "WKB")
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 27700}
    assert {"Polygon", "MultiPolygon", "Point", "Point Z"} <= set(column["geometry_types"])
    wanted, left_out = shapes_of(sites)
    assert f"{left_out} texts are no shapes" in said.err
    for row in found.to_pylist():
        shape, binary = wanted[row["id"]], row["the_geom"]
        assert (shape is None) == (binary is None)
        assert binary is None or shapely.from_wkb(binary).equals_exact(shape)
    others = [name for name in found.column_names if name != "the_geom"]
    in_order = found.select(others).sort_by("id").to_pylist()
    assert in_order == shown(sites, "select * exclude (the_geom) from sites order by id")


def test_a_table_without_shapes_is_no_geoparquet(typed, sites, tmp_path):
    said = typed("export", "fees", "--out", tmp_path / "fees.geoparquet", "--config", sites)
    assert (said.status, said.errors) == (2, ["Error: fees has no column the_geom"])
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("shape", KINDS, ids=lambda shape: shape.wkt[:20])
def test_every_kind_of_shape_is_read_whichever_way_its_bytes_stand(shape, order):
    for flavor in ("extended", "iso"):
        options = {"hex": True, "flavor": flavor, "byte_order": order}
        whole = shapely.to_wkb(shapely.set_srid(shape, 27700), include_srid=flavor == "extended", **options)
        found = shape_of(whole)
        assert found.wkb == shapely.to_wkb(shape, flavor="iso", byte_order=1)
        assert found.name.upper() == shape.wkt.split("(")[0].replace("EMPTY", "").strip()
        assert (found.box is None) == shape.is_empty
        assert found.box is None or found.box == shape.bounds


def test_what_is_cut_off_or_has_more_behind_it_is_no_shape():
    for shape in KINDS:
        whole = ewkb(shape)
        assert [shape_of(whole[:end]) for end in range(0, len(whole), 2)] == [None] * (len(whole) // 2)
        assert shape_of(f"{whole}00") is None
    nested = "0107000000" + "01000000"
    assert shape_of(nested * 50_000) is None


# ---------------------------------------------------------------- one Parquet file, and places that are taken


def test_one_parquet_file_holds_one_table_as_received(exported, sites):
    file, _ = exported("sites.parquet", "sites")
    found = pq.read_table(file)
    assert found.sort_by("id").to_pylist() == shown(sites, "from sites order by id")
    about = json.loads(found.schema.metadata[b"planlake_export"])
    assert [(one["table"], one["rows"]) for one in about["tables"]] == [("sites", found.num_rows)]


MINE = {
    "csv": b"mine,of\nmany,pages\n",
    "xlsx": b"PK\3\4 mine",
    "sqlite": b"SQLite format 3\0 mine",
    "parquet": b"PAR1 mine",
    "geoparquet": b"PAR1 mine",
    "gpkg": b"",
}


@pytest.mark.parametrize("ending", MINE)
def test_an_earlier_export_is_replaced_when_told_and_nothing_else_ever_is(typed, sites, tmp_path, ending):
    file = tmp_path / f"sites.{ending}"
    command = ("export", "sites", "--out", file, "--config", sites)
    assert typed(*command).status == 0
    before = file.stat().st_ino
    assert (typed(*command).errors, file.stat().st_ino) == ([f"Error: {file} is there already"], before)
    assert typed(*command, "--force").status == 0
    assert file.stat().st_ino != before
    file.write_bytes(MINE[ending])
    said = typed(*command, "--force")
    assert (said.status, said.errors) == (2, [f"Error: {file} is not an earlier export"])
    assert file.read_bytes() == MINE[ending]
    assert [*tmp_path.iterdir()] == [file]


@pytest.mark.parametrize("ending", ["sqlite", "gpkg"])
def test_an_sqlite_file_with_tables_of_ones_own_is_never_replaced(typed, sites, tmp_path, ending):
    file = tmp_path / f"sites.{ending}"
    command = ("export", "sites", "--out", file, "--force", "--config", sites)
    assert typed(*command).status == 0
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("create table notes (mine text)")
    assert typed(*command).errors == [f"Error: {file} holds other tables (for example=notes)"]


@pytest.mark.parametrize("ending", ["ods", "xls", "mdb", "shp", "txt"])
def test_an_unknown_ending_is_refused_in_a_sentence_with_those_that_are_known(typed, sites, tmp_path, ending):
    said = typed("export", "sites", "--out", tmp_path / f"sites.{ending}", "--config", sites)
    assert (said.status, len(said.errors)) == (2, 1)
    assert said.errors[0].startswith(f"Error: an export cannot be written as {ending} ")
    for known in (".csv", ".xlsx", ".sqlite", ".duckdb", ".parquet", ".geoparquet", ".gpkg", "a folder"):
        assert known in said.err
    assert not [*tmp_path.iterdir()]


def test_an_ending_and_a_format_that_disagree_are_refused(typed, sites, tmp_path):
    out = tmp_path / "sites.csv"
    said = typed("export", "sites", "--out", out, "--format", "xlsx", "--config", sites)
    assert (said.status, said.errors) == (2, ["Error: a file that ends in .csv is no xlsx"])
    assert typed("export", "sites", "--out", tmp_path / "a.db", "--format", "duckdb", "--config", sites).status == 0


def test_a_number_of_more_digits_than_excel_keeps_is_a_text():
    assert [workbook._is_held(one) for one in (10**15 - 1, 10**15, Decimal("1.5"), Decimal(10**20), 1e300)] == [
        *(True, False, True, False, True)
    ]
    assert not workbook._is_held(float("nan"))
