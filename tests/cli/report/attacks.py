"""SQL that tries to write, or to read what no table shows: statements by name, made for the places of a lake."""

from dataclasses import dataclass
from pathlib import Path

SECRET = "planted-secret-7391"


@dataclass(frozen=True)
class Places:
    """Where a lake lies, files of it and files beside it; `port` is where somebody listens on this machine."""

    lake: Path
    outside: Path
    port: int
    catalogue: Path
    data_file: Path
    raw_file: Path
    metadata: Path
    secrets: tuple[str, ...]

    def fill(self, statement: str) -> str:
        """A statement of the file of attacks, with this lake's places."""
        places = {"LAKE": self.lake, "OUTSIDE": self.outside, "ROOT": self.lake.parent, "PORT": self.port}
        for name, place in places.items():
            statement = statement.replace(f"{{{name}}}", str(place))
        return statement


# `{}` is a file to be written. The first is what destroyed a catalogue.
WRITING = {
    "inside with": "with x as (copy (select 1) to '{}' (format csv)) select 1",
    "inside with, read": "with x as (copy (select 1) to '{}' (format csv)) select * from x",
    "inside with, deep": "select (with x as (copy (select 1) to '{}' (format csv)) select 1)",
    "inside with, in a condition": "select 1 where exists (with x as (copy (select 1) to '{}') select 1)",
    "inside with, in place": "with x as (copy (select 1) to '{}' (format csv, use_tmp_file false)) select 1",
    "copy": "copy (select 1) to '{}' (format csv)",
    "copy in place": "copy (select 1 as id) to '{}' (format parquet, use_tmp_file false)",
    "copy a table": "copy fees to '{}'",
    "copy in pieces": "copy (select 1 as a, 2 as b) to '{}' (format parquet, partition_by (a), overwrite true)",
    "copy per thread": "copy (select 1) to '{}' (format parquet, per_thread_output true)",
    "explain analyze": "explain analyze copy (select 1) to '{}' (format csv, use_tmp_file false)",
    "behind a query": "select 1; copy (select 1) to '{}' (format csv, use_tmp_file false)",
    "prepared": "prepare p as copy (select 1) to '{}' (format csv, use_tmp_file false); execute p",
    "by query()": "select * from query('copy (select 1) to ''{}''')",
    "export": "export database '{}'",
    "attach": "attach '{}' as n",
    "vacuum into": "attach '{}' as n (type duckdb); create table n.t as select 1",
    "log": "select * from enable_logging(storage='file', storage_path='{}')",
    "log by call": "call enable_logging(storage='file', storage_path='{}')",
    "profile": "select * from enable_profiling(save_location='{}', format='json')",
    "profile by pragma": "pragma profiling_output='{}'",
    "temporary files": "set temp_directory='{}'",
}
# `{}` is a file to be read.
READING = {
    "text": "select content from read_text('{}')",
    "text by a list": "select content from read_text(['{}'])",
    "text as an address": "select content from read_text('file://{}')",
    "bytes": "select content from read_blob('{}')",
    "csv": "select * from read_csv('{}', header=false, ignore_errors=true)",
    "its name as a table": "select * from '{}'",
    "its quoted name as a table": 'select * from "{}"',
    "its name behind with": """with "{}" as (select 1) select * from (select * from '{}')""",
    "its name in a with of its own": """select * from '{}', (with "{}" as (select 1) select 1) x""",
    "described": "describe select * from read_csv('{}')",
    "summarized": "summarize select * from read_text('{}')",
    "sniffed": "select * from sniff_csv('{}')",
    "parquet": "select * from read_parquet('{}')",
    "parquet by a folder": "select * from read_parquet('{}/../*.parquet')",
    "its metadata": "select * from parquet_metadata('{}')",
    "its schema": "select * from parquet_schema('{}')",
    "json": "select * from read_json_objects('{}', format='unstructured')",
    "duckdb": "select * from read_duckdb('{}', table_name='t')",
    "by query()": "select * from query('select * from read_text(''{}'')')",
    "by query_table()": "select * from query_table('{}')",
    "by serialised sql": (
        "select * from json_execute_serialized_sql(json_serialize_sql('select * from read_text(''{}'')'))"
    ),
    "lateral": "select * from fees, lateral (select * from read_text('{}'))",
    "in a condition": "select id from fees where exists (select * from read_text('{}'))",
    "copied in": "create temp table t as select * from read_text('{}'); select * from t",
    "attached": "attach '{}' as o (read_only); select * from o.t",
    "listed": "select * from glob('{}')",
    "listed beside": "select * from glob('{}*')",
}
OTHERS = {
    "environment": "select getenv('PLANTED')",
    "a variable of the process": "select * from planted_frame",
    "settings": "select * from duckdb_settings() where value like '%{ROOT}%'",
    "views": "select sql from duckdb_views() where sql like '%{ROOT}%'",
    "files that are cached": "select * from duckdb_external_file_cache() where path like '%{ROOT}%'",
    "memory of others": "select * from arrow_scan(1, 2, 3)",
    "network": "select * from read_csv('http://127.0.0.1:{PORT}/x.csv')",
    "network out": "copy (select 1) to 'http://127.0.0.1:{PORT}/up.csv'",
    "extension": "install httpfs from 'http://127.0.0.1:{PORT}'",
    "extension by path": "load '{OUTSIDE}/x.duckdb_extension'",
    "unlocking": "set lock_configuration=false",
    "opening": "set enable_external_access=true",
    "file systems": "set disabled_filesystems=''",
    "folders": "set allowed_directories=['/']",
    "paths": "reset allowed_paths",
    "memory": "set memory_limit='100GB'",
}


def own_attacks(places: Places, every: int) -> dict[str, str]:
    """Every way to write and every way to read, each at so many kinds of files (there are five), and others."""
    targets = [
        places.catalogue,
        places.data_file,
        places.metadata,
        places.lake / "evil.csv",
        places.outside / "evil.csv",
    ]
    found = {f"other: {name}": places.fill(statement) for name, statement in OTHERS.items()}
    for kind, statements, files in (("write", WRITING, targets), ("read", READING, [*map(Path, places.secrets)])):
        for number, (name, statement) in enumerate(statements.items()):
            chosen = [files[(number + step) % len(files)] for step in range(every)]
            found |= {f"{kind}: {name}, {file.name}": statement.replace("{}", str(file)) for file in chosen}
    return found
