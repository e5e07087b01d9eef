"""The page Ask as people use it: by keyboard, by mouse, without script, at any width."""

import os
import re
import time
from zipfile import ZipFile

import pytest
from pyarrow import parquet
from selenium.webdriver.common.keys import Keys

from .asking import ask, column, editor, every, offered, one, open_ask, requests, said, text, wait
from .driving import looks

IS_SOAK = os.environ.get("PLANLAKE_SOAK", "0") != "0"
NUMBERS = "select i, case when i % 3 = 0 then null else 'word ' || i end as word from range(12) t(i) order by i % 5, i"


def test_a_query_is_written_and_run_without_a_mouse(page, ask_address):
    open_ask(page, ask_address)
    for _ in range(40):
        page.switch_to.active_element.send_keys(Keys.TAB)
        if "cm-content" in page.switch_to.active_element.get_attribute("class"):
            break
    page.switch_to.active_element.send_keys("select 6 * 7 as answer", Keys.ESCAPE, Keys.CONTROL + Keys.ENTER)
    wait(page, lambda: said(page).startswith("1 row in "))
    assert column(page, 1) == ["42"]
    editor(page).send_keys(Keys.TAB)
    assert page.execute_script("return document.activeElement.closest('.cm-editor')") is None
    page.switch_to.active_element.send_keys(Keys.SHIFT + Keys.TAB)
    assert page.switch_to.active_element == editor(page)
    assert text(page) == "select 6 * 7 as answer"


def test_the_editor_has_a_name_and_says_its_keys(page, ask_address):
    open_ask(page, ask_address)
    assert editor(page).accessible_name == "SQL query"
    described = editor(page).get_attribute("aria-describedby").split()
    assert "Tab leaves" in one(page, f"#{described[0]}").text
    one(page, "label[for=query]").click()
    assert page.switch_to.active_element == editor(page)


def test_tables_and_their_columns_are_offered_while_one_types(page, ask_address):
    open_ask(page, ask_address)
    wait(page, lambda: requests(page, "/api/names") == 1, seconds=60)
    editor(page).send_keys("select * from appl")
    wait(page, lambda: offered(page)[:1] == ["applications"])
    time.sleep(0.1)  # CodeMirror takes Enter for a line's end in the first moments of a list
    editor(page).send_keys(Keys.ENTER, " where id")
    wait(page, lambda: offered(page)[:1] == ["id"])
    editor(page).send_keys(Keys.ESCAPE)
    wait(page, lambda: not offered(page))
    assert text(page) == "select * from applications where id"
    editor(page).send_keys(Keys.CONTROL + "a")
    editor(page).send_keys("select 1 from applications as a where a.id")
    wait(page, lambda: offered(page)[:1] == ["id"])
    assert "applications" not in offered(page)


def test_of_names_that_fit_alike_the_shorter_is_offered_first(page, ask_address):
    open_ask(page, ask_address)
    wait(page, lambda: requests(page, "/api/names") == 1, seconds=60)
    editor(page).send_keys("select * from fees, current_")
    wait(page, lambda: offered(page)[:2] == ["current_fees", "current_wards"])
    editor(page).send_keys(Keys.CONTROL + "a")
    editor(page).send_keys("select * from fees")
    wait(page, lambda: offered(page)[:1] == ["fees"])


LATE_NAMES = """
const asked = window.fetch;
const later = new Promise((resolve) => { window.answerNames = resolve; });
window.fetch = (...all) =>
  String(all[0]).includes("/api/names") ? later.then((found) => found ?? asked(...all)) : asked(...all);
"""


@pytest.mark.parametrize(
    ("answered", "then"),
    [("null", "The names are there now"), ("Response.error()", "The names of the tables could not")],
)
def test_until_the_names_are_known_the_editor_says_so(page, ask_address, answered, then):
    late = page.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LATE_NAMES})
    try:
        open_ask(page, ask_address)
        editor(page).send_keys("select * from fees where i", Keys.CONTROL + " ")
        wait(page, lambda: said(page).startswith("The names of the tables are still being read"))
        page.execute_script(f"window.answerNames({answered})")
        wait(page, lambda: said(page).startswith(then))
    finally:
        page.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", late)


