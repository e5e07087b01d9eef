"""Models become trusted tables: in order, checked, whole or not at all, and only where what they read has changed."""

import json
from contextlib import contextmanager
from datetime import date

import duckdb
import pytest

from commands import typed_in_process
from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, DAY_3, PATIENCE, TWO_KINDS, change_two_kinds, fill, two_kinds
from flow.killing import killed
from planlake.changes.drop_model import drop_model_table
from planlake.changes.forget import forget
from planlake.changes.maintain import maintain
from planlake.changes.previews import create, promote
from planlake.changes.rebuild import rebuild
from planlake.changes.rollback import rollback, undo
from planlake.config import load_config
from planlake.flow.trust import step
from planlake.lake.open_lake import open_lake
from planlake.lake.warehouse import Storage
from planlake.runs.plan import Selection
from planlake.runs.run import run

SETTINGS = f"{TWO_KINDS}settings: {{{PATIENCE}, rejected_percent: 100, uncastable_percent: 100}}\n"
MODELS = {
    "people": """\
-- Everybody, by number.
--
-- checks:
--   unique: [id]
--   complete: [id]
-- columns:
--   label: the name in capitals
select id, upper(name) as label, amount::decimal(10, 2) as amount, last_updated::date as day, flag
from refined.numbered
""",
    "pairs": """\
-- Numbers with letters.
--
-- checks:
--   relations: {id: trusted.people.id}
--   accepted: {kind: [small, large]}
--   conditions: {not negative: id >= 0}
select p.id, p.label, l.name as other, m.kind
from trusted.people p join refined.lettered l on l.id = p.id::varchar
left join mapping.kinds m on p.id >= m.since::integer and p.id < m.until::integer
""",
    "counted": "-- How many.\n--\n-- kind: view\nselect kind, count(*) as n from trusted.pairs group by all\n",
    "alone": """\
select count(*)::hugeint as n, sum(amount::decimal(18, 0)) as total, null as nothing from refined.lettered
""",
}
TOTAL = 230  # of 1.5 to 20.5, each rounded up
OF_MODELS = Selection(step="trust")


@contextmanager
def modelled(folder):
    """A feed with all models in its folder."""
    with feeding(two_kinds(20), folder, SETTINGS) as made:
        (folder / "models/mappings").mkdir(parents=True)
        (folder / "models/mappings/kinds.csv").write_text("since,until,kind\n0,10,small\n10,1000,large\n")
        write_models(made)
        yield made


@pytest.fixture
def feed(tmp_path):
    with modelled(tmp_path) as made:
        yield made


def write_models(feed):
    for name, text in MODELS.items():
        write(feed, name, text)


def write(feed, name, text):
    (feed.config.folder / f"models/{name}.sql").write_text(text)


def change(feed, name, old, new):
    file = feed.config.folder / f"models/{name}.sql"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def outcomes(result):
    return {one.model: one.outcome for one in result.models}


def built(feed, now=None, environment=None):
    """What a run of the models does now."""
    if now:
        feed.monkeypatch.setenv("PLANLAKE_NOW", now)
    return run(feed.config, OF_MODELS, environment=environment)


ALL_BUILT = {"people": "built", "pairs": "built", "alone": "built"}
UP_TO_DATE = dict.fromkeys(ALL_BUILT, "up to date")


def test_a_run_builds_what_has_changed_and_all_that_stands_on_it(feed):
    result = feed.run_at(DAY_1)
    assert (outcomes(result), result.exit_code) == (ALL_BUILT, 0)
    assert feed.rows("select label, amount, day, flag from trusted.people where id = 3") == [
        {"label": "NAME 3", "amount": 3.5, "day": date(2026, 11, 16), "flag": True}
    ]
    assert feed.rows("from trusted.counted order by n") == [{"kind": "small", "n": 9}, {"kind": "large", "n": 12}]
    assert feed.rows("from alone") == [{"n": 21, "total": TOTAL, "nothing": None}]
    assert outcomes(built(feed)) == UP_TO_DATE
    change_two_kinds(feed.data)
    assert outcomes(feed.run_at(DAY_2)) == ALL_BUILT
    assert feed.rows("select count(*)::int as n from trusted.people where label = 'CHANGED'") == [{"n": 5}]
    change(feed, "people", "upper(name)", "lower(name)")
    assert outcomes(built(feed)) == {"people": "built", "pairs": "built", "alone": "up to date"}
    change(feed, "alone", "refined.lettered", "refined.numbered")
    assert outcomes(built(feed)) == {"people": "up to date", "pairs": "up to date", "alone": "built"}
    (feed.config.folder / "models/mappings/kinds.csv").write_text("since,until,kind\n0,1000,small\n")
    assert outcomes(built(feed)) == {"people": "up to date", "pairs": "built", "alone": "up to date"}
    assert feed.rows("from trusted.counted") == [{"kind": "small", "n": 22}]


