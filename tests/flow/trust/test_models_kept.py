"""Models that a process has read are read again where a file of theirs is another one, and not otherwise."""

import os

import duckdb
import pytest

from planlake.config import Config, ModelSettings
from planlake.flow.trust import room
from planlake.flow.trust.room import models_of

RESOURCES = {"fees": None, "wards": None}


@pytest.fixture
def read(tmp_path, monkeypatch):
    """The queries of the models in a folder, and how often the folder was read."""
    (tmp_path / "models/mappings").mkdir(parents=True)
    times, plain = [], room.read_models
    monkeypatch.setattr(room, "read_models", lambda *given: times.append(1) or plain(*given))
    monkeypatch.setattr(room, "_READ", {})

    def go(**said):
        config = Config(folder=tmp_path, models=ModelSettings(**said))
        found = models_of(config, duckdb.connect(), RESOURCES)
        return {name: model.query for name, model in found.by_name.items()}, len(times)

    return go


def write(folder, name, text, age):
    file = folder / "models" / name
    file.write_text(text, encoding="utf-8")
    os.utime(file, (file.stat().st_mtime - age,) * 2)


def test_a_folder_is_read_once_until_something_in_it_changes(read, tmp_path):
    write(tmp_path, "a.sql", "select 1 as one", 60)
    assert [read(), read()] == [({"a": "select 1 as one"}, 1)] * 2
    write(tmp_path, "a.sql", "select 2 as one", 30)
    assert read() == ({"a": "select 2 as one"}, 2)
    write(tmp_path, "b.sql", "select 3 as one", 30)
    assert read() == ({"a": "select 2 as one", "b": "select 3 as one"}, 3)
    write(tmp_path, "mappings/m.csv", "a,b\n1,2\n", 30)
    assert read()[1] == 4
    (tmp_path / "models/b.sql").unlink()
    assert read() == ({"a": "select 2 as one"}, 5)
    assert read(checks={"a": {"complete": ["one"]}})[1] == 6


def test_what_was_written_just_now_is_read_again_as_it_may_be_written_once_more(read, tmp_path):
    write(tmp_path, "a.sql", "select 1 as one", 0)
    assert [read()[1], read()[1]] == [1, 2]
