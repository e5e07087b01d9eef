"""Names on Glue, which keeps them in lower case and takes 255 characters: a run loads whatever keys an API has."""

import json

import pytest

from commands import typed_in_process
from conftest import feeding
from engines.two_engines import assert_equal, contents
from flow.ingest.served import DAY_1, PATIENCE, record, served
from planlake.changes.previews import create
from planlake.config import Catalog, Config, Environment
from planlake.errors import ConfigurationError
from planlake.lake.lake import open_environment
from planlake.report.query import open_views
from planlake.runs.plan import Selection
from planlake.runs.run import run
from querying import answer

LONG = "k" * 300
KEYS = {
    LONG: "long",
    LONG + " and longer": "differs behind the 255th",
    LONG.upper(): "differs in case",
    "\u0436" * 200: "400 bytes",
    "\U0001f3e0" * 70: "280 bytes",
    "two\nlines\uffff": "a line break",
    "Name": "as name",
    "NAME": "as name again",
    "name_2": "as the second name would be called",
}


@pytest.fixture
def feed(stand_ins, bucket, tmp_path):
    data = served(["things"], now=DAY_1)
    data.put("things", record(1, **KEYS))
    catalog = json.dumps({"type": "glue", "properties": stand_ins.properties})
    columns = "id: integer, last_updated: timestamp, name: text, amount: double, flag: text"
    text = (
        f"resources: {{things: {{columns: {{{columns}}}}}}}\ntables: {{daily: [things]}}\nsettings: {{{PATIENCE}}}\n"
        f'environments: {{here: {{}}, aws: {{catalog: {catalog}, warehouse: "s3://{bucket}/names/", '
        f"database_prefix: names-}}}}\n"
    )
    with feeding(data, tmp_path, text) as made:
        made.monkeypatch.setenv("PLANLAKE_NOW", DAY_1)
        yield made


def test_keys_of_any_length_and_case_are_columns_that_glue_takes_and_keep_their_values(feed):
    for place in ("here", "aws"):
        assert run(feed.config, Selection(), environment=place).exit_code == 0
    assert_equal(contents(feed.config, "here"), contents(feed.config, "aws"))
    with open_views(feed.config, environment="aws") as views:
        shown = answer(views, "select * from things").to_pylist()[0]
        lake = views.lake
    fields = lake.find("refined", "current_things").schema().fields
    held = {one.doc or one.name: shown[one.name] for one in fields if one.name in shown}
    assert held.items() >= {**KEYS, "name": "name 1"}.items()
    names = [one.name for one in fields]
    assert len({name.lower() for name in names}) == len(names)
    assert max(len(name.encode()) for name in names) == 255


def test_a_preview_in_capitals_is_told_how_to_write_it(feed):
    with pytest.raises(ConfigurationError, match="Glue keeps names in lower case") as raised:
        create(feed.config, "DPP-426", base="aws")
    assert raised.value.hint == "planlake env create dpp-426"


def test_a_prefix_in_capitals_is_told_how_to_write_it(feed, monkeypatch, capfd):
    file = feed.config.folder / "planlake.yaml"
    file.write_text(file.read_text().replace("database_prefix: names-", "database_prefix: Names-"))
    left = typed_in_process(monkeypatch, capfd, ("status", "--config", file))
    assert left.status == 2
    assert "must be in lower case, as Glue keeps names: write names-" in left.err


def test_a_source_in_capitals_is_refused_on_glue_alone(stand_ins, bucket, tmp_path):
    (tmp_path / "Building.toml").write_text("")
    there = Environment(catalog=Catalog(type="glue", properties=stand_ins.properties), warehouse=f"s3://{bucket}/x/")
    config = Config(source="./Building.toml", environments={"here": Environment(), "aws": there}, folder=tmp_path)
    assert open_environment(config, "here").database("raw") == "Building-raw-zone"
    with pytest.raises(ConfigurationError, match="databases are named after the source, and Glue keeps names in lower"):
        open_environment(config, "aws")


def test_a_prefix_that_leaves_no_room_for_names_of_databases_is_refused(tmp_path):
    config = Config(environments={"here": Environment(database_prefix="p" * 174)}, folder=tmp_path)
    with pytest.raises(ConfigurationError, match="database_prefix and source have more than 180 bytes together"):
        open_environment(config)
    config = Config(environments={"here": Environment(database_prefix="p" * 173)}, folder=tmp_path)
    preview = f"preview-{'n' * 40}--{open_environment(config).database('refined')}"
    assert len(preview) < 255