def test_a_model_that_fails_a_check_keeps_its_version_and_what_stands_on_it_is_left_alone(feed):
    feed.run_at(DAY_1)
    before = feed.rows("from trusted.pairs order by id")
    change(feed, "people", "select id,", "select id % 5 as id,")
    result = built(feed)
    assert outcomes(result) == {"people": "held", "pairs": "left alone", "alone": "up to date"}
    assert result.exit_code == 1
    assert next(one.message for one in result.models if one.outcome == "held") == "16 rows repeat a id"
    assert feed.rows("from trusted.pairs order by id") == before
    told = feed.rows("select resource, outcome from runs where resource like 'trusted.%' and run = 2 order by 1")
    assert [(one["resource"], one["outcome"]) for one in told] == [
        ("trusted.pairs", "left alone"),
        ("trusted.people", "held"),
    ]
    assert feed.rows("select figure from checks where resource = 'trusted.people' and verdict = 'held'") == [
        {"figure": 16}
    ]
    change(feed, "people", "select id % 5 as id,", "select id,")
    assert outcomes(built(feed)) == UP_TO_DATE


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "from refined.numbered",
            "from refined.nmbered",
            'no table is called "refined.nmbered" (model=people, at=people.sql:9)',
        ),
        ("upper(name)", "uper(nme)", "at=people.sql:8"),
        ("flag\n", "flag,\n  nobody\n", "at=people.sql:9"),
        ("flag\n", "flag,\n\n  no_function(name) as n\n", "at=people.sql:10"),
        ("flag\n", "flag,\n\n  name::integer as n\n", "at=people.sql:10"),
        ("select id", "select id,,", 'syntax error at or near ","'),
        (
            "from refined.numbered",
            "from trusted.pairs",
            "models read each other in a circle: people reads pairs reads people (at=people.sql:9)",
        ),
        ("unique: [id]", "unique: [id", "what stands above a model is not YAML (at=people.sql:5)"),
        ("unique: [id]", "uniq: [id]", "no check is called uniq"),
        ("select id, upper", "describe select id, upper", "a model is one SELECT (at=people.sql:8)"),
        ("select id, upper", "summarize select id, upper", "a model is one SELECT"),
        ("upper(name)", "(select max(case i when 99999 then error(name) end) from range(100000) r(i))", "a value of"),
        ("complete: [id]", "complete: [ide]", "a check of the model people cannot be carried out"),
        (
            "amount::decimal(10, 2)",
            "[amount]",
            "a column has a type that no table can have (model=people, column=amount",
        ),
        ("flag\n", "flag, 1 as Label\n", "two columns are called Label"),
        ("from refined.numbered", "from read_csv('/etc/passwd')", "read_csv() is not allowed"),
        ("upper(name)", "(name || ' secret')::integer", "a value of some row does not convert"),
        ("upper(name)", "strptime(name || 'secret', '%d')", "a value of some row does not convert"),
        ("upper(name)", "error(name || 'secret')", "a value of some row does not convert"),
        (
            "unique: [id]",
            "conditions: {z: \"error(name || 'secret')\"}",
            "a check of the model people cannot be carried out",
        ),
        ("unique: [id]", "conditions: {z: true) is not true; select (1}", "the query cannot be read"),
        ("unique: [id]", "unique: id", "unique, complete and the values accepted are lists: [id]"),
        (
            "columns:\n--   label: the name in capitals",
            "columns: [a]",
            "columns of a model are names with their meanings",
        ),
        (
            "number.\n--\n-- checks",
            "number.\n-- checks",
            "checks: is not read where it stands (model=people, at=people.sql:2)",
        ),
        (
            "number.\n--\n-- checks",
            "number.\n\n-- checks",
            "checks: is not read where it stands (model=people, at=people.sql:3)",
        ),
        (
            "-- Everybody, by number.\n--\n-- checks",
            "-- checks",
            "checks: is not read where it stands (model=people, at=people.sql:1)",
        ),
        ("number.\n--\n--", "number.\n-- kind: view\n--\n--", "kind: is not read where it stands"),
        ("-- Everybody", "\n-- Everybody", "checks: is not read where it stands (model=people, at=people.sql:4)"),
        ("label: the name in capitals", "label: 2020-13-45", "what stands above a model is not YAML"),
        ("label: the name in capitals", "label: &a x\n--   day: *a", "names nothing by *aliases"),
        ("from refined.numbered", "from numbered", '"numbered" has to be named with its schema'),
        ("select id", "select id, 1e30::hugeint as much", "a value of much is too large for int64"),
    ],
)
def test_what_is_wrong_with_a_model_is_said_with_its_line_and_fails_that_model_alone(loaded, old, new, said):
    feed = loaded
    change(feed, "people", old, new)
    try:
        result = built(feed)
    finally:
        write_models(feed)
    found = {one.model: one for one in result.models}
    assert found["people"].outcome == "failed"
    assert said in found["people"].message
    assert "secret" not in found["people"].message
    assert found["alone"].outcome == "up to date"
    assert feed.rows("select count(*)::int as n from trusted.people") == [{"n": 21}]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    with modelled(tmp_path_factory.mktemp("models")) as made:
        made.run_at(DAY_1)
        yield made


