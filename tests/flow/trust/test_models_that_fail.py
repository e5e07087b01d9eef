"""What a model that fails or was changed leaves to others: a command that is done, no table, no limit of rows."""

import pytest

from flow.ingest.served import DAY_1, DAY_2
from flow.trust.test_trust import MODELS, built, change, modelled, outcomes, write
from planlake.changes.forget import forget
from planlake.errors import QualityError
from planlake.lake.open_lake import open_lake


@pytest.fixture
def feed(tmp_path):
    with modelled(tmp_path) as made:
        yield made


def test_a_command_does_not_end_with_the_trouble_of_a_model_that_it_does_not_concern(feed):
    write(feed, "unrelated", "select error('no') as n from refined.lettered\n")
    write(feed, "related", "select id from trusted.people\n")
    feed.run_at(DAY_1)
    assert forget(feed.config, "numbered", "12", confirm=lambda _: True)
    assert feed.rows("select count(*)::int as n from trusted.related") == [{"n": 20}]
    change(feed, "people", "select id,", "select nobody,")
    with pytest.raises(QualityError, match="related: it reads people") as told:
        forget(feed.config, "numbered", "13", confirm=lambda _: True)
    assert "All else that the command was to do is done" in told.value.state
    assert "unrelated" not in str(told.value)
    assert feed.rows("from refined.numbered where id = 13") == []


def test_what_forgetting_does_to_trusted_tables_is_shown_before_it_is_done(feed, typed):
    feed.run_at(DAY_1)
    said = typed("forget", "numbered", "12", "--dry-run")
    assert "trusted tables that ever read it go whole, with their past days" in said.err
    shown = {line.split()[1] for line in said.out.splitlines() if line.startswith("tascomi-trusted-zone")}
    assert shown == {"people", "pairs"}
    assert "trusted tables" not in typed("forget", "lettered", "a", "--dry-run").err
    assert feed.rows("select count(*)::int as n from trusted.people") == [{"n": 21}]


def test_a_first_version_that_is_not_made_leaves_no_file(feed):
    write(feed, "never", "select id from refined.numbered where error('no') is null\n")
    write(feed, "late", "select case i when 99999 then error('no') else 'a' end as i from range(100000) r(i)\n")
    write(feed, "unheld", "--\n--\n-- checks: {unique: [flag]}\nselect flag from refined.numbered\n")
    found = outcomes(feed.run_at(DAY_1))
    assert [found[name] for name in ("never", "late", "unheld")] == ["failed", "failed", "held"]
    left = {file.parts[-3] for file in (feed.config.folder / "lake").rglob("*trusted*/*/*/*") if file.is_file()}
    assert left == {"people", "pairs", "alone"}
    assert sorted(open_lake(feed.config).names("trusted")) == ["alone", "pairs", "people"]


@pytest.mark.parametrize("kind", ["", "-- V\n--\n-- kind: view\n"])
def test_what_stands_on_a_model_with_another_text_may_have_fewer_rows(feed, kind):
    for name in MODELS:
        (feed.config.folder / f"models/{name}.sql").unlink()
    write(feed, "below", f"{kind}select id from refined.numbered\n")
    write(feed, "between", "select id from trusted.below\n")
    write(feed, "above", "select id from trusted.between\n")
    feed.run_at(DAY_1)
    change(feed, "below", "refined.numbered\n", "refined.numbered where id < 4\n")
    assert outcomes(built(feed)) == dict.fromkeys([*([] if kind else ["below"]), "between", "above"], "built")
    (feed.config.folder / "models/mappings/few.csv").write_text("id\n1\n")
    assert set(outcomes(built(feed, DAY_2)).values()) == {"up to date"}


def test_the_same_texts_keep_their_limit_of_rows(feed):
    mapping = feed.config.folder / "models/mappings/few.csv"
    mapping.write_text("id\n1\n2\n3\n")
    write(feed, "below", "-- V\n--\n-- kind: view\nselect id from mapping.few\n")
    write(feed, "above", "select id from trusted.below\n")
    feed.run_at(DAY_1)
    mapping.write_text("id\n1\n")
    assert outcomes(built(feed))["above"] == "held"
