"""How often each command asks Glue and S3, counted in front of the stand-ins; a command is a process of its own.

A call more or less fails. Where it is right, change it here and in `docs/decisions/0033-requests-to-aws.md`.
"""

import json
import os
from collections import Counter
from datetime import datetime

import pytest

from aws.counting import counted
from commands import planlake
from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, DAY_3, fill, served, settings_of

FULL_LOAD, DAY, QUIET_DAY, SQL, STATUS = "full load", "day", "day without news", "sql", "status"
GLUE = {
    FULL_LOAD: {
        "CreateDatabase": 8,
        "CreateTable": 14,
        "GetDatabase": 3,
        "GetDatabases": 1,
        "GetTable": 18,
        "GetTables": 4,
        "UpdateTable": 7,
    },
    DAY: {"GetDatabase": 3, "GetDatabases": 1, "GetTable": 18, "GetTables": 7, "UpdateTable": 7},
    QUIET_DAY: {"GetDatabase": 2, "GetDatabases": 1, "GetTable": 14, "GetTables": 7, "UpdateTable": 4},
    SQL: {"GetTable": 2, "GetTables": 3},
    STATUS: {"GetTable": 11, "GetTables": 7},
}
S3 = {
    FULL_LOAD: {"GET": 4, "HEAD": 12, "LIST": 4, "PUT": 36},
    DAY: {"GET": 30, "HEAD": 42, "LIST": 4, "PUT": 29},
    QUIET_DAY: {"GET": 37, "HEAD": 49, "LIST": 4, "PUT": 16},
    SQL: {"GET": 13, "HEAD": 13},
    STATUS: {"GET": 43, "HEAD": 82},
}
QUERY = "select count(*) as n from things where amount > 0"


@pytest.fixture
def counting(stand_ins, bucket, tmp_path):
    """What a command asks of Glue and of S3, and the API's records. How often a lease is renewed depends on time."""
    with counted(stand_ins.glue) as glue, counted(stand_ins.s3) as s3:
        properties = {**stand_ins.properties, "glue.endpoint": glue.url, "s3.endpoint": s3.url}
        place = json.dumps({"type": "glue", "properties": properties})
        aws = f'{{catalog: {place}, warehouse: "s3://{bucket}/counted/", database_prefix: counted-}}'
        text = f"{settings_of(['things'], concurrency=1, table_concurrency=1)}environments: {{aws: {aws}}}\n"
        data = served(["things"], page_size=20, now=DAY_1)
        fill(data, "things", 60)
        with feeding(data, tmp_path, text):

            def ask(now, *arguments):
                data.move_to(max(data.now, datetime.fromisoformat(now)))
                glue.asked.clear()
                s3.asked.clear()
                keys = {name: value for name, value in os.environ.items() if name.startswith("TASCOMI_")}
                done = planlake(*arguments, folder=tmp_path, timeout=300, PLANLAKE_NOW=now, **keys)
                assert done.status == 0, done.everything
                objects = Counter(name for name, path in s3.asked if "/leases/" not in path)
                return dict(Counter(name for name, _ in glue.asked)), dict(objects)

            yield ask, data


def test_each_command_asks_glue_and_s3_as_often_as_is_written_here(counting):
    asked, data = counting
    found = {FULL_LOAD: asked(DAY_1, "run")}
    fill(data, "things", 5, "2026-11-17 09:00:00", start=3, name="changed")
    found[DAY] = asked(DAY_2, "run")
    found[QUIET_DAY] = asked(DAY_3, "run")
    found[SQL] = asked(DAY_3, "sql", QUERY)
    found[STATUS] = asked(DAY_3, "status")
    assert {name: glue for name, (glue, _) in found.items()} == GLUE
    assert {name: s3 for name, (_, s3) in found.items()} == S3
