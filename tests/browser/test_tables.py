"""Tables in a browser: sorted by columns, shown by a state that the address keeps; the search in every header."""

import pytest

from .test_catalogue import BOX, until

ROWS = "[...document.querySelectorAll('table[data-sort]')][arguments[0]].tBodies[0].rows"
SHOWN = (
    "[...document.querySelectorAll('[data-states]')].filter((row) => !row.hidden).map((row) => row.cells[0].innerText)"
)


def column(browser, place, table=0):
    return browser.run(f"[...{ROWS}].map((row) => row.cells[{place}].textContent.trim().replace(/\\s+/g, ' '))", table)


def test_a_table_is_sorted_by_keyboard_alone_and_says_so(browser, report):
    browser.open(report / "catalogue.html")
    before = column(browser, 0)
    browser.run("document.querySelectorAll('table[data-sort] thead button')[4].focus()")
    assert browser.focused() == "rows"
    browser.press("enter")
    sorts = "[...document.querySelectorAll('th')].map((one) => one.ariaSort).filter((one) => one)"
    assert (browser.run(sorts), browser.focused()) == (["descending"], "rows")
    rows = [int(one.replace(",", "")) for one in column(browser, 4)]
    assert rows == sorted(rows, reverse=True)
    assert sorted(column(browser, 0)) == sorted(before)
    browser.press("enter")
    assert browser.run(sorts) == ["ascending"]
    assert [int(one.replace(",", "")) for one in column(browser, 4)] == sorted(rows)
    assert browser.run("document.getElementById('said').textContent") == "Sorted by rows, smallest or first first"
    browser.run("document.querySelector('table[data-sort] thead button').focus()")
    browser.press("enter")
    assert (browser.run(sorts), column(browser, 0)) == (["ascending"], sorted(before))
    assert browser.barriers() == []


def test_numbers_days_and_sizes_are_sorted_as_what_they_are(browser, report):
    browser.open(report / "index.html")
    given = ["2.0 MB", "900 kB", "\u2013", "1,002 bytes", "11 minutes", "under 0.1 %", "not known"]
    cell = "Object.assign(document.createElement('td'), {textContent: arguments[0]})"
    values = [browser.run(f"sortValue({cell})", one) for one in given]
    assert values == [2e6, 9e5, None, 1002, 660, 0.1, None]
    assert browser.run(f"sortValue({cell})", "\u22123") == -3
    assert browser.run(f"sortValue({cell}) < sortValue({cell.replace('0', '1')})", "27 Nov 2026", "1 Dec 2026") is True
    assert browser.run(f"sortValue({cell}) < sortValue({cell.replace('0', '1')})", "April 2026", "March 2027") is True


def test_rows_of_one_state_are_shown_and_the_address_keeps_it(browser, report):
    browser.open(report / "completeness.html")
    everything = browser.run(SHOWN)
    browser.run("document.querySelector('[data-state-filter]').focus()")
    browser.press(*"gap")
    assert browser.run("location.search") == "?state=gap"
    assert browser.run(SHOWN) == ["emails", "emails"]
    assert browser.run("document.querySelector('.filter [role=status]').textContent") == "1\u00a0table"
    browser.run("document.querySelector('[role=grid] [tabindex=\"0\"]').focus()")
    browser.press("down", "left", "home")
    said = "document.querySelector('.cell-said').textContent"
    assert browser.run(said).startswith("emails, 25\u00a0October 2026")
    browser.driver.refresh()
    assert browser.run(SHOWN) == ["emails", "emails"]
    assert browser.barriers() == []
    browser.run("document.querySelector('[data-state-filter]').focus()")
    browser.press(*"any")
    assert (browser.run("location.search"), browser.run(SHOWN)) == ("", everything)


def test_an_address_with_a_state_that_nothing_has_shows_all_and_says_so(browser, report):
    browser.open((report / "catalogue.html").as_uri() + "?state=late")
    assert len(browser.run(SHOWN)) == 10
    said = browser.run("document.querySelector('.filter [role=status]').textContent")
    assert said == "Nothing is late now, so all is shown"


@pytest.mark.parametrize("page", ["index.html", "tables/fees.html"])
def test_the_search_is_in_every_header_and_is_left_by_escape_or_tab(browser, report, page):
    browser.look(360)
    browser.open(report / page)
    browser.press("/")
    assert browser.run(f"document.activeElement === {BOX}") is True
    until(browser, "index !== null")
    browser.press(*"ward_id")
    found = "document.querySelector('.in-header .found')"
    left, right = browser.run(f"[{found}.getBoundingClientRect().left, {found}.getBoundingClientRect().right]")
    assert (left >= 0, right <= 360, browser.too_wide(), browser.barriers()) == (True, True, 0, [])
    browser.press("tab")
    assert (browser.run(f"{BOX}.ariaExpanded"), browser.run(f"{found}.checkVisibility()")) == ("false", False)
    browser.run(f"{BOX}.focus()")
    browser.press("enter")
    until(browser, "location.href.endsWith('.html#c-ward_id') && document.readyState === 'complete'")
