"""Tables read without pyiceberg are what pyiceberg reads: every kind of table, version and damage."""

import bz2
import json
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.exceptions import NoSuchNamespaceError
from pyiceberg.manifest import clear_manifest_cache

from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, DAY_3, change_two_kinds, two_kinds
from flow.trust.test_trust import MODELS, SETTINGS
from planlake.changes.previews import create
from planlake.changes.rollback import rollback
from planlake.config import load_config
from planlake.engines.duckdb.reading import type_name
from planlake.errors import LakeError
from planlake.lake.lake import ZONES
from planlake.lake.metadata import avro
from planlake.lake.metadata.filters import (
    EVERYTHING,
    expression_of,
    is_above,
    is_among,
    is_between,
    is_equal,
    is_one_of,
    of_resource,
)
from planlake.lake.metadata.read_table import ReadTable
from planlake.lake.open_lake import open_lake, open_to_read
from planlake.lake.repair.damage import quick_damage_in
from planlake.lake.tables.data_files import LISTS, data_files, highest_by_resource
from planlake.lake.tables.unreadable import broken
from planlake.lake.views.query import answer_query
from planlake.lake.views.views import known_names
from planlake.report.query import open_for_queries
from planlake.report.status import status
from planlake.runs.plan import Selection
from planlake.runs.run import run