def test_a_mistake_is_marked_where_it_is_and_told_above(page, ask_address):
    open_ask(page, ask_address, "select 1,\n  nothing_like_it\nfrom applications")
    one(page, "#run").click()
    wait(page, lambda: "nothing_like_it" in one(page, "#problem").text)
    assert one(page, ".cm-lintRange-error").text == "nothing_like_it"
    place = one(page, "#problem button")
    assert place.text == "Line 2, column 3"
    place.click()
    page.switch_to.active_element.send_keys("x")
    assert text(page).splitlines()[1] == "  xnothing_like_it"
    assert one(page, "#problem").text == ""
    assert not every(page, ".cm-lintRange-error")


def test_rows_are_sorted_by_buttons_that_say_so(page, ask_address):
    ask(page, ask_address, NUMBERS)
    received = column(page, 1)
    assert received[:3] == ["0", "5", "10"]
    button = "table.result th:nth-child(1) button"
    one(page, button).send_keys(Keys.ENTER)
    assert one(page, "table.result th:nth-child(1)").get_attribute("aria-sort") == "ascending"
    assert column(page, 1) == [str(each) for each in range(12)]
    assert page.switch_to.active_element == one(page, button)
    one(page, button).send_keys(Keys.ENTER)
    assert one(page, "table.result th:nth-child(1)").get_attribute("aria-sort") == "descending"
    assert column(page, 1) == [str(each) for each in reversed(range(12))]
    one(page, button).send_keys(Keys.ENTER)
    assert column(page, 1) == received
    for way in ("ascending", "descending"):
        one(page, "table.result th:nth-child(2) button").click()
        assert one(page, "table.result th:nth-child(2)").get_attribute("aria-sort") == way
        assert column(page, 2)[-4:] == ["null"] * 4


def test_what_the_filter_leaves_is_copied_with_tabs(page, ask_address):
    page.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
    ask(page, ask_address, "select * from (values (1, 'a\tb'), (2, 'say \"c\"'), (3, null)) t(n, word)")
    one(page, "#filter").send_keys("A")
    assert column(page, 1) == ["1", "2"]
    assert "2 of 3 rows" in one(page, ".result-tools").text
    one(page, "#copy").click()
    wait(page, lambda: said(page).startswith("Copied 2 rows"))
    copied = page.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert copied == 'n\tword\n1\t"a\tb"\n2\t"say ""c"""'


def test_a_result_of_many_rows_is_all_there_for_who_scrolls(page, ask_address):
    ask(page, ask_address, "select i, i + 1 as j from range(1500) t(i)")
    assert said(page).startswith("The first 1,000 rows in ")
    region = one(page, ".result-region")
    assert region.get_attribute("tabindex") == "0"
    for _ in range(30):
        page.execute_script("arguments[0].scrollTop = arguments[0].scrollHeight", region)
        time.sleep(0.05)
    assert column(page, 1)[-1] == "999"
    one(page, "#filter").send_keys("998")
    assert column(page, 1) == ["997", "998"]


def test_of_many_columns_fifty_are_shown_and_others_can_be_chosen(page, ask_address):
    ask(page, ask_address, "select " + ", ".join(f"{each} as c{each}" for each in range(60)))
    assert len(every(page, "table.result th")) == 50
    one(page, ".columns summary").send_keys(Keys.ENTER)
    one(page, "#columns-filter").send_keys("c55")
    one(page, ".columns label:not([hidden]) input").send_keys(Keys.SPACE)
    assert one(page, "table.result th:last-child button").text == "c55"
    assert one(page, "table.result td:last-child").text == "55"
    assert one(page, ".columns summary").text.startswith("51 of 60 columns")