def test_trusted_tables_follow_a_rollback_its_undo_and_a_rebuild(feed):
    feed.run_at(DAY_1)
    before = feed.rows("from trusted.people order by id")
    change_two_kinds(feed.data)
    feed.run_at(DAY_2)
    after = feed.rows("from trusted.people order by id")
    assert rollback(feed.config, ["numbered"], "last-good", confirm=lambda _: True)
    assert feed.rows("from trusted.people order by id") == before
    assert undo(feed.config, confirm=lambda _: True)
    assert feed.rows("from trusted.people order by id") == after
    rebuild(feed.config, ["numbered"])
    assert feed.rows("from trusted.people order by id") == after
    assert outcomes(built(feed)) == UP_TO_DATE


def test_a_past_day_is_shown_as_it_was_built(feed):
    feed.run_at(DAY_1)
    before = feed.rows("from trusted.people order by id")
    change_two_kinds(feed.data)
    change(feed, "people", "flag\n", "flag, 1 as more\n")
    feed.run_at(DAY_2)
    day = DAY_1[:10]
    assert feed.rows("from trusted.people order by id", as_of=day) == before
    assert feed.rows("from trusted.counted order by n", as_of=day) == [
        {"kind": "small", "n": 9},
        {"kind": "large", "n": 12},
    ]
    assert feed.rows("from trusted.people", as_of="2026-11-01") == []


def test_a_preview_builds_its_own_and_promotion_those_of_its_base(feed):
    feed.run_at(DAY_1)
    before = feed.rows("select id, other from trusted.pairs order by id")
    create(feed.config, "tried")
    fill(feed.data, "lettered", 4, "2026-11-17 10:00:00", start=1, name="in a preview")
    result = run(feed.config, Selection(("lettered",), is_full=True), environment="tried")
    assert outcomes(result) == {"people": "up to date", "pairs": "built", "alone": "built"}
    mine = feed.rows("select id, other from trusted.pairs order by id", environment="tried")
    assert sum(one["other"] == "in a preview" for one in mine) == 4
    assert feed.rows("select id, other from trusted.pairs order by id") == before
    assert promote(feed.config, "tried", [], confirm=lambda _: True)
    assert feed.rows("select id, other from trusted.pairs order by id") == mine


def test_a_preview_whose_models_alone_differ_is_not_told_to_be_equal(feed, typed):
    write(feed, "current_things", "select id from refined.numbered\n")
    feed.run_at(DAY_1)
    create(feed.config, "tried")
    change(feed, "people", "select id,", "select id::bigint as id, 1 as more,")
    change(feed, "pairs", "m.kind\n", "case when p.id = 3 then 'large' else m.kind end as kind\n")
    change(feed, "current_things", "id from", "-id as id from")
    assert outcomes(built(feed, environment="tried"))["pairs"] == "built"
    assert feed.rows("select min(id)::int as id from trusted.current_things", environment="tried") == [{"id": -21}]
    found = {one["table"]: one for one in json.loads(typed("env", "diff", "tried", "--json").out)}
    told = ("rows_base", "rows_preview", "added", "removed", "columns_added", "retyped")
    assert [found["trusted.pairs"][name] for name in told] == [21, 21, 1, 1, [], [["id", "int", "long"]]]
    assert [found["trusted.people"][name] for name in told] == [21, 21, 21, 21, ["more"], [["id", "int", "long"]]]
    assert "trusted.people: new columns: more" in typed("env", "diff", "tried", "trusted.people").err
    assert "trusted.alone" not in found
    assert typed("env", "diff", "tried", "trusted.alone").status == 2
    said = typed("env", "promote", "tried", "--yes")
    assert "local gets trusted.current_things, trusted.pairs, trusted.people by a run" in said.err
    assert "--env local --step trust" in said.err
    assert typed("run", "--env", "local", "--step", "trust").status == 0
    assert "no table of tried differs from its base" in typed("env", "promote", "tried", "--yes").err


