"""A catalogue of one's own: a file or a folder beside planlake.yaml, and an address."""

import re
import shlex
from datetime import datetime
from pathlib import Path

import pytest

from commands import typed_in_process
from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, fill, record, served
from planlake.checks.documentation import NEVER_SENT, NEW_COLUMN, UNDOCUMENTED
from planlake.config import Config
from planlake.errors import ConfigurationError
from planlake.inspection.doctor import examine
from planlake.inspection.documentation import compare
from planlake.runs.reconcile import reconcile
from planlake.simulator.choose import dataset, speech
from planlake.simulator.register import TOKEN
from planlake.sources.catalogue import configured_catalogue, load_catalogue

BUILDING_CONTROL = """\
[source]
like = "tascomi"

[inspections]
cadence = "daily"

[inspections.columns]
id = "integer"
last_updated = "timestamp"
amount = "double"
flag = "boolean"
"""


def written(folder, text, name="building_control.toml"):
    (folder / name).write_text(text)
    return Config(source=f"./{name}", folder=folder)


def test_another_product_of_the_same_api_takes_a_file_and_an_address(tmp_path):
    (tmp_path / "building_control.toml").write_text(BUILDING_CONTROL)
    settings = "source: ./building_control.toml\ntables: {daily: [inspections]}\n"
    with feeding(served(["inspections"]), tmp_path, settings) as feed:
        fill(feed.data, "inspections", 3)
        assert feed.run_at(DAY_1).exit_code == 0
        feed.data.put("inspections", record(2, "2026-11-17 10:00:00", amount="99.25"))
        assert feed.run_at(DAY_2).exit_code == 0
        query = "select id, amount, flag, name from inspections order by id"
        assert [tuple(row.values()) for row in feed.rows(query)] == [
            (1, 1.5, True, "name 1"),
            (2, 99.25, False, "name 2"),
            (3, 3.5, True, "name 3"),
        ]
        assert feed.rows('select count(*) as n from "building_control-refined-zone".inspections') == [{"n": 3}]


def test_databases_of_a_source_are_queried_whatever_it_is_called(tmp_path):
    (tmp_path / "pg_register.toml").write_text(BUILDING_CONTROL)
    settings = "source: ./pg_register.toml\ntables: {daily: [inspections]}\n"
    with feeding(served(["inspections"]), tmp_path, settings) as feed:
        fill(feed.data, "inspections", 1)
        assert feed.run_at(DAY_1).exit_code == 0
        assert feed.rows('select id from "pg_register-refined-zone".inspections') == [{"id": 1}]


def test_a_source_like_another_speaks_as_that_one_does(tmp_path):
    catalogue = configured_catalogue(written(tmp_path, BUILDING_CONTROL))
    tascomi = load_catalogue("tascomi")
    assert (catalogue.dialect, catalogue.dropped_keys) == (tascomi.dialect, tascomi.dropped_keys)
    assert list(catalogue.resources) == ["inspections"]
    text = BUILDING_CONTROL.replace('"tascomi"', '"public_register"\ndialect = {size_parameter = "top"}')
    changed = configured_catalogue(written(tmp_path, text))
    assert (changed.dialect.size_parameter, changed.dialect.signing, changed.page_size) == ("top", "bearer", 200)
    assert changed.resource("inspections").changed == "modified"


def test_a_folder_is_a_catalogue_with_a_file_for_what_holds_for_all(tmp_path):
    folder = tmp_path / "building_control"
    folder.mkdir()
    (folder / "source.toml").write_text('like = "tascomi"\npage_size = 20\n')
    (folder / "inspections.toml").write_text(BUILDING_CONTROL.partition("\n\n")[2])
    catalogue = configured_catalogue(Config(source="./building_control", folder=tmp_path))
    assert (catalogue.source, catalogue.dialect.page_size) == ("building_control", 20)
    assert list(catalogue.resources) == ["inspections"]


