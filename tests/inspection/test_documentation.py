"""The vendor's page against catalogue and records: every difference is found, and none that is not there."""

from collections import Counter

import pytest

from conftest import feeding
from documenting import NOW, SETTINGS, documented, records, save, served
from planlake.checks.documentation import CLASSES
from planlake.config import load_config
from planlake.errors import ConfigurationError, DriftError, SourceUnreachable
from planlake.inspection.documentation import compare
from planlake.simulator.faults import Rule
from planlake.sources.catalogue import catalogue_of

TEXT, INTEGER, MOMENT = "text", "integer", "timestamp without time zone"


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """A lake loaded from an API that sends what it documents."""
    with feeding(served(), tmp_path_factory.mktemp("clean"), SETTINGS) as feed:
        assert feed.run_at(NOW).exit_code == 0
        yield feed


def changed_records():
    """Records that differ from the page and the catalogue in seven columns."""
    found = {name: records(name) for name in ("fees", "wards", "notes", "asset_constraints")}
    for record in found["fees"]:
        del record["payment_method_id"], record["refunded"]
        record["a&b 'c'"] = "sent"
        record["application_id"] = "n/a"
    for record in found["wards"]:
        record["colour"] = None
    for record in found["notes"]:
        record["contact_id"] = f"no {record['id']}"  # all 30: the first load is held back
    for record in found["asset_constraints"]:
        record["community_id"] = "Hackney"
    return found


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """A lake loaded from an API that sends what it does not document."""
    with feeding(served(changed_records()), tmp_path_factory.mktemp("changed"), SETTINGS) as feed:
        assert [table.table for table in feed.run_at(NOW).tables if table.is_troubled] == ["notes"]
        yield feed


def found(comparison):
    return Counter((one.resource, one.column, one.what) for one in comparison.differences)


# ---------------------------------------------------------------- all at once


def planted():
    """A page with 23 differences from the catalogue, and with the seven of the records the 30 that must be found."""
    sections, expected = documented(), []

    def plant(resource, column, what, written=""):
        expected.append((resource, column, what))
        if what == "new resource":
            sections[resource] = {"id": INTEGER, "last_updated": MOMENT, "na&me": TEXT}
        elif what == "gone resource":
            del sections[resource]
        elif what == "gone column":
            del sections[resource][column]
        elif written:
            sections[resource][column] = written

    for name in ("site notices", "a&b", "tree_orders"):
        plant(name, "", "new resource")
    for name in ("breeam_levels", "emails", "pre_applications"):
        plant(name, "", "gone resource")
    plant("fees", "due_by", "new column", MOMENT)
    plant("fees", "reason <why>", "new column", TEXT)
    plant("wards", "l'été", "new column", TEXT)
    plant("users", "shoe_size", "new column", "real")
    plant("applications", 'the "new" one', "new column", "bigint")
    plant("appeals", "is_late", "new column", "boolean")
    plant("fees", "paid", "gone column")
    plant("wards", "enabled", "gone column")
    plant("applications", "proposal", "gone column")
    plant("titles", "last_updated", "gone column")
    plant("asset_constraints", "asset_constraint_type_id", "gone column")
    plant("fees", "fee", "retyped", "double precision")
    plant("wards", "submit_date", "retyped", TEXT)
    plant("asset_constraints", "contact_id", "retyped", "bigint")
    plant("applications", "site_area_hectares", "retyped", "numeric(10, 2)")
    plant("documents", "id", "retyped", "bigint")
    plant("contacts", "surname", "retyped", INTEGER)
    plant("fees", "a&b 'c'", "undocumented but sent")
    plant("wards", "colour", "undocumented but sent")
    plant("fees", "payment_method_id", "documented but never sent")
    plant("fees", "refunded", "documented but never sent")
    plant("fees", "application_id", "type contradicted")
    plant("notes", "contact_id", "type contradicted")
    plant("asset_constraints", "community_id", "type contradicted")
    return sections, Counter(expected)


def test_exactly_the_thirty_planted_differences_are_found(changed, tmp_path):
    sections, expected = planted()
    assert len(expected) == 30
    assert {what for _, _, what in expected} == set(CLASSES)
    docs = str(save(sections, tmp_path / "page.html"))
    assert [found(compare(changed.config, docs=docs)) for _ in range(2)] == [expected, expected]


def test_an_unchanged_page_differs_in_nothing_whichever_way_it_is_written(clean, tmp_path):
    for docs in ("", str(save(documented(), tmp_path / "page.html"))):
        comparison = compare(clean.config, docs=docs)
        assert comparison.differences == ()
        assert (comparison.resources, comparison.columns) == (73, sum(map(len, documented().values())) - 1)
    assert clean.rows("select * from drift where what not in ('undeclared')") == []


def test_an_unchanged_page_differs_in_nothing_where_nothing_was_loaded(tmp_path):
    save(documented(), tmp_path / "page.html")
    (tmp_path / "planlake.yaml").write_text("source: tascomi\n")
    assert compare(load_config(tmp_path / "planlake.yaml"), docs=str(tmp_path / "page.html")).differences == ()


