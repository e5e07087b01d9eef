"""The report in a browser: no barriers, by keyboard alone, without any network, whatever the vendor sends."""

import os
import re

import pytest

from .driving import looks
from .morning import SCRIPT

IS_SOAK = os.environ.get("PLANLAKE_SOAK", "0") != "0"
LATER = "2026-11-30T12:00:00"


def pages(report):
    """Every page, and of the tables' pages one of each kind."""
    tables = [report / "tables" / f"{name}.html" for name in ("fees", "appeals", "emails", "applications", "wards")]
    return [*sorted(report.glob("*.html")), *tables]


@pytest.mark.parametrize(("width", "scheme"), looks(360, 800, 1280, is_whole=IS_SOAK))
def test_no_page_has_a_barrier_or_is_wider_than_its_screen(browser, report, width, scheme):
    browser.look(width, scheme)
    found = {}
    for page in pages(report):
        browser.open(page)
        found[page.name] = (browser.barriers(), browser.too_wide())
    assert {name: one for name, one in found.items() if one != ([], 0)} == {}


def test_no_page_asks_any_network_or_breaks_its_own_policy(browser, report):
    for page in pages(report):
        browser.open(page)
    asked, said = browser.heard()
    assert {address.split(":")[0] for address in asked} <= {"file", "data"}
    assert {page.as_uri() for page in pages(report)} <= set(asked)
    assert said == []


def test_no_script_of_the_vendors_is_run_and_its_text_stands_there_as_text(browser, report):
    shown = ""
    for page in pages(report):
        browser.open(page)
        assert "Injected" not in browser.run("document.title"), page
        assert browser.run("document.querySelectorAll('img, main script:not([type])').length") == 0, page
        shown += browser.run("document.body.textContent")
    assert SCRIPT[:12] in shown


def test_nothing_that_a_record_held_is_in_any_file(report):
    assert [file.name for file in report.rglob("*") if file.is_file() and b"Planted" in file.read_bytes()] == []


def test_each_page_says_its_answer_once_and_links_lead_somewhere(browser, report):
    for page in pages(report):
        browser.open(page)
        assert browser.run("document.querySelectorAll('h1').length") == 1
        links = browser.run("[...document.links].map((link) => link.getAttribute('href'))")
        for link in {link.partition("#")[0] for link in links} - {""}:
            assert (page.parent / link).resolve().is_file(), (page.name, link)


def test_the_calendar_is_walked_by_keyboard_alone_and_opens_the_day(browser, report):
    browser.open(report / "completeness.html")
    said = "document.querySelector('.cell-said').textContent"
    for _ in range(40):
        browser.press("tab")
        if browser.run("document.activeElement.tagName") == "TD":
            break
    assert browser.run(said) == "applications, 28\u00a0November 2026: open, the day is not over"
    fees = browser.run("[...document.querySelectorAll('tbody th')].findIndex((one) => one.textContent === 'fees')")
    browser.press(*["down"] * fees, "left")
    assert browser.run(said).startswith(
        "fees, 27\u00a0November 2026: failed, 0 of 1\u00a0page, 0\u00a0records, tried 1"
    )
    browser.press("home")
    assert browser.run(said).startswith("fees, 25\u00a0October 2026: not due")
    browser.press(["control", "home"])
    assert browser.run(said).startswith("applications, 25\u00a0October 2026")
    browser.press(["control", "end"])
    assert browser.run(said).startswith("wards, 28\u00a0November 2026")
    browser.press("page up", "page up", "end", "right", "up")
    assert browser.run(said).startswith("applications, 28\u00a0November 2026")
    browser.press(*["down"] * fees, "left", "enter")
    assert browser.run("location.pathname").endswith("/tables/fees.html")
    assert browser.run("location.hash") == "#d-2026-11-27"
    assert "failed, 0 of 1" in browser.run("document.querySelector(':target').textContent")


def test_the_calendar_is_one_stop_of_tab_and_the_pointer_says_the_same(browser, report):
    browser.open(report / "completeness.html")
    assert browser.run("document.querySelectorAll('table[data-calendar] [tabindex=\"0\"]').length") == 1
    cell = "document.querySelector('td.is-gap')"
    browser.run(f"{cell}.dispatchEvent(new PointerEvent('pointerover', {{bubbles: true}}))")
    assert browser.run("document.querySelector('.cell-said').textContent").startswith(
        "emails, 22\u00a0November 2026: gap"
    )