def test_two_files_of_a_folder_that_describe_one_resource_are_refused(tmp_path):
    folder = tmp_path / "building_control"
    folder.mkdir()
    for name in ("source", "a", "b"):
        (folder / f"{name}.toml").write_text("" if name == "source" else BUILDING_CONTROL.partition("\n\n")[2])
    with pytest.raises(ConfigurationError, match=r"two files .* one resource .*inspections.*b\.toml"):
        configured_catalogue(Config(source="./building_control", folder=tmp_path))


MISTAKES = {
    "no TOML": ("[inspections", "cannot be read"),
    "no resource": ('[source]\nlike = "tascomi"\n', "has no resource"),
    "like nobody": (BUILDING_CONTROL.replace('"tascomi"', '"tascomy"'), 'no source is called "tascomy"'),
    "an unknown key": (BUILDING_CONTROL.replace("like", "page_sise = 20\nlike"), 'unknown key "page_sise"'),
    "an unknown word": (BUILDING_CONTROL.replace("like", "dialect = {pagin = 'page'}\nlike"), 'unknown key "pagin"'),
    "a wrong word": (BUILDING_CONTROL.replace("like", "dialect = {paging = 'cursor'}\nlike"), "the description of a"),
    "a wrong zone": (BUILDING_CONTROL.replace("like", "time_zone = 'Europe/Londn'\nlike"), "the description of a"),
    "no size": (BUILDING_CONTROL.replace("like", "page_size = 0\nlike"), "the description of a"),
    "a size no page has": (BUILDING_CONTROL.replace("like", "page_size = 3000000000\nlike"), "the description of a"),
    "a share that is none": (
        BUILDING_CONTROL.replace("cadence", "complete_minimum = nan\ncadence", 1),
        "the description of a",
    ),
    "a share above all": (
        BUILDING_CONTROL.replace("cadence", "complete_minimum = 99.0\ncadence", 1),
        "the description of a",
    ),
    "lists in lists": (
        BUILDING_CONTROL + f"x = {'[' * 20_000}{']' * 20_000}",
        "cannot be read: it is nested too deeply",
    ),
    "no table": ("page_size = 20\n" + BUILDING_CONTROL, '"page_size" of the catalogue is not a table'),
    "no key": (BUILDING_CONTROL.replace('id = "integer"', ""), 'key: "id" is not a declared column'),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_it_is_one_clear_line(tmp_path, mistake):
    text, said = MISTAKES[mistake]
    with pytest.raises(ConfigurationError, match=said):
        configured_catalogue(written(tmp_path, text))


def test_a_file_that_is_not_there_or_has_no_name_for_databases_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="no source is called"):
        configured_catalogue(Config(source="./nowhere.toml", folder=tmp_path))
    with pytest.raises(ConfigurationError, match="not a valid source name"):
        configured_catalogue(written(tmp_path, BUILDING_CONTROL, "Building Control.toml"))


# ---------------------------------------------------------------- served by the simulator

GUIDE = (Path(__file__).parents[2] / "docs/add-a-source.md").read_text("utf-8")
REGISTER = next(block for block in re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL) if "[repd]" in block)
UNLIKE = """\
[source]
like = "tascomi"
time_zone = "UTC"
page_size = 40

[source.dialect]
page_parameter = "p"
size_parameter = "n"
day_parameter = "on"
records = "data.list"
total = "body:data.total"
size = ""
place = "header:X-Page"
no_records_status = 204

[permits]
cadence = "daily"
key = "number"
changed = "touched"
complete = "id"
personal = ["holder"]

[permits.columns]
number = "integer"
touched = "timestamp_utc"
id = "double"
holder = "text"
"""
FILES = {
    "the guide's own": ("register", REGISTER, "repd", "reference", "daily"),
    "unlike any": ("permits", UNLIKE, "permits", "number", "daily"),
    "at another address": (
        "permits",
        UNLIKE.replace('"daily"', '"daily"\npath = "v2/Permits"'),
        "permits",
        "number",
        "daily",
    ),
    "the same, read whole": ("permits", UNLIKE.replace('"touched"', '""', 1), "permits", "number", "weekly"),
}


