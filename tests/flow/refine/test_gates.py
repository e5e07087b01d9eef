"""Gates: what is checked before a version is committed, what is held back, and how it is let through."""

import json
import re
from datetime import datetime

import pytest

from commands import typed_in_process
from conftest import feeding, table_of, written_config
from flow.killing import killed
from flow.tables import COLUMNS, DAY_1, DAY_2, DAY_3, LATER, columns_with
from flow.tables import numbered as thing
from planlake.config import SqlCheck
from planlake.flow.refine import step as refine
from planlake.flow.snapshot import step as snapshot
from planlake.simulator.dataset import Dataset


def settings_of(names, **settings):
    """YAML that declares daily tables of the same columns."""
    declared = "".join(f"  {name}: {{columns: {{{columns_with()}}}}}\n" for name in names)
    given = ", ".join(f"{name}: {value}" for name, value in settings.items())
    return f"source: tascomi\nresources:\n{declared}tables: {{daily: [{', '.join(names)}]}}\nsettings: {{{given}}}\n"


@pytest.fixture
def feed(tmp_path):
    """A table of 1,000 good records, loaded on the first day."""
    data = Dataset({"things": COLUMNS}, now=datetime.fromisoformat(DAY_1))
    with feeding(data, tmp_path, settings_of(["things"])) as made:
        for identity in range(1, 1001):
            data.put("things", thing(identity))
        yield made


@pytest.fixture
def typed(monkeypatch, capfd):
    """Run a command in this process."""
    return lambda *arguments: typed_in_process(monkeypatch, capfd, arguments)


def checks(feed, run=None):
    """The newest result of each check, by name and column."""
    rows = feed.rows("select * from checks order by run, checked_at")
    return {(row["check"], row["column"]): row for row in rows if run in (None, row["run"])}


def allow(feed, **settings):
    """Change settings, as somebody would who has looked at what was held."""
    changed = feed.config.settings.model_copy(update=settings)
    feed.config = feed.config.model_copy(update={"settings": changed})


def spoil(feed, count, changed="2026-11-17 12:00:00", **cells):
    for identity in range(1, count + 1):
        feed.data.put("things", thing(identity, changed, **cells))


@pytest.mark.parametrize(
    ("step", "rows", "kept"), [(refine, 1000, ["casts"]), (snapshot, 1001, ["a good name", "casts"])]
)
def test_what_a_gate_finds_not_well_is_kept_before_the_commit_of_what_was_checked(feed, monkeypatch, step, rows, kept):
    feed.run_at(DAY_1)
    named = SqlCheck(name="a good name", table="things", rows="name = 'bad'")
    feed.config = feed.config.model_copy(update={"checks": (named,)})
    feed.data.put("things", thing(1001, "2026-11-17 12:00:00", amount="n/a", name="bad"))
    killed(monkeypatch, step, "commit", lambda: feed.run_at(DAY_2))
    assert len(feed.rows("select * from increment_things")) == rows
    assert len(feed.rows("select * from things")) == 1000
    found = feed.rows('select "check", verdict, batch from checks where run = 2 order by "check"')
    assert [(row["check"], row["verdict"], row["batch"]) for row in found] == [(name, "warning", 2) for name in kept]
    assert feed.run_at(DAY_3).exit_code == 0
    assert len(feed.rows("select * from things")) == 1001
    told = feed.rows('select run, "check", "column", count(*) as n from checks group by all having n > 1')
    assert told == []


def test_where_all_is_well_every_check_is_kept_with_its_figure(feed):
    assert feed.run_at(DAY_1).exit_code == 0
    found = {name: (row["verdict"], row["figure"]) for (name, _), row in checks(feed).items()}
    assert found == {
        "casts": ("ok", 0.0),
        "complete": ("ok", 1.0),
        "repeats": ("ok", 0.0),
        "rejected": ("ok", 0.0),
        "unique": ("ok", 0.0),
        "rows dropped": ("ok", 0.0),
        "freshness": ("ok", 0.0),
        "deletions": ("ok", 0.0),
    }


def test_one_cell_that_does_not_cast_is_a_warning_and_the_table_is_published(feed):
    feed.run_at(DAY_1)
    spoil(feed, 1, amount="much")
    assert table_of(feed.run_at(DAY_2), "things").outcome == "loaded"
    row = checks(feed)["casts", "amount"]
    assert (row["verdict"], row["message"]) == ("warning", '1 of 1 values of amount do not cast, "much" for example')