def test_on_a_telephone_the_calendar_begins_with_the_newest_day(browser, report):
    browser.look(360)
    browser.open(report / "completeness.html")
    newest = "[...document.querySelectorAll('th[data-day]')].at(-1).getBoundingClientRect()"
    left, right = browser.run(f"{newest}.left"), browser.run(f"{newest}.right")
    assert (left > 0, right <= 360) == (True, True)


@pytest.mark.parametrize("width", [360, 1280])
def test_a_chart_fits_the_screen_and_its_figures_are_opened_by_keyboard_alone(browser, report, width):
    browser.look(width)
    browser.open(report / "planning.html")
    parts = browser.run(
        "[...document.querySelectorAll('.lines, .lines svg, .lines span')].map((one) => one.getBoundingClientRect())"
    )
    assert len(parts) >= 9
    assert all(0 < one["left"] < one["right"] <= width and one["width"] > 5 for one in parts)
    for _ in range(30):
        browser.press("tab")
        if browser.run("document.activeElement.tagName") == "SUMMARY":
            break
    assert browser.focused().startswith("The figures: ")
    browser.press("enter", "tab")
    assert browser.run("document.activeElement.closest('details').open") is True
    assert browser.run("document.activeElement.getAttribute('role')") == "region"
    assert browser.barriers() == []


def test_a_page_says_how_old_it_is_from_a_day_on(browser, report):
    browser.open(report / "index.html")
    assert browser.run("document.querySelector('.stale').hidden") is True
    assert browser.run("document.querySelector('time[data-age]').textContent") == "6\u00a0hours ago"
    browser.reset(LATER)
    browser.open(report / "index.html")
    assert browser.run("document.querySelector('.stale').textContent").startswith(
        "These pages are from 28 November 2026, 2\u00a0days ago"
    )
    assert browser.barriers() == []


def test_a_command_is_copied_by_its_button(browser, report):
    browser.open(report / "index.html")
    button = "document.querySelector('.command button')"
    name = browser.run(f"{button}.getAttribute('aria-label')")
    assert name == "Copy: " + browser.run("document.querySelector('.command code').textContent")
    browser.run(f"{button}.focus()")
    browser.press("enter")
    browser.driver.implicitly_wait(0)
    for _ in range(50):
        if said := browser.run("document.getElementById('said').textContent"):
            break
    assert said == "Copied"


@pytest.mark.parametrize("page", ["index.html", "completeness.html", "runs.html", "planning.html"])
def test_without_script_a_page_says_the_same(browser, report, page):
    words = "document.querySelector('main').textContent.replace(/\\s+/g, ' ')"
    browser.open(report / page)
    with_script = browser.run(f"{words}.replaceAll(/ ?Copy/g, '')")
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(report / page)
    browser.send("Emulation.setScriptExecutionDisabled", value=False)
    assert re.sub(" ", "", browser.run(words)) == re.sub(" ", "", with_script)


def test_on_paper_the_commands_are_there_and_the_navigation_is_not(browser, report):
    browser.look(media="print")
    browser.open(report / "index.html")
    shown = "getComputedStyle(document.querySelector(arguments[0])).display"
    assert [browser.run(shown, one) for one in ("nav", ".command button", ".skip")] == ["none"] * 3
    assert browser.run(shown, ".command code") != "none"
    assert browser.run("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"


def test_on_paper_what_is_not_well_is_whole(browser, report):
    said = "document.querySelector('td > details li')"
    browser.open(report / "quality.html")
    assert browser.run(f"{said}.checkVisibility()") is False
    browser.look(media="print")
    assert browser.run(f"{said}.checkVisibility()") is True


def test_with_forced_colours_states_keep_their_borders(browser, report):
    browser.look(forced_colors="active")
    browser.open(report / "index.html")
    assert browser.run("getComputedStyle(document.querySelector('.tag')).borderTopStyle") == "solid"
    assert browser.barriers() == []


def test_what_has_the_focus_is_seen(browser, report):
    browser.open(report / "index.html")
    browser.press("tab")
    assert browser.focused() == "Skip to what this page says"
    browser.press("enter")
    assert browser.run("document.activeElement.id") == "main"
    browser.press("tab")
    style = "getComputedStyle(document.activeElement)"
    assert browser.run(f"{style}.outlineStyle !== 'none' || {style}.boxShadow !== 'none'") is True