def test_who_is_forgotten_is_in_no_file_of_a_trusted_table(feed):
    feed.data.put("numbered", {"id": 12, "last_updated": "2026-11-16 10:00:00", "name": "somebody in particular"})
    feed.run_at(DAY_1)
    create(feed.config, "tried")
    fill(feed.data, "numbered", 2, "2026-11-17 10:00:00", start=1, name="else")
    assert run(feed.config, Selection(("numbered",), is_full=True), environment="tried").exit_code == 0
    change_two_kinds(feed.data)
    feed.run_at(DAY_2)
    assert forget(feed.config, "numbered", "12", confirm=lambda _: True)
    assert feed.rows("select count(*)::int as n from trusted.people") == [{"n": 21}]
    assert feed.rows("from trusted.people where id = 12") == []
    files = [str(file) for file in (feed.config.folder / "lake").rglob("*people/data/*.parquet")]
    assert files
    assert duckdb.sql(f"select count(*) from read_parquet({files}, union_by_name=true) where id = 12").fetchall() == [
        (0,)
    ]


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_run_that_is_stopped_between_models_is_finished_by_the_next(feed, at):
    feed.run_at(DAY_1)
    change_two_kinds(feed.data)
    commits, plain = [], step.commit

    def stop(*args, **named):
        commits.append(1)
        if len(commits) == at:
            raise KeyboardInterrupt
        return plain(*args, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step, "commit", stop)
        with pytest.raises(KeyboardInterrupt):
            feed.run_at(DAY_2)
    result = feed.run_at(DAY_3)
    assert set(outcomes(result).values()) <= {"built", "up to date"}
    assert feed.rows("select count(*)::int as n from trusted.people where label = 'CHANGED'") == [{"n": 5}]
    assert outcomes(built(feed)) == UP_TO_DATE


def test_models_are_listed_begun_and_tried(feed, monkeypatch, capfd):
    def typed(*arguments):
        file = feed.config.folder / "planlake.yaml"
        return typed_in_process(monkeypatch, capfd, [*arguments, "--config", file])

    feed.run_at(DAY_1)
    listed = {one["name"]: one for one in json.loads(typed("model", "list", "--json").out)}
    assert listed["pairs"]["reads"] == ["trusted.people", "refined.lettered", "mapping.kinds"]
    assert (listed["pairs"]["read_by"], listed["counted"]["kind"], listed["people"]["rows"]) == (
        ["counted"],
        "view",
        21,
    )
    planned = [one["table"] for one in json.loads(typed("plan", "--json").out) if one["step"] == "trust"]
    assert planned == ["trusted.alone", "trusted.people", "trusted.pairs"]
    assert json.loads(typed("plan", "--step", "refine", "--json").out)[0]["step"] == "refine"
    assert typed("model", "new", "mine", "--from", "lettered").status == 0
    assert typed("model", "new", "mine").status == 2
    said = typed("model", "test", "mine")
    assert (said.status, "+ unique of id: ok" in said.err) == (0, True)
    assert open_lake(feed.config).find("trusted", "mine") is None
    change(feed, "mine", "select id\n", "select 1 as id\n")
    said = typed("model", "test", "mine")
    assert (said.status, "! unique of id: 20 rows repeat a id" in said.err) == (1, True)
    said = typed("run", "--step", "trust")
    assert said.status == 1
    assert "trusted.mine has no version yet" in said.err
    said = typed("status")
    assert (said.status, "! trusted.mine: not built by run 2, held: 20 rows repeat a id" in said.out) == (1, True)
    assert "trusted.mine" in typed("check").out
    (feed.config.folder / "models/mine.sql").unlink()
    assert "trusted.mine" not in typed("status").out + typed("check").out
    assert typed("sql", "from trusted.nobody").status == 2


def test_models_count_working_days_and_ask_for_the_day_and_for_settings(feed):
    file = feed.config.folder / "planlake.yaml"
    (feed.config.folder / "closed.csv").write_text("day\n2026-12-24\n")
    given = "models: {closing_days: closed.csv, settings: {threshold: 7}}\n"
    file.write_text(file.read_text() + given)
    feed.config = load_config(file)
    days = "working_days(date '2026-12-23', date '2026-12-29')::integer as days"
    write(
        feed, "given", f"select {days}, run_day() as day, setting('threshold', 1) as threshold, setting('x', 2) as x\n"
    )
    feed.run_at(DAY_1)
    told = [{"days": 2, "day": date(2026, 11, 17), "threshold": "7", "x": "2"}]
    assert feed.rows("from trusted.given") == told
    assert outcomes(built(feed))["given"] == "up to date"
    (feed.config.folder / "closed.csv").write_text("day\n")
    assert outcomes(built(feed))["given"] == "built"
    assert feed.rows("from trusted.given") == [{**told[0], "days": 3}]
    assert outcomes(built(feed, DAY_2))["given"] == "built"
    assert feed.rows("select day from trusted.given") == [{"day": date(2026, 11, 18)}]


def test_a_model_waits_for_a_table_that_was_never_loaded(feed):
    write(feed, "later", "select id from refined.appeals\n")
    write(feed, "on_later", "select id from trusted.later\n")
    result = feed.run_at(DAY_1)
    assert (outcomes(result)["later"], outcomes(result)["on_later"], result.exit_code) == ("waiting", "waiting", 0)
    assert {one.model: one.message for one in result.models}["later"] == "refined.appeals was not loaded yet"