@pytest.mark.parametrize(("bad", "outcome"), [(20, "loaded"), (21, "held")])
def test_more_than_twenty_bad_cells_of_more_than_a_percent_hold_the_table(feed, bad, outcome):
    feed.run_at(DAY_1)
    spoil(feed, bad, amount="much")
    result = feed.run_at(DAY_2)
    assert table_of(result, "things").outcome == outcome
    assert result.exit_code == (1 if outcome == "held" else 0)


def test_a_hundred_bad_cells_in_less_than_a_percent_of_a_column_hold_nothing(feed):
    for identity in range(1, 1001):
        feed.data.put("things", thing(identity, amount="much" if identity <= 9 else "1"))
    allow(feed, uncastable_cells=0)
    assert table_of(feed.run_at(DAY_1), "things").outcome == "loaded"
    assert checks(feed)["casts", "amount"]["figure"] == pytest.approx(0.9)


def test_a_table_that_is_held_shows_its_old_version_and_says_why_until_it_is_mended(feed):
    feed.run_at(DAY_1)
    before, published = feed.rows("select * from things order by id"), feed.rows("select * from published")
    spoil(feed, 30, amount="much")
    held = table_of(feed.run_at(DAY_2), "things")
    assert (held.outcome, held.message) == (
        "held",
        '30 of 30 values of amount do not cast, "much" for example; none casts: declare amount as text',
    )
    assert feed.rows("select * from things order by id") == before
    assert feed.rows("select * from increment_things where batch > 1") == []
    assert feed.rows("select * from published") == published
    assert len(feed.rows("select * from uncastable")) == 30
    again = table_of(feed.run_at("2026-11-18T05:00:00"), "things")
    assert again.outcome == "held"
    assert len(feed.rows("select * from uncastable")) == 30

    spoil(feed, 30, "2026-11-18 12:00:00", amount="7")  # the vendor mends it
    assert table_of(feed.run_at(DAY_3), "things").outcome == "loaded"
    assert {row["amount"] for row in feed.rows("select amount from things where id <= 30")} == {7.0}
    assert len(feed.rows("select * from things")) == 1000


def test_a_table_that_is_held_is_let_through_by_a_setting(feed):
    feed.run_at(DAY_1)
    spoil(feed, 30, amount="much")
    assert table_of(feed.run_at(DAY_2), "things").outcome == "held"
    allow(feed, uncastable_cells=50)
    assert table_of(feed.run_at("2026-11-18T05:00:00"), "things").outcome == "loaded"
    assert feed.rows("select count(amount)::int as n from things where id <= 30") == [{"n": 0}]
    assert len(feed.rows("select * from uncastable")) == 30


def test_one_held_table_holds_up_no_other(tmp_path):
    data = Dataset({"things": COLUMNS, "others": COLUMNS}, now=datetime.fromisoformat(DAY_1))
    with feeding(data, tmp_path, settings_of(["things", "others"])) as made:
        for identity in range(1, 101):
            data.put("things", thing(identity, amount="much"))
            data.put("others", thing(identity))
        result = made.run_at(DAY_1)
        assert {table.table: table.outcome for table in result.tables} == {"things": "held", "others": "loaded"}
        assert len(made.rows("select * from others")) == 100


def test_a_column_that_must_be_filled_holds_the_table_where_it_is_not(tmp_path):
    data = Dataset({"things": COLUMNS}, now=datetime.fromisoformat(DAY_1))
    declared = settings_of(["things"]).replace("things: {", "things: {complete: name, ")
    with feeding(data, tmp_path, declared) as made:
        for identity in range(1, 101):
            data.put("things", thing(identity, **({"name": None} if identity <= 2 else {})))
        held = table_of(made.run_at(DAY_1), "things")
        assert (held.outcome, held.message) == ("held", "name is filled in 98 of 100 rows")
        data.put("things", thing(1))
        data.put("things", thing(2))
        assert table_of(made.run_at(LATER, "things", is_full=True), "things").outcome == "loaded"
        rows = made.rows("select batch, figure from checks where \"check\" = 'complete' order by run")
        assert rows[0]["figure"] == pytest.approx(0.98)


def test_records_that_are_gone_need_no_filled_column(tmp_path):
    data = Dataset({"things": COLUMNS}, now=datetime.fromisoformat(DAY_1))
    declared = settings_of(["things"]).replace("things: {", "things: {complete: name, ")
    with feeding(data, tmp_path, declared) as made:
        for identity in range(1, 101):
            data.put("things", thing(identity))
        made.run_at(DAY_1)
        data.delete("things", 5)
        assert table_of(made.run_at(DAY_2, "things", is_full=True), "things").outcome == "loaded"
        assert len(made.rows("select * from things")) == 99