def test_what_was_asked_before_can_be_asked_again(page, ask_address):
    ask(page, ask_address, "select 'asked before' as said")
    open_ask(page, ask_address)
    wait(page, lambda: every(page, "#history button"))
    newest = one(page, "#history button")
    assert newest.text == "select 'asked before' as said"
    newest.send_keys(Keys.ENTER)
    assert text(page) == "select 'asked before' as said"
    assert page.switch_to.active_element == editor(page)


def test_three_choices_draw_a_chart(page, ask_address):
    ask(page, ask_address, "select chr((65 + i)::int) as letter, i * i as squares from range(8) t(i)")
    one(page, "#chart form button").click()
    wait(page, lambda: every(page, "#chart svg"))
    assert one(page, "#chart svg").accessible_name


def test_the_plain_field_takes_queries_where_the_editor_cannot_be_loaded(page, ask_address):
    page.execute_cdp_cmd("Network.enable", {})
    page.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    page.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*codemirror.js"]})
    try:
        page.get("about:blank")
        page.get(f"{ask_address}/ask.html")
        wait(page, lambda: "could not be loaded" in said(page))
        one(page, "#query").send_keys("select 3 as n", Keys.CONTROL + Keys.ENTER)
        wait(page, lambda: column(page, 1) == ["3"])
    finally:
        page.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        page.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": False})


def test_without_script_the_page_says_what_asks_instead(page, ask_address):
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.get(f"{ask_address}/ask.html")
        assert "planlake sql" in one(page, "main").text
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_query_that_takes_long_can_be_stopped(page, ask_address):
    open_ask(page, ask_address, "select count(*) from range(1000000) a, range(1000000) b where a.range <> b.range")
    one(page, "#run").click()
    wait(page, lambda: one(page, "#stop").is_enabled())
    one(page, "#stop").send_keys(Keys.ENTER)
    wait(page, lambda: said(page) == "Stopped.")
    assert page.switch_to.active_element == one(page, "#run")
    ask(page, ask_address, "select 'after it' as said")
    assert column(page, 1) == ["after it"]


def test_an_answer_is_downloaded_as_a_file(page, ask_address, tmp_path):
    page.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    ask(page, ask_address, "select i as number, '=1+1' as word from range(1200) t(i)")
    files = {}
    for place, ending in enumerate(("csv", "parquet", "xlsx"), 1):
        one(page, f".downloads button:nth-of-type({place})").click()
        name = rf"query-\d{{4}}-\d\d-\d\d\.{ending}"
        wait(page, lambda name=name: re.match(f"{name} is with", said(page)))
        files[ending] = tmp_path / said(page).split(" ")[0]
        wait(page, files[ending].exists)
    assert len(files["csv"].read_text(encoding="utf-8").splitlines()) == 1201
    assert parquet.read_table(files["parquet"]).num_rows == 1200
    with ZipFile(files["xlsx"]) as book:
        assert not [name for name in book.namelist() if b"<f>" in book.read(name)]


@pytest.mark.parametrize(("width", "scheme"), looks(360, 800, 1280, is_whole=IS_SOAK))
def test_no_rule_of_access_is_broken(page, ask_address, chrome, width, scheme):
    chrome.look(width, scheme)
    ask(
        page,
        ask_address,
        "select " + ", ".join(f"'word {each}' as c{each}" for each in range(60)) + ", null as nothing",
    )
    one(page, ".columns summary").click()
    one(page, "table.result th button").click()
    assert chrome.barriers() == []
    assert chrome.too_wide() == 0
    open_ask(page, ask_address, "select date_trunc('day', a), 1.5 -- a comment\nfrom nothing_like_it")
    one(page, "#run").click()
    wait(page, lambda: every(page, ".cm-lintRange-error"))
    assert chrome.barriers() == []
    editor(page).send_keys(Keys.CONTROL + "a")
    editor(page).send_keys("select * from a")
    wait(page, lambda: offered(page))
    assert chrome.barriers() == []