def test_a_difference_says_what_it_rests_on_and_names_no_personal_value(changed, tmp_path):
    sections, _ = planted()
    comparison = compare(changed.config, docs=str(save(sections, tmp_path / "page.html")))
    said = {(one.resource, one.column): (one.catalogue, one.documented, one.detail) for one in comparison.differences}
    contradicted = 'sent; 5 of 5 values are not integer, "n/a" for example'
    assert said["fees", "application_id"] == ("integer", "integer", contradicted)
    assert said["fees", "fee"] == ("float", "double precision", "sent")
    assert said["applications", "site_area_hectares"] == ("float", "numeric(10, 2)", "not loaded")
    assert said["fees", "due_by"] == ("", MOMENT, "not sent")
    assert said["wards", "colour"] == ("", "", "sent")
    assert said["notes", "contact_id"][2] == 'not loaded; 30 of 30 values are not integer, "no 1" for example'
    personal = {"resources": {"asset_constraints": {"personal": ["community_id"]}}}
    config = changed.config.model_copy(update=personal)
    hidden = compare(config, docs=str(tmp_path / "page.html")).differences
    assert [one.detail for one in hidden if one.column == "community_id"] == [
        "sent; 5 of 5 values are not integer, [personal, 7 characters] for example"
    ]


# ---------------------------------------------------------------- one small table


@pytest.fixture
def wards(tmp_path):
    """A lake with one table and a page in a file, which its runs compare."""
    save(documented(), tmp_path / "page.html")
    with feeding(served(), tmp_path, "tables: {weekly: [wards]}\n") as feed:
        file = tmp_path / "planlake.yaml"
        file.write_text(file.read_text().replace('/rest/v1"}', '/rest/v1", documentation: page.html}'))
        feed.config = load_config(file)
        yield feed


def changed_page(feed, change):
    sections = documented()
    change(sections)
    save(sections, feed.config.folder / "page.html")


def told(feed):
    query = "select resource, \"column\", what from drift where what <> 'undeclared' order by run, what"
    return [tuple(row.values()) for row in feed.rows(query)]


def test_runs_compare_the_configured_page_once_a_week_and_say_so_without_failing(wards):
    first = wards.run_at("2026-11-17T03:00:00")
    assert (first.exit_code, first.documentation) == (0, "")
    changed_page(wards, lambda sections: sections["fees"].pop("paid"))
    assert wards.run_at("2026-11-23T03:00:00").documentation == ""  # the sixth day
    message = "the documentation differs in 1 places, of 1 resources"
    result = wards.run_at("2026-11-24T02:00:00")
    assert (result.exit_code, result.documentation) == (0, message)
    assert told(wards) == [("fees", "paid", "gone column")]
    query = "select run, verdict, figure, message from checks where \"check\" = 'documentation' order by run"
    assert wards.rows(query) == [
        {"run": 1, "verdict": "ok", "figure": 0.0, "message": None},
        {"run": 3, "verdict": "warning", "figure": 1.0, "message": message},
    ]


@pytest.mark.parametrize("content", [pytest.param(None, id="absent"), pytest.param("<p>Log in", id="another page")])
def test_a_run_with_a_page_that_cannot_be_read_is_well_and_the_next_one_tries_again(wards, content):
    page_file = wards.config.folder / "page.html"
    page_file.unlink() if content is None else page_file.write_text(content)
    for now in ("2026-11-17T03:00:00", "2026-11-18T03:00:00"):
        result = wards.run_at(now)
        assert result.exit_code == 0
        assert result.documentation.startswith("the documentation was not compared: ")


def test_a_difference_is_told_once_when_it_comes_and_once_when_it_goes(wards):
    changed_page(wards, lambda sections: sections["fees"].pop("paid"))
    assert [len(compare(wards.config).differences) for _ in range(2)] == [1, 1]
    assert told(wards) == [("fees", "paid", "gone column")]
    changed_page(wards, lambda sections: sections.pop("fees"))
    compare(wards.config)
    changed_page(wards, lambda _: None)
    assert [len(compare(wards.config).differences) for _ in range(2)] == [0, 0]
    assert told(wards) == [
        ("fees", "paid", "gone column"),
        ("fees", None, "gone resource"),
        ("fees", "paid", "mended"),
        ("fees", None, "mended"),
    ]


def test_text_columns_the_catalogue_does_not_list_are_compared_with_the_page_when_it_was_first_read(wards):
    assert compare(wards.config).differences == ()

    def change(sections):
        sections["fees"]["remarks"] = sections["tree"] = TEXT
        del sections["fees"]["fee_reference"], sections["tree"]

    changed_page(wards, change)
    for _ in range(2):  # it stays a difference until it is taken over
        assert sorted(found(compare(wards.config))) == [
            ("fees", "fee_reference", "gone column"),
            ("fees", "remarks", "new column"),
        ]
    columns = {row["column"] for row in wards.rows("select \"column\" from documented where resource = 'fees'")}
    assert columns == set(documented()["fees"])