def test_shipped_models_are_copied_and_compared(feed, monkeypatch, capfd):
    def typed(*arguments):
        return typed_in_process(monkeypatch, capfd, [*arguments, "--config", feed.config.folder / "planlake.yaml"])

    said = typed("model", "diff")
    assert "applications.sql: shipped, not in your folder" in said.err
    assert "people.sql: your own" in said.err
    assert typed("model", "copy").status == 0
    change(feed, "agents", "(2, 32)", "(2)")
    said = typed("model", "diff")
    assert "-where contact_type_id in (2, 32)\n+where contact_type_id in (2)" in said.out
    assert "shipped, not" not in said.err
    assert "(2)" in (feed.config.folder / "models/agents.sql").read_text()
    typed("model", "copy")
    assert "(2)" in (feed.config.folder / "models/agents.sql").read_text()
    assert {"applications", "people"} <= {one["name"] for one in json.loads(typed("model", "list", "--json").out)}


def test_views_are_checked_at_each_run_and_what_stands_on_a_wrong_one_is_left_alone(feed, typed):
    view = "--\n--\n-- kind: view\n-- checks: {unique: [kind], conditions: {some: n > 0}}\n"
    write(feed, "counted", f"{view}select kind, count(*) as n from trusted.pairs group by all\n")
    write(feed, "on_it", "select kind from trusted.counted\n")
    assert outcomes(feed.run_at(DAY_1)) == {**ALL_BUILT, "counted": "up to date", "on_it": "built"}
    assert feed.rows("select verdict from checks where resource = 'trusted.counted'") == [{"verdict": "ok"}] * 2
    assert "it is there at once" in typed("model", "test", "counted").err
    change(feed, "counted", "select kind,", "select 1 as kind,")
    change(feed, "counted", "group by all", "group by pairs.kind")
    assert typed("model", "test", "counted").status == 1
    said = typed("run", "--step", "trust")
    assert (said.status, "trusted.counted is a view: people see it as it is" in said.err) == (1, True)
    told = feed.rows(
        "select resource, outcome, message from runs where resource like 'trusted.%' and run = 2 order by 1"
    )
    assert [tuple(one.values()) for one in told] == [
        ("trusted.counted", "held", "1 rows repeat a kind"),
        ("trusted.on_it", "left alone", "it reads counted"),
    ]
    assert (
        "trusted.counted: not well in run 2, held: 1 rows repeat a kind; people see it as it is" in typed("status").out
    )
    write(feed, "counted", f"{view}select kind, count(*) as n from trusted.pairs group by all\n")
    assert outcomes(built(feed)) == {**UP_TO_DATE, "counted": "up to date", "on_it": "up to date"}
    assert "trusted." not in typed("status").out


@pytest.mark.parametrize(
    ("query", "line"),
    [
        (
            "select 1 as one,\n\n  case when count(*) > 0 then error('it is so') else 1 end n\nfrom refined.numbered\n",
            6,
        ),
        ("select 1 as one,\n  nobody as n\nfrom refined.numbered\n", 5),
        ("select 1 as one, nobody as n from refined.numbered\n", 4),
        (f"select 1 as one, '{'x' * 100}' as x, nobody as n from refined.numbered\n", 4),
        ("select 1 as one,\n\n\n  number_setting('x', 'y') as n\n", 7),
    ],
)
def test_a_fault_of_a_view_is_placed_in_its_own_file(feed, query, line):
    write(feed, "inner", f"-- One.\n--\n-- kind: view\n{query}")
    write(feed, "outer", "select n + one as n\nfrom trusted.inner\n\n\n\n")
    (found,) = (one for one in feed.run_at(DAY_1).models if one.model == "outer")
    assert found.outcome == "failed"
    assert f"(at=inner.sql:{line})" in found.message


def test_a_column_that_is_described_and_not_given_is_told(feed, typed):
    change(feed, "people", "label: the name", "labl: the name")
    said = "`columns` describes labl, which the query does not give"
    assert [one.message for one in feed.run_at(DAY_1).models if one.model == "people"] == [said]
    assert said in typed("model", "test", "people").err
    change(feed, "counted", "kind: view", "kind: view\n-- columns: {n: how many, m: none}")
    assert "`columns` describes m, which" in typed("model", "test", "counted").err