def test_check_shows_the_newest_results_and_draws_how_they_went(feed, typed):
    file = feed.config.folder / "planlake.yaml"
    said = typed("check", "--config", file)
    assert (said.status, said.out) == (0, "")
    assert "no checks are kept yet" in said.err
    feed.run_at(DAY_1)
    spoil(feed, 30, amount="much")
    feed.run_at(DAY_2)
    said = typed("check", "--config", file)
    assert said.status == 1
    assert re.search(r"things +casts +amount +x held +100 +1 +30 of 30 values of amount do not cast", said.out)
    assert "= ok" not in said.out
    assert re.search(r"[0-9]+ more checks are ok\nhint: planlake check .*--all shows them", said.out)
    for more in (("--all",), ("things",)):
        assert re.search(r"things +complete +id += ok", typed("check", *more, "--config", file).out)
    drawn = typed("check", "things", "--history", "--config", file)
    assert re.search(r"things +complete +id += ok +##", drawn.out)
    found = json.loads(typed("check", "--json", "--config", file).out)
    assert {(one["check"], one["verdict"]) for one in found} >= {("casts", "held"), ("complete", "ok")}
    spoil(feed, 30, "2026-11-18 12:00:00", amount="7")
    feed.run_at(DAY_3)
    said = typed("check", "--config", file)
    assert said.status == 0
    assert "held" not in said.out
    said = typed("check", "thinks", "--config", file)
    assert (said.status, "did you mean things" in said.err) == (2, True)


def of_ones_own(tmp_path, check):
    data = Dataset({"things": COLUMNS}, now=datetime.fromisoformat(DAY_1))
    for identity in range(1, 101):
        data.put("things", thing(identity))
    return feeding(data, tmp_path, settings_of(["things"]) + f"checks: [{{table: things, {check}}}]\n")


@pytest.mark.parametrize(("holds", "outcome"), [(False, "loaded"), (True, "held")])
def test_a_check_of_ones_own_warns_or_holds_on_the_version_as_it_would_be(tmp_path, holds, outcome):
    check = f'name: not negative, rows: "amount < 0 or name is null", holds: {str(holds).lower()}'
    with of_ones_own(tmp_path, check) as made:
        assert table_of(made.run_at(DAY_1), "things").outcome == "loaded"
        assert checks(made)["not negative", None]["verdict"] == "ok"
        made.data.put("things", thing(7, "2026-11-17 12:00:00", amount="-1"))
        result = table_of(made.run_at(DAY_2), "things")
        assert result.outcome == outcome
        row = checks(made)["not negative", None]
        assert (row["verdict"], row["figure"]) == ("held" if holds else "warning", 1.0)
        assert row["message"] == "1 rows where amount < 0 or name is null"
        assert made.rows("select amount from things where id = 7") == [{"amount": 7.5 if holds else -1.0}]
        made.data.put("things", thing(7, "2026-11-18 12:00:00", amount="8"))
        assert table_of(made.run_at(DAY_3), "things").outcome == "loaded"
        assert made.rows("select amount from things where id = 7") == [{"amount": 8.0}]


@pytest.mark.parametrize("condition", ["amont < 0", "amount < ", "; drop", ")"])
def test_a_condition_that_is_none_fails_its_table_with_a_clear_line(tmp_path, condition):
    with of_ones_own(tmp_path, f'name: odd, rows: "{condition}", holds: true') as made:
        result = table_of(made.run_at(DAY_1), "things")
        assert result.outcome == "failed"
        assert result.message.startswith("a check cannot be carried out: ")
        assert "check=odd" in result.message


def test_a_condition_that_is_none_and_only_warns_holds_nothing_up(tmp_path):
    with of_ones_own(tmp_path, 'name: odd, rows: "amont < 0"') as made:
        assert table_of(made.run_at(DAY_1), "things").outcome == "loaded"
        row = checks(made)["odd", None]
        assert (row["verdict"], row["message"].startswith("a check cannot be carried out: ")) == ("warning", True)


@pytest.mark.parametrize(("holds", "outcome"), [(False, "loaded"), (True, "failed")])
def test_a_condition_that_trips_over_a_value_tells_no_value_and_a_warning_holds_nothing(tmp_path, holds, outcome):
    with of_ones_own(tmp_path, f'name: odd, rows: "name::int > 3", holds: {str(holds).lower()}') as made:
        result = table_of(made.run_at(DAY_1), "things")
        assert result.outcome == outcome
        said = f"{result.message} {made.rows('select * from checks')} {made.rows('select * from runs')}"
        assert "a value of some row does not convert" in said
        assert "name 1" not in said