def test_differences_that_are_known_are_none_and_a_misspelt_one_is_refused(wards):
    changed_page(wards, lambda sections: (sections.pop("users"), sections["fees"].pop("paid")))
    known = {"fees": {"known_drift": {"paid": "gone column"}}, "users": {"known_drift": {"*": "gone resource"}}}
    config = wards.config.model_copy(update={"resources": known})
    assert compare(config).differences == ()
    other = wards.config.model_copy(update={"resources": {"fees": {"known_drift": {"paid": "retyped"}}}})
    assert len(compare(other).differences) == 2
    wrong = wards.config.model_copy(update={"resources": {"fees": {"known_drift": {"paid": "gone colum"}}}})
    with pytest.raises(ConfigurationError, match="no difference is called") as raised:
        compare(wrong)
    assert "did you mean gone column" in raised.value.hint


def test_known_differences_that_are_none_any_more_are_told_where_that_can_be_known(wards):
    known = {"paid": "gone column", "fee": "documented but never sent"}
    resources = {
        "fees": {"known_drift": known},
        "wards": {"known_drift": {"id": "type contradicted", "*": "gone resource"}},
    }
    wards.run_at("2026-11-17T03:00:00")
    comparison = compare(wards.config.model_copy(update={"resources": resources}))
    assert comparison.differences == ()
    assert [(one.resource, one.column, one.what) for one in comparison.outlived] == [
        ("fees", "paid", "gone column"),
        ("wards", "id", "type contradicted"),
        ("wards", "", "gone resource"),
    ]


def test_a_column_with_another_type_on_purpose_is_no_difference(wards):
    resources = {"fees": {"columns": {"fee": "text", "paid": "boolean"}}, "tree_orders": {"columns": {"id": "integer"}}}
    config = wards.config.model_copy(update={"resources": resources})
    assert catalogue_of(config).resource("fees").documented_types == {"fee": "float"}
    assert sorted(found(compare(config))) == [("tree_orders", "", "gone resource")]


# ---------------------------------------------------------------- where the page is


def test_the_page_is_looked_for_beside_the_resources_of_the_api_where_none_is_configured(clean):
    assert compare(clean.config).page == f"{clean.simulator.url}/documentation.html"


@pytest.mark.parametrize(
    ("docs", "kind", "message"),
    [
        pytest.param(
            "{url}x/absent.html?key=secret", ConfigurationError, "there is no documentation: status 404", id="404"
        ),
        pytest.param("http://127.0.0.1:1/documentation.htmlsecret#x", SourceUnreachable, "refused", id="no server"),
        pytest.param("http://u:secret@[::1/x", ConfigurationError, "not an address", id="no address"),
        pytest.param("absent/page.html", ConfigurationError, "cannot be read: No such file", id="no file"),
    ],
)
def test_a_page_that_is_not_there_is_a_clear_error_that_shows_no_key(clean, docs, kind, message):
    with pytest.raises(kind, match=message) as raised:
        compare(clean.config, docs=docs.format(url=clean.simulator.url))
    assert "secret" not in "".join(raised.value.lines())
    assert raised.value.state == "Nothing was compared"


def test_a_server_in_trouble_is_a_source_that_cannot_be_reached(clean):
    clean.fail(Rule(resource="documentation.html", status=503, times=None))
    try:
        with pytest.raises(SourceUnreachable, match="status 503"):
            compare(clean.config)
    finally:
        clean.fail()


def test_a_page_that_is_another_one_is_named_with_where_it_was_found(clean):
    url = clean.simulator.url
    away = {"Location": f"{url}/login?next=secret"}
    clean.fail(
        Rule(resource="documentation.html", status=302, headers=away, times=None),
        Rule(resource="login", status=200, body=b"<title>Log in</title>", times=None),
    )
    try:
        with pytest.raises(DriftError, match="the page has no table") as raised:
            compare(clean.config)
    finally:
        clean.fail()
    found = {"page": f"{url}/documentation.html", "redirected_to": f"{url}/login", "title": "Log in"}
    assert raised.value.facts == found


def test_the_page_of_another_api_is_refused(clean, tmp_path):
    save({"trees": {"id": INTEGER}, "hedges": {"id": INTEGER}}, tmp_path / "page.html")
    with pytest.raises(DriftError, match="no resource of the documentation is in the catalogue"):
        compare(clean.config, docs=str(tmp_path / "page.html"))


def most_gone(sections):
    for name in list(sections)[15:]:
        del sections[name]


def test_a_page_without_most_of_the_catalogue_is_broken_and_nothing_of_it_is_kept(wards):
    changed_page(wards, most_gone)
    with pytest.raises(DriftError, match="most resources of the catalogue are missing") as raised:
        compare(wards.config)
    assert raised.value.facts["found"] == "15 resources, 58 of 73 expected are missing"
    result = wards.run_at(NOW)
    assert (result.exit_code, told(wards)) == (0, [])
    assert "58 of 73 expected are missing" in result.documentation
    assert wards.rows("select * from checks where \"check\" = 'documentation'") == []


def test_what_is_known_to_be_gone_is_not_missed(wards):
    changed_page(wards, most_gone)
    gone = {name: {"known_drift": {"*": "gone resource"}} for name in list(documented())[15:]}
    assert compare(wards.config.model_copy(update={"resources": gone})).differences == ()