def test_a_model_that_was_never_built_says_which_run_held_it_back_and_checks_know_it(feed, typed):
    write(feed, "people", "--\n--\n-- checks: {unique: [kind]}\nselect 1 as kind from refined.numbered\n")
    feed.run_at(DAY_1)
    for name in ("people", "trusted.people", '"tascomi-trusted-zone".people'):
        said = typed("sql", f"from {name}")
        assert said.status == 2
        assert "trusted.people was never built: run 1 says it is held: 20 rows repeat a kind" in said.err
    assert (
        "trusted.pairs was never built: run 1 says it is left alone: it reads people" in typed("sql", "from pairs").err
    )
    checked = typed("check", "trusted.people")
    assert (checked.status, "20 rows repeat a kind" in checked.out) == (1, True)
    assert 'no model is called "peple"' in typed("check", "trusted.peple").err
    write(feed, "later", "select 1 as one\n")
    assert "trusted.later was not built yet" in typed("sql", "from trusted.later").err
    for command in (
        ("rollback", "trusted.people"),
        ("rebuild", "trusted.people"),
        ("reset", "trusted.people", "--yes"),
    ):
        said = typed(*command)
        assert (said.status, "trusted.people is built of other tables by its model" in said.err) == (2, True)


def with_settings(feed, said):
    file = feed.config.folder / "planlake.yaml"
    file.write_text(f"{file.read_text().partition('models:')[0]}models: {{settings: {said}}}\n")
    feed.config = load_config(file)


def test_only_models_that_ask_for_a_setting_are_built_again_where_it_changes(feed):
    write(feed, "asks", "select setting('x', 1) as x from trusted.inner_view\n")
    write(feed, "inner_view", "-- One.\n--\n-- kind: view\nselect day_setting ( 'd', '2026-11-17') as d\n")
    write(feed, "other", "select number_setting('y', 1) as y\n")
    write(feed, "any", "select setting('x' || id, 1) as x from refined.numbered\n")
    feed.run_at(DAY_1)
    for said, expected in (
        ("{x: 2}", {"asks", "any"}),
        ("{x: 2, y: 3}", {"other", "any"}),
        ("{x: 2, y: 3, d: 2026-11-18}", {"asks", "any"}),
        ("{x: 2, y: 3, d: 2026-11-18, z: 3}", {"any"}),
    ):
        with_settings(feed, said)
        assert {name for name, outcome in outcomes(built(feed)).items() if outcome == "built"} == expected, said


def test_a_setting_that_no_model_asks_for_is_named_and_so_is_one_that_is_no_number(feed, typed):
    write(feed, "asks", "select number_setting('returns_few', 2) as n\n")
    with_settings(feed, "{returns_fewer: 3}")
    feed.run_at(DAY_1)
    said = typed("status").out
    assert "no model asks for the setting returns_fewer of models.settings, so it does nothing" in said
    assert "did you mean returns_few?" in said
    with_settings(feed, "{returns_few: sixty}")
    (wrong,) = (one for one in built(feed).models if one.model == "asks")
    assert (wrong.outcome, wrong.message) == ("failed", "the setting returns_few is a number (at=asks.sql:1)")


def test_a_view_without_checks_is_well_again_once_what_it_reads_is_back(feed, typed):
    feed.run_at(DAY_1)
    file = feed.config.folder / "models/pairs.sql"
    file.rename(file.with_suffix(".away"))
    assert typed("run", "--step", "trust").status == 1
    assert 'trusted.counted: not well in run 2, failed: no table is called "trusted.pairs"' in typed("status").out
    file.with_suffix(".away").rename(file)
    assert "trusted.counted" not in typed("status").out
    built(feed)
    assert "trusted." not in typed("status").out


def test_what_another_day_or_setting_changes_is_built_again_however_it_is_written(feed):
    file = feed.config.folder / "planlake.yaml"
    write(feed, "said", "select SETTING ('x', '1') as x, RUN_DAY () as day, current_date as today\n")
    feed.run_at(DAY_1)
    assert outcomes(built(feed))["said"] == "up to date"
    file.write_text(file.read_text() + "models: {settings: {x: two}}\n")
    feed.config = load_config(file)
    assert outcomes(built(feed))["said"] == "built"
    assert feed.rows("select x, day from trusted.said") == [{"x": "two", "day": date(2026, 11, 17)}]
    assert outcomes(built(feed, DAY_2))["said"] == "built"


def test_checks_may_stand_in_the_configuration_too(feed, typed):
    def checked(checks):
        file = feed.config.folder / "planlake.yaml"
        file.write_text(f"{plain}models: {{checks: {checks}}}\n")
        feed.config = load_config(file)
        return {one.model: (one.outcome, one.message) for one in built(feed).models}

    plain = (feed.config.folder / "planlake.yaml").read_text()
    feed.run_at(DAY_1)
    assert checked("{people: {unique: [label], conditions: {old: id < 100}}}")["people"] == ("built", "")
    told = "select \"check\", coalesce(\"column\", '') from checks where resource = 'trusted.people' and run = 2"
    assert [tuple(one.values()) for one in feed.rows(f"{told} order by all")] == [
        ("complete", "id"), ("old", ""), ("unique", "id"), ("unique", "label")
    ]  # fmt: skip
    assert checked("{people: {unique: [label], conditions: {old: id < 100}}}")["people"][0] == "up to date"
    assert checked("{people: {unique: [flag]}}")["people"] == ("held", "19 rows repeat a flag")
    assert checked("{alone: {relations: {n: trusted.people.id}}}")["alone"][0] == "built"
    assert checked("{alone: {uniq: [n]}}")["alone"][1].startswith("the checks of a model cannot be read: no check")
    outcome, said = checked("{alne: {unique: [n]}}")["alne"]
    assert (outcome, "there is no" in said, "alne.sql" in said) == ("failed", True, True)
    assert typed("status").status == 1