@pytest.mark.parametrize(("refused", "outcome"), [(20, "loaded"), (21, "held")])
def test_more_than_twenty_refused_records_of_more_than_a_percent_hold_the_table(feed, refused, outcome):
    for number in range(refused):
        body = f'{{"id":"x{number}","last_updated":"2026-11-16 09:00:00"}}'.encode()
        feed.data.put("things", {"id": str(5000 + number), "last_updated": "2026-11-16 09:00:00"}, body=body)
    result = table_of(feed.run_at(DAY_1), "things")
    assert result.outcome == outcome
    assert checks(feed)["rejected", None]["message"] == f"{refused} of {1000 + refused} records were refused"


def test_an_id_that_is_none_is_masked_where_the_resource_is_personal(tmp_path):
    data = Dataset({"things": COLUMNS}, now=datetime.fromisoformat(DAY_1))
    with feeding(data, tmp_path, settings_of(["things"]).replace("things: {", 'things: {personal: ["*"], ')) as made:
        data.put("things", thing(1))
        body = b'{"id":"jane.doe@example.org","last_updated":"2026-11-16 09:00:00"}'
        data.put("things", {"id": "2", "last_updated": "2026-11-16 09:00:00"}, body=body)
        made.run_at(DAY_1)
        kept = f"{made.rows('select * from rejected')} {made.rows('select * from uncastable')}"
        assert "jane" not in kept
        assert "[personal, 20 characters]" in kept


def test_a_remark_in_a_condition_ends_nothing(tmp_path):
    with of_ones_own(tmp_path, 'name: odd, rows: "amount < 0 -- and so on"') as made:
        assert table_of(made.run_at(DAY_1), "things").outcome == "loaded"


def test_a_check_of_a_table_nobody_knows_is_a_mistake_of_the_configuration(tmp_path, typed):
    (tmp_path / "planlake.yaml").write_text(
        settings_of(["things"]) + "checks: [{table: thinks, name: a, rows: 'true'}]\n"
    )
    said = typed("plan", "--config", tmp_path / "planlake.yaml")
    assert (said.status, "did you mean things" in said.err) == (2, True)


def test_a_table_that_is_held_for_days_is_not_let_through_by_what_gathers_meanwhile(feed):
    feed.run_at(DAY_1)
    spoil(feed, 25, amount="much")
    for day in (18, 19, 20, 21):
        for identity in range(26, 1001):
            feed.data.put("things", thing(identity, f"2026-11-{day - 1} 13:00:00", name=f"of {day}"))
        if day > 18:
            spoil(feed, 25, f"2026-11-{day - 1} 12:00:00", amount="much")
        held = table_of(feed.run_at(f"2026-11-{day}T03:00:00"), "things")
        assert (held.outcome, held.message) == ("held", '25 of 1000 values of amount do not cast, "much" for example')


def test_a_version_that_loses_a_fifth_of_the_rows_is_held(tmp_path):
    data = Dataset({"things": COLUMNS}, now=datetime.fromisoformat(DAY_1))
    for identity in range(1, 101):
        data.put("things", thing(identity))
    with feeding(data, tmp_path, settings_of(["things"], deletion_limit_percent=100)) as made:
        made.run_at(DAY_1)
        for identity in range(1, 22):
            data.delete("things", identity)
        held = table_of(made.run_at(DAY_2, "things", is_full=True), "things")
        assert (held.outcome, held.message) == ("held", "100 rows would become 79")
        assert len(made.rows("select * from things")) == 100
        allow(made, dropped_rows_percent=21)
        made.run_at("2026-11-18T05:00:00")
        assert len(made.rows("select * from things")) == 79


def test_a_first_load_that_is_held_is_let_through_by_the_right_type(tmp_path):
    data = Dataset({"things": COLUMNS}, now=datetime.fromisoformat(DAY_1))
    for identity in range(1, 101):
        data.put("things", thing(identity, amount=f"{identity} pounds"))
    with feeding(data, tmp_path, settings_of(["things"])) as made:
        assert table_of(made.run_at(DAY_1), "things").outcome == "held"
        told = settings_of(["things"]).replace("amount: double", "amount: text")
        made.config = written_config(made.simulator, tmp_path, told)
        assert table_of(made.run_at(LATER), "things").outcome == "loaded"
        assert made.rows("select amount from things where id = 7") == [{"amount": "7 pounds"}]


def test_as_of_a_day_shows_nothing_of_a_first_version_that_was_held(tmp_path):
    with of_ones_own(tmp_path, 'name: never, rows: "true", holds: true') as made:
        assert table_of(made.run_at(DAY_1), "things").outcome == "held"
        assert made.rows("select count(*)::int as n from things") == [{"n": 0}]
        assert made.rows("select count(*)::int as n from things", as_of="2026-11-17") == [{"n": 0}]