@pytest.mark.parametrize("file", FILES)
def test_the_simulator_serves_what_a_file_describes_and_a_lake_of_it_equals_the_api(tmp_path, monkeypatch, file):
    name, text, table, key, cadence = FILES[file]
    written(tmp_path, text, f"{name}.toml")
    monkeypatch.chdir(tmp_path)
    source = f"./{name}.toml"
    data = dataset(source, now=datetime.fromisoformat(DAY_1), sizes={table: 150})
    settings = f"source: {source}\ntables: {{{cadence}: [{table}]}}\n"
    with feeding(data, tmp_path, settings, speech(source)) as feed:
        results = [feed.run_at(now, table) for now in (DAY_1, DAY_2)]
        assert [result.exit_code for result in results] == [0, 0], results
        assert [row[key] for row in feed.rows(f"select {key} from {table} order by 1")] == data.ids(table)
        assert [one.is_equal for one in reconcile(feed.config, (table,), is_deep=True)] == [True]
        assert feed.rows("select * from uncastable") == []
        of_days = """select 1 from api_requests where event = 'page' and "window" <> 'full' and records > 0"""
        assert bool(feed.rows(of_days)) == (cadence == "daily")


def test_the_commands_of_the_guide_load_its_own_catalogue(tmp_path, monkeypatch, capfd):
    *_, block = re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    *_, file = re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    written(tmp_path, REGISTER, "register.toml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLANLAKE_LOG", "off")
    data = dataset("./register.toml", now=datetime.fromisoformat(DAY_1), sizes={"repd": 150})
    with feeding(data, tmp_path, "source: ./register.toml\n", speech("./register.toml")) as feed:
        monkeypatch.setenv("PLANLAKE_NOW", DAY_1)
        monkeypatch.setenv("REGISTER_TOKEN", TOKEN)
        monkeypatch.delenv("PLANLAKE_API_TOKEN")
        (tmp_path / "planlake.yaml").write_text(file.replace("http://127.0.0.1:8642/rest/v1", feed.simulator.url))
        lines = block.splitlines()
        assert [line.split()[1] for line in lines] == ["doctor", "plan", "try", "run", "check", "sql", "reconcile"]
        for line in lines:
            said = typed_in_process(monkeypatch, capfd, shlex.split(line, comments=True)[1:])
            assert (said.status, said.errors) == (0, []), said.everything


ELSEWHERE = """\
[source]
like = "tascomi"

[planning_applications]
path = "planningApplications"
cadence = "daily"

[planning_applications.columns]
id = "integer"
last_updated = "timestamp"

[runs_of_inspectors]
path = "runs"
changed = ""
columns = {id = "integer"}
"""


def test_a_resource_has_another_name_than_its_address_where_that_is_no_name_of_a_table(tmp_path, monkeypatch, capfd):
    written(tmp_path, ELSEWHERE, "elsewhere.toml")
    monkeypatch.chdir(tmp_path)
    names, source = ("planning_applications", "runs_of_inspectors"), "./elsewhere.toml"
    data = dataset(source, now=datetime.fromisoformat(DAY_1), sizes=dict.fromkeys(names, 60))
    settings = f"source: {source}\ntables: {{daily: [{names[0]}], weekly: [{names[1]}]}}\n"
    with feeding(data, tmp_path, settings, speech(source)) as feed:
        planned = typed_in_process(monkeypatch, capfd, ("plan",))
        assert planned.status == 0
        assert "not known" not in planned.out
        assert {one.verdict for one in examine(feed.config)} <= {"ok", "warning"}
        assert feed.run_at(DAY_1).exit_code == 0
        assert [len(feed.rows(f"select id from {name}")) for name in names] == [len(data.ids(name)) for name in names]
        assert {request.path for request in feed.simulator.requests} == {
            "/rest/v1/planningApplications",
            "/rest/v1/runs",
        }
        compared = compare(feed.config, docs=f"{feed.simulator.url}/documentation.html")
        assert {one.what for one in compared.differences} <= {NEW_COLUMN, UNDOCUMENTED, NEVER_SENT}
        assert feed.rows("select distinct resource from runs where resource is not null order by 1") == [
            {"resource": name} for name in names
        ]