PREVIEW = "DPP-426"
DAY_4, DAY_5 = "2026-11-20T03:00:00", "2026-11-21T03:00:00"
DAYS = (None, "2026-11-18")
FILTERS = {
    "raw": (
        EVERYTHING,
        is_equal("resource", "numbered"),
        is_one_of("resource", ["lettered", "nobody"]),
        of_resource("numbered", 1),
        (*of_resource("numbered", 0), *is_among("request_id", [1, 2, 3])),
        is_between("batch", 2, 2),
        is_among("request_id", range(1, 500)),
    ),
    "refined": (EVERYTHING, is_above("batch", 1), is_between("batch", 1, 1), is_above("batch", 1000)),
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Numbers and letters as ids, models; changed, deleted, retyped and set back; the last day in a preview as well."""
    with feeding(two_kinds(20), tmp_path_factory.mktemp("read"), SETTINGS) as made:
        folder = made.config.folder
        (folder / "models/mappings").mkdir(parents=True)
        (folder / "models/mappings/kinds.csv").write_text("since,until,kind\n0,10,small\n10,1000,large\n")
        for name, text in MODELS.items():
            (folder / f"models/{name}.sql").write_text(text)
        made.run_at(DAY_1)
        change_two_kinds(made.data)
        made.run_at(DAY_2)
        made.data.delete("numbered", 3)
        made.run_at(DAY_3, is_full=True)
        file = folder / "planlake.yaml"
        file.write_text(file.read_text().replace("amount: double", "amount: text", 1))
        made.config = load_config(file)
        made.run_at(DAY_4)
        rollback(made.config, ["lettered"], 2, confirm=lambda _: True)
        create(made.config, PREVIEW)
        made.monkeypatch.setenv("PLANLAKE_NOW", DAY_5)
        run(made.config, Selection(tables=("numbered",)), environment=PREVIEW)
        yield made


@pytest.fixture
def copied(lake, tmp_path):
    """A lake to be damaged, at the place it was made for."""
    set_back = lake.remembered()
    yield lake
    set_back()
    clear_manifest_cache()


def opened(feed, environment=None):
    return open_to_read(feed.config, environment), open_lake(feed.config, environment)


def tables_of(feed, environment=None):
    """Every table that a lake has or shows, as read without pyiceberg and with it."""
    light, whole = opened(feed, environment)
    for one, other in [(light, whole), *([(light.base, whole.base)] if environment else [])]:
        for zone in ZONES:
            assert one.names(zone) == other.names(zone)
            yield from ((zone, one.find(zone, name), other.find(zone, name)) for name in one.names(zone))


def files(found):
    """Data files as plain values, in order."""
    return [
        (one.file_path, one.record_count, one.file_size_in_bytes, [*map(str, _parts(one))], _bounds(one))
        for one in found
    ]


def _parts(file):
    return file.partition if isinstance(file.partition, tuple) else [*file.partition._data]


def _bounds(file):
    return dict(file.lower_bounds or {}), dict(file.upper_bounds or {})


def columns(schema):
    return [(one.field_id, one.name, type_name(one), one.required, one.doc) for one in schema.fields]


def versions(table):
    return [
        (
            *(one.snapshot_id, one.parent_snapshot_id, one.sequence_number, one.timestamp_ms, one.schema_id),
            *(one.manifest_list, one.summary.additional_properties),
        )
        for one in table.metadata.snapshots
    ]


def described(table):
    """All that readers ask a table."""
    current = table.current_snapshot()
    return {
        "name": table.name(),
        "place": (table.location(), table.metadata_location, str(table.metadata.table_uuid)),
        "columns": columns(table.schema()),
        "earlier columns": {number: columns(schema) for number, schema in table.schemas().items()},
        "names": list(table.schema().column_names),
        "versions": versions(table),
        "current": current.snapshot_id if current else None,
        "tags": {
            name: (ref.snapshot_id, ref.snapshot_ref_type == "tag", table.snapshot_by_name(name).snapshot_id)
            for name, ref in table.refs().items()
        },
        "properties": dict(table.properties),
        "log": [(one.metadata_file, one.timestamp_ms) for one in table.metadata.metadata_log],
        "changed": (table.metadata.last_updated_ms, table.metadata.current_schema_id),
    }


@pytest.mark.parametrize("environment", [None, PREVIEW])
def test_a_table_is_described_as_pyiceberg_describes_it(lake, environment):
    kinds = set()
    for zone, light, whole in tables_of(lake, environment):
        assert isinstance(light, ReadTable)
        assert described(light) == described(whole)
        kinds.add((zone, light.name()[-1].partition("_")[0]))
    assert {("refined", "current"), ("refined", "increment"), ("trusted", "people"), ("raw", "api")} <= kinds


@pytest.mark.parametrize("environment", [None, PREVIEW])
def test_every_version_has_the_files_that_pyiceberg_plans(lake, environment):
    several = 0
    for zone, light, whole in tables_of(lake, environment):
        for version in whole.metadata.snapshots:
            asked = FILTERS[zone] if zone in FILTERS and version is whole.current_snapshot() else (EVERYTHING,)
            for where in asked:
                planned = whole.scan(row_filter=expression_of(where), snapshot_id=version.snapshot_id).plan_files()
                found = light.listed_files(light.snapshot_by_id(version.snapshot_id), where)
                assert files(found) == files(one.file for one in planned), (light, where)
                several += len(found) > 1
    assert several > 20
    assert light.whole.cache_info().currsize == 0  # nobody asked pyiceberg


def test_what_is_noted_of_a_database_is_what_pyiceberg_reads(lake):
    light, whole = opened(lake)
    whole.catalog.update_namespace_properties("tascomi-raw-zone", updates={"noted": "once"})
    found = [one.catalog.load_namespace_properties("tascomi-raw-zone") for one in (light, whole)]
    assert found[0] == found[1] == {"exists": "true", "noted": "once"}
    for one in (light, whole):
        with pytest.raises(NoSuchNamespaceError):
            one.catalog.load_namespace_properties("tascomi-nowhere")


def test_the_highest_numbers_are_those_that_pyiceberg_reads(lake):
    light, whole = opened(lake)
    for column in ("batch", "request_id"):
        found = [highest_by_resource(one.find("raw", "api_responses"), column) for one in (light, whole)]
        assert found[0] == found[1]
        assert found[0].keys() == {"numbered", "lettered"}


@pytest.mark.parametrize("environment", [None, PREVIEW])
@pytest.mark.parametrize("day", DAYS)
def test_every_name_answers_with_the_rows_it_has_by_pyiceberg(lake, environment, day):
    asked = open_for_queries(lake.config, environment=environment)
    light, whole = (replace(asked, lake=one, as_of=_day(day)) for one in opened(lake, environment))
    names = known_names(light.lake, light.resources, light.models)
    assert names == known_names(whole.lake, whole.resources, whole.models)
    for database, name in [(database, name) for database, known in names.items() for name in known]:
        query = f'select * from "{database}"."{name}" order by all'
        assert rows(light, query) == rows(whole, query), (database, name)


def _day(day):
    return date.fromisoformat(day) if day else None


def rows(asked, query):
    with answer_query(asked, query) as answer:
        return answer.schema, [*answer.pieces], answer.notes


def test_what_is_written_otherwise_is_read_or_refused_by_pyiceberg(copied):
    whole = open_lake(copied.config)
    table = whole.find("refined", "current_numbered")
    place = Path(table.metadata_location)
    written = json.loads(place.read_text())
    for change in ({"format-version": 1}, {"current-schema-id": 99}, {"properties": {"planlake.format": 3}}):
        place.write_text(json.dumps({**written, **change}))
        said = []
        for one in opened(copied):
            try:
                said.append(columns(one.find("refined", "current_numbered").schema()))
            except LakeError as error:
                said.append(str(error))
        assert said[0] == said[1], change


@pytest.mark.parametrize("kind", ["metadata", "list", "manifest"])
def test_noise_is_answered_as_pyiceberg_answers_it(copied, kind):
    """Random bytes in a file: the same files, the same sentence, or what stood there before the noise.

    The last is for noise in what nobody reads here, such as counts of nulls, which pyiceberg filters by. At noise in a
    list pyiceberg's compiled reader may end the process, so it is asked only where the list is one.
    """
    table = open_lake(copied.config).find("raw", "api_requests")
    version = table.current_snapshot()
    manifest = version.manifests(table.io)[0].manifest_path
    place = Path({"metadata": table.metadata_location, "list": version.manifest_list, "manifest": manifest}[kind])
    content, seen, chance = place.read_bytes(), set(), random.Random(26)
    before = outcome(opened(copied)[1])
    damage = "\n".join(broken(*table.name()[-2:], LISTS).lines())
    for _ in range(60):
        noise = bytearray(content)
        start = chance.randrange(len(noise))
        noise[start : start + chance.choice([1, 1, 8, 400])] = chance.randbytes(chance.choice([1, 1, 8, 400]))
        place.write_bytes(noise)
        clear_manifest_cache()
        light, whole = opened(copied)
        found = outcome(light)
        if isinstance(found, str) and kind != "metadata":
            assert found == damage
        elif found != before:
            by_pyiceberg = outcome(whole)
            assert found == by_pyiceberg or found[:-1] == by_pyiceberg[:-1]
        seen.add(isinstance(found, str))
    assert True in seen


def outcome(lake):
    try:
        table = lake.find("raw", "api_requests")
        return columns(table.schema()), files(data_files(table)), files(data_files(table, where=is_above("batch", 1)))
    except LakeError as error:
        return "\n".join(error.lines())


def test_a_copied_lake_is_read_where_it_was_copied_from_and_says_so(lake, tmp_path):
    shutil.copytree(lake.config.folder, tmp_path / "copy")
    config = load_config(tmp_path / "copy/planlake.yaml")
    with pytest.warns(match="this lake was made at"):
        found = open_to_read(config).find("refined", "current_numbered")
    assert files(data_files(found)) == files(data_files(open_lake(lake.config).find("refined", "current_numbered")))


def test_whatever_is_not_read_here_pyiceberg_answers(lake):
    light, whole = opened(lake)
    found = light.find("refined", "current_numbered")
    assert found.scan().to_arrow().equals(whole.find("refined", "current_numbered").scan().to_arrow())
    assert found.schema().as_arrow() == whole.find("refined", "current_numbered").schema().as_arrow()
    assert [one.field_type for one in found.schema().fields] == [
        one.field_type for one in whole.find("refined", "current_numbered").schema().fields
    ]
    assert found.metadata.partition_specs == whole.find("refined", "current_numbered").metadata.partition_specs


@pytest.mark.parametrize(
    ("schema", "value", "written"),
    [
        pytest.param("long", -65, b"\x81\x01", id="number"),
        pytest.param("double", 1.5, b"\0\0\0\0\0\0\xf8?", id="double"),
        pytest.param("float", 1.5, b"\0\0\xc0?", id="float"),
        pytest.param({"type": "array", "items": "int"}, [1, 2], b"\x03\x04\x02\x04\0", id="array with its length"),
        pytest.param({"type": "map", "values": "boolean"}, {"a": True}, b"\x02\x02a\x01\0", id="map"),
        pytest.param(["null", {"type": "fixed", "name": "two", "size": 2}], b"ab", b"\x02ab", id="fixed in a union"),
        pytest.param(["null", "string"], None, b"\0", id="null"),
    ],
)
def test_every_type_of_avro_is_read(schema, value, written):
    layout = {"type": "record", "name": "one", "fields": [{"name": "it", "field-id": 7, "type": schema}]}
    file = avro_file(layout, written)
    assert [*avro.records_of(file)] == [{7: value}]
    for short in (file[:-1], file[:-17], file[:20]):
        with pytest.raises((ValueError, LookupError)):
            [*avro.records_of(short)]


def test_a_header_that_is_not_all_text_is_damaged():
    file = avro_file({"type": "record", "name": "one", "fields": []}, b"")
    whole, damaged = (
        file.replace(b"\x02\x16avro.schema", b"\x04\x0cschema\x04" + value + b"\x16avro.schema", 1)
        for value in (b"ok", b"\xff\xfe")
    )
    assert [*avro.records_of(whole)] == [{}]
    with pytest.raises(ValueError, match="utf-8"):
        [*avro.records_of(damaged)]


@pytest.mark.parametrize(
    ("codec", "packed"),
    [("bzip2", bz2.compress), ("zstandard", lambda block: pa.compress(block, codec="zstd", asbytes=True))],
)
def test_every_way_of_packing_is_read_and_noise_in_it_is_damage(codec, packed):
    layout = {"type": "record", "name": "one", "fields": [{"name": "it", "field-id": 7, "type": "long"}]}
    assert [*avro.records_of(avro_file(layout, packed(b"\x81\x01"), codec))] == [{7: -65}]
    for noise in (packed(b"\x81\x01")[:-3], b"noise"):
        with pytest.raises(avro.NOISE):
            [*avro.records_of(avro_file(layout, noise, codec))]


@pytest.mark.parametrize("kind", ["list", "manifest"])
def test_a_list_packed_in_no_known_way_is_damaged_for_whoever_reads_it(copied, kind):
    lake = opened(copied)[0]
    version = lake.find("refined", "current_numbered").current_snapshot()
    manifest = version.manifests(None)[0].manifest_path
    place = Path(version.manifest_list if kind == "list" else manifest)
    place.write_bytes(place.read_bytes().replace(b"deflate", b"deflbte", 1))
    assert quick_damage_in(lake, "refined", "current_numbered").files == (place.name,)
    with pytest.raises(LakeError, match="lists of files of current_numbered are gone or damaged"):
        data_files(lake.find("refined", "current_numbered"))


def test_a_list_that_cannot_be_opened_is_told_as_damage_of_its_table_by_status(copied):
    """It is there, and is none to be read: as one of another user, here a folder."""
    place = Path(opened(copied)[0].find("refined", "current_numbered").current_snapshot().manifest_list)
    place.unlink()
    place.mkdir()
    found = status(copied.config)
    assert any("lists of files of current_numbered are gone or damaged" in one.sentence for one in found.troubles)
    assert {one.table: one.held is None for one in found.tables} == {"numbered": True, "lettered": False}


def avro_file(layout, block, codec=""):
    schema, named = json.dumps(layout).encode(), b"\x14avro.codec" + _number(len(codec)) + codec.encode()
    head = b"Obj\x01" + (b"\x04" + named if codec else b"\x02")
    head += b"\x16avro.schema" + _number(len(schema)) + schema + b"\0"
    return head + b"s" * 16 + b"\x02" + _number(len(block)) + block + b"s" * 16


def _number(value):
    value, found = value << 1, bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


READING = (
    ["sql", "select count(*) from numbered"],
    ["runs"],
    ["tables"],
    ["check"],
    ["report", "--out", "PAGES"],
    ["status"],
)


def test_commands_that_read_load_nothing_that_writes(lake, tmp_path):
    """One process carries them all out, one after the other."""
    place = ["--config", str(lake.config.folder / "planlake.yaml")]
    commands = [[word.replace("PAGES", str(tmp_path / "pages")) for word in [*words, *place]] for words in READING]
    program = f"""
import sys
from planlake.cli.main import main
for words in {commands!r}:
    sys.argv = ["planlake", *words]
    try:
        main()
    except SystemExit as leaving:
        print("left with", leaving.code)
heavy = ("sqlalchemy", "pandas", "pyiceberg.catalog", "pyiceberg.table", "pyiceberg.io", "pyarrow.dataset")
print("loaded", [one for one in heavy if one in sys.modules])
sys.argv = ["planlake", "status", *words[-2:]]  # which looks for a second history as well, with pyiceberg
try:
    main()
except SystemExit:
    print("by status", [one for one in heavy[:1] if one in sys.modules])
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    left = [line for line in said.stdout.splitlines() if line.startswith("left with")]
    assert left == [*["left with 0"] * (len(READING) - 1), "left with 1"], (
        said.stdout + said.stderr
    )  # models are not built
    assert "\nloaded []\n" in said.stdout
    assert said.stdout.splitlines()[-1] == "by status []"