def test_a_value_of_a_late_row_is_in_no_message_either(feed):
    write(
        feed, "late", "select case i when 99999 then error('secret ' || i) else 'a' end as i from range(100000) r(i)\n"
    )
    found = {one.model: one for one in feed.run_at(DAY_1).models}
    assert (found["late"].outcome, found["people"].outcome) == ("failed", "built")
    assert "a value of some row does not convert" in found["late"].message
    file = feed.config.folder / "planlake.yaml"
    file.write_text(file.read_text().replace("settings: {", "settings: {query_seconds: 0.5, "))
    feed.config = load_config(file)
    write(feed, "late", "select i from range(100000000000) r(i) where i < 50000 or i % 3 = 4\n")
    said = next(one.message for one in built(feed).models if one.model == "late")
    assert "it took longer than 0.5 seconds" in said
    assert feed.rows("select count(*)::int as n from runs where message like '%secret%'") == [{"n": 0}]


def test_files_that_cannot_be_models_are_told_with_a_name_that_can(feed):
    for name in ("People.sql", "fees.SQL", "a-b.sql"):
        (feed.config.folder / f"models/{name}").write_text("select 1 as one\n")
    found = {one.model: one.message for one in feed.run_at(DAY_1).models if one.outcome == "failed"}
    assert {name: said.partition(" (")[0].partition("such as ")[2] for name, said in found.items()} == {
        "People": "people.sql",
        "fees.SQL": "fees.sql",
        "a-b": "a_b.sql",
    }


def test_a_table_whose_model_is_gone_is_told_and_taken_away_when_asked(feed, typed):
    feed.run_at(DAY_1)
    create(feed.config, "tried")
    change(feed, "alone", "as n", "+ 1 as n")
    assert outcomes(built(feed, environment="tried"))["alone"] == "built"
    assert typed("model", "drop", "alone").status == 2
    text = (feed.config.folder / "models/alone.sql").read_text()
    (feed.config.folder / "models/alone.sql").unlink()
    told = "trusted.alone has no model any more and stays as it was built last"
    assert told in typed("run", "--step", "trust").err
    said = typed("status")
    assert (
        said.status,
        told in said.out,
        f"model drop --config {feed.config.folder}/planlake.yaml alone`" in said.out,
    ) == (0, True, True)
    assert typed("model", "drop", "nobody").status == 2
    assert "21" not in typed("model", "drop", "alone", "--dry-run", "--json").err
    assert feed.rows("select n from trusted.alone") == [{"n": 21}]
    with pytest.MonkeyPatch.context() as patch:
        killed(patch, Storage, "delete", lambda: drop_model_table(feed.config, "alone", confirm=lambda _: True))
    assert typed("recover").status == 0
    assert feed.rows("select n from trusted.alone") == [{"n": 21}]
    assert "trusted.alone is gone" in typed("model", "drop", "alone").err
    assert not [*(feed.config.folder / "lake/tascomi-trusted-zone").glob("alone/*/*")]
    assert typed("sql", "from trusted.alone").status == 2
    assert feed.rows("select n from trusted.alone", environment="tried") == [{"n": 22}]
    assert "no model any more" not in typed("status").out
    write(feed, "alone", text)
    assert outcomes(built(feed))["alone"] == "built"


def test_a_search_finds_trusted_tables_and_their_columns_with_meanings_and_the_share_filled(feed, typed):
    write(
        feed, "half", "-- Every other one.\n--\nselect case when id % 2 = 1 then id end as odd from refined.numbered\n"
    )
    feed.run_at(DAY_1)
    write(feed, "later", "-- Sums\n--\n-- columns: {capital: all in capitals}\nselect 1 as capital\n")
    write(feed, "wrong", "select id from refined.nothing\n")

    def found(word):
        rows = json.loads(typed("tables", "--search", word, "--json").out)
        told = [(one["table"], one["column"], one.get("meaning"), one["is_loaded"], one["filled"]) for one in rows]
        return [one for one in told if one[0].startswith("trusted.")]

    by_text = ("the name in capitals", True, 1.0), ("all in capitals", False, None)
    assert [one[:1] + one[2:] for one in found("capitals") if one[1]] == [
        ("trusted.later", *by_text[1]),
        ("trusted.people", *by_text[0]),
    ]
    assert [one[:2] + one[3:] for one in found("odd")] == [("trusted.half", "odd", True, 11 / 21)]
    assert ("trusted.half", None, None, True, None) in [(*one[:2], None, *one[3:]) for one in found("every other")]
    assert [one[:2] + one[3:] for one in found("kind")] == [
        ("trusted.pairs", "kind", True, 1.0),
        ("trusted.counted", "kind", True, None),
    ]
    assert "trusted.half, loaded" in typed("tables", "--search", "odd").out


