"""The catalogue in a browser: searched by keyboard alone, a column found opens at its place, columns are filtered."""

import json
import time

import pytest

OPTIONS = "[...document.querySelectorAll('[role=option]')]"
CHOSEN = "document.querySelector('[role=option][aria-selected=true]')"
BOX = "document.querySelector('[role=combobox]')"


def until(browser, script, seconds=10):
    """Wait until a script answers yes."""
    end = time.monotonic() + seconds
    while not browser.run(script):
        assert time.monotonic() < end, script
        time.sleep(0.02)


@pytest.fixture
def search(browser, report):
    """Type into the catalogue's box, whose index is loaded."""
    browser.open(report / "catalogue.html")
    browser.press("/")
    assert browser.run(f"document.activeElement === {BOX}") is True
    until(browser, "index !== null")

    def typed(text):
        browser.run(f"{BOX}.value = ''")
        browser.press(*text)
        return [one.split("\n")[0] for one in browser.run(f"{OPTIONS}.map((one) => one.firstChild.textContent)")]

    return typed


def test_exact_names_come_before_those_that_begin_so_then_words_then_whatever_holds_it(browser, search):
    found = search("fees")
    assert found[0] == "fees"
    found = search("decision_type_id")
    assert found[0] == "decision_type_id"
    assert search("decis")[0] == "decision_types"
    groups = browser.run("[...find('decis', {})[1].values()].map((some) => some.map((one) => rank(one, 'decis')))")
    assert all(ranks == sorted(ranks) for ranks in groups)
    assert [ranks[0] for ranks in groups] == sorted(ranks[0] for ranks in groups)
    assert {1, 2, 5} <= {rank for ranks in groups for rank in ranks}


def test_names_with_every_word_come_before_meanings_each_on_one_line(browser, search):
    search("decision date")
    ranked = "some.map((one) => rank(one, 'decision date'))"
    groups = browser.run(f"[...find('decision date', {{}})[1]].map(([name, some]) => [name, {ranked}])")
    assert any(4 in ranks for _, ranks in groups)
    assert all((max(ranks) == 5) == (min(ranks) == 5) == name.endswith(", by meaning") for name, ranks in groups)
    assert [ranks[0] for _, ranks in groups] == sorted(ranks[0] for _, ranks in groups)
    heights = browser.run(f"{OPTIONS}.map((one) => one.querySelector('span').getBoundingClientRect().height)")
    assert max(heights) < 30


def test_two_tables_of_one_name_are_told_apart_by_their_zones(browser, search):
    assert search("fees")
    places = ("t", "tables/t.html"), ("t", "catalogue.html#m-t"), ("u", "tables/u.html")
    browser.run(f"planlakeFound({json.dumps([[name, '', '', '', place, 0] for name, place in places])})")
    assert browser.run("index.map((one) => one.table)") == ["t, refined zone", "t, trusted zone", "u"]


def test_a_column_is_found_and_opened_by_keyboard_alone(browser, search):
    assert search("ward_id")
    browser.press("down")
    assert browser.run(f"{BOX}.getAttribute('aria-activedescendant') === {CHOSEN}.id") is True
    assert browser.run(f"{BOX}.getAttribute('aria-expanded')") == "true"
    place = browser.run(f"{CHOSEN}.dataset.place")
    browser.press("enter")
    until(browser, f"location.href.endsWith('{place}') && document.readyState === 'complete'")
    assert browser.run("document.querySelector(':target').textContent").startswith("ward_id")


def test_a_column_in_a_closed_part_is_opened(browser, report):
    browser.open(report / "tables/applications.html")
    rows = "[...document.querySelectorAll('details.columns-group:not([open]) tbody tr')]"
    hidden = browser.run(f"{rows}.find((row) => /^c-[a-z_]+$/.test(row.id)).id")
    browser.open(report / "catalogue.html")
    browser.open(report / "tables/applications.html")
    browser.run(f"location.hash = '{hidden}'")
    until(browser, f"document.getElementById('{hidden}').closest('details').open")


def test_what_is_found_is_grouped_counted_and_has_no_barrier(browser, search):
    search("last_updated")
    count = browser.run(f"{OPTIONS}.length")
    assert browser.run("document.querySelector('.search .count').textContent") == f"{count} found"
    ids = browser.run(f"new Set({OPTIONS}.map((one) => one.id)).size")
    assert ids == count
    groups = browser.run(
        "[...document.querySelectorAll('.found [role=group]')].map((one) => one.getAttribute('aria-label'))"
    )
    assert len(set(groups)) == len(groups) > 10
    browser.press("down", "down")
    assert browser.barriers() == []
    browser.press("escape")
    assert browser.run("document.querySelector('.found').hidden") is True
    assert browser.run(f"document.activeElement === {BOX}") is True


def test_many_are_cut_and_nothing_is_said(browser, search):
    search("a")
    assert browser.run(f"{OPTIONS}.length") == 200
    assert browser.run("document.querySelector('.search .count').textContent").endswith("found, the first 200 shown")
    search("qqqq")
    assert browser.run("document.querySelector('.search .count').textContent") == "Nothing is called so or means so"


def test_only_columns_or_personal_ones_are_found_where_that_is_asked(browser, search):
    search("contacts")
    assert browser.run(f"{OPTIONS}.some((one) => one.className === 'of-table')") is True
    browser.run("document.querySelector('[data-only=column]').click()")
    assert browser.run(f"{OPTIONS}.some((one) => one.className === 'of-table')") is False
    search("email")
    before = browser.run(f"{OPTIONS}.length")
    browser.run("document.querySelector('[data-only=personal]').click()")
    assert 0 < browser.run(f"{OPTIONS}.length") < before


def test_the_columns_of_a_table_are_filtered(browser, report):
    browser.open(report / "tables/applications.html")
    browser.run("document.getElementById('filter').focus()")
    browser.press(*"floorspace")
    shown = "[...document.querySelectorAll('table.columns tbody tr')].filter((row) => !row.hidden)"
    texts = browser.run(f"{shown}.map((row) => row.textContent.toLowerCase())")
    assert texts
    assert all("floorspace" in one for one in texts)
    assert browser.run(f"{shown}.every((row) => !row.closest('details') || row.closest('details').open)") is True
    assert browser.run("document.getElementById('filtered').textContent") == f"{len(texts)}\u00a0columns"


def test_without_script_the_catalogue_has_every_table_and_no_box(browser, report):
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(report / "catalogue.html")
    browser.send("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.run(f"{BOX}.checkVisibility()") is False
    assert browser.run("document.querySelectorAll('main a[href^=tables]').length") >= 10


def test_days_of_change_lead_to_each_other(browser, report):
    browser.open(report / "change.html")
    day = browser.run("document.querySelector('.page-name').textContent")
    browser.run("document.querySelector('.picker a').click()")
    until(browser, "location.pathname.includes('/change/') && document.readyState === 'complete'")
    assert browser.run("document.querySelector('.page-name').textContent") != day
    assert browser.barriers() == []