def test_views_of_models_are_named_as_left_out_of_other_engines_and_can_be_exported(feed, typed):
    feed.run_at(DAY_1)
    said = typed("views", "--dialect", "athena")
    assert ("not among them are models of kind: view (counted)" in said.err, "counted" in said.out) == (True, False)
    assert "not among them" not in typed("views", "numbered").err
    file = feed.config.folder / "all.duckdb"
    assert typed("export", "--out", file, "counted").status == 0
    with duckdb.connect(file) as exported:
        assert exported.sql("select sum(n)::int from counted").fetchall() == [(21,)]


def test_a_rollback_builds_models_and_leaves_it_to_the_next_run_to_tell_of_views(feed):
    write(feed, "wrong", "--\n--\n-- kind: view\n-- checks: {unique: [one]}\nselect 1 as one from refined.numbered\n")
    feed.run_at(DAY_1)
    change_two_kinds(feed.data)
    assert feed.run_at(DAY_2).exit_code == 1
    assert rollback(feed.config, ["numbered"], "last-good", confirm=lambda _: True)
    assert built(feed).exit_code == 1


def test_mappings_are_texts_as_they_stand_and_a_wrong_one_fails_the_model_that_reads_it(feed):
    folder = feed.config.folder / "models/mappings"
    (folder / "codes.csv").write_text("code,amount,big\n007,1.50,123456789012345678901\nNA,,true\n")
    write(feed, "coded", "select * from mapping.codes\n")
    feed.run_at(DAY_1)
    assert feed.rows("from trusted.coded order by code") == [
        {"code": "007", "amount": "1.50", "big": "123456789012345678901"},
        {"code": "NA", "amount": None, "big": "true"},
    ]
    for content, said in (
        (b"", "is empty"),
        (b"a,A\n1,2\n", "has two columns of one name"),
        (b"a,b\n1,2,secret\n", "another number of cells in record 2"),
        (b"a\n\xe9\n", "is not UTF-8"),
    ):
        (folder / "codes.csv").write_bytes(content)
        result = built(feed)
        found = next(one for one in result.models if one.model == "coded")
        assert (found.outcome, said in found.message, "secret" in found.message) == ("failed", True, False), found
        assert {outcome for name, outcome in outcomes(result).items() if name != "coded"} == {"up to date"}
    (folder / "codes.csv").unlink()
    (folder / "codes.csv").symlink_to("/etc/passwd")
    found = next(one for one in built(feed).models if one.model == "coded")
    assert (found.outcome, "is no file of its own" in found.message) == ("failed", True)


def test_a_relation_is_built_first_and_checked_again_when_its_target_changes(feed):
    write(feed, "a_first", "--\n--\n-- checks: {relations: {id: trusted.z_last.id}}\nselect id from refined.numbered\n")
    write(feed, "z_last", "select id from refined.numbered\n")
    assert outcomes(feed.run_at(DAY_1))["a_first"] == "built"
    change(feed, "z_last", "select id", "select id + 1000 as id")
    assert (outcomes(built(feed))["z_last"], outcomes(built(feed))["a_first"]) == ("built", "held")


def test_a_model_that_is_held_leaves_no_file_and_housekeeping_looks_after_the_rest(feed):
    feed.run_at(DAY_1)
    folder = feed.config.folder / "lake/tascomi-trusted-zone/people/data"
    before = set(folder.iterdir())
    change(feed, "people", "select id,", "select id % 5 as id,")
    assert outcomes(built(feed))["people"] == "held"
    assert set(folder.iterdir()) == before
    maintained = {(one.database, one.table) for one in maintain(feed.config)}
    assert ("tascomi-trusted-zone", "people") in maintained
    change(feed, "people", "select id % 5 as id,", "select id,")
    left = folder / "left.parquet"
    left.write_bytes(b"of a build that was killed")
    assert forget(feed.config, "lettered", "12", confirm=lambda _: True)
    assert not left.exists()


def test_views_in_a_diamond_are_looked_at_once(feed):
    for side in "ab":
        write(feed, f"{side}0", "-- x\n--\n-- kind: view\nselect id from refined.numbered\n")
        for layer in range(1, 12):
            reads = f"trusted.a{layer - 1} a join trusted.b{layer - 1} b on a.id = b.id"
            write(feed, f"{side}{layer}", f"-- x\n--\n-- kind: view\nselect a.id from {reads} limit 1\n")
    write(feed, "top", "select count(*) as n from trusted.a3\n")
    assert outcomes(feed.run_at(DAY_1))["top"] == "built"
