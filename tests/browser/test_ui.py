"""The ui in a browser: a query by keyboard alone, no barriers, and nothing for the pages of other sites."""

import functools
import http.server
import os
from threading import Thread

import pytest
from selenium.webdriver.support.ui import WebDriverWait

from cli.conftest import FIRST, SECOND, TABLES, small_council
from conftest import feeding
from planlake.config import load_config
from planlake.report.web.server import serving

from .driving import looks
from .morning import NOW

IS_SOAK = os.environ.get("PLANLAKE_SOAK", "0") != "0"
# What another site's page tries: each asks the ui for a query, or to show itself inside that page.
HOSTILE = """<!doctype html><title>hostile</title>
<form method="post" enctype="text/plain" action="{ui}/api/query" target="inside">
<input name='{{"sql": "select 1 as form", "x": "' value='"}}'></form>
<iframe name="inside" src="{ui}/ask.html"></iframe>
<script>
const question = JSON.stringify({{sql: "select 1 as fetched"}});
const ways = [
  {{method: "POST", credentials: "include", body: question}},
  {{method: "POST", credentials: "include", body: question, mode: "no-cors"}},
  {{method: "POST", credentials: "include", body: question, headers: {{"Content-Type": "application/json"}}}},
  {{credentials: "include"}},
];
window.outcomes = Promise.all([
  ...ways.map((way) => fetch("{ui}/api/query", way).then((it) => it.type + it.status, () => "refused")),
  fetch("{ui}/api/history", {{credentials: "include"}}).then((it) => it.text(), () => "refused"),
]);
document.forms[0].submit();
</script>"""


@pytest.fixture(scope="module")
def ui(chrome, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ui")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        with feeding(small_council(), folder, TABLES) as feed:
            assert [feed.run_at(FIRST).exit_code, feed.run_at(SECOND).exit_code] == [0, 0]
        monkeypatch.setenv("PLANLAKE_NOW", SECOND)  # a morning on which all is well
        with serving(load_config(folder / "planlake.yaml")) as running:
            chrome.open(running.guard.link)
            yield running


@pytest.fixture
def page(chrome, ui):
    chrome.reset(NOW)
    return chrome


def address(ui, path):
    return f"http://{ui.guard.hosts[0]}{path}"


def until(page, script):
    """Wait until a script answers with something."""
    return WebDriverWait(page.driver, 60).until(lambda _: page.run(script))


@pytest.mark.parametrize(("width", "scheme"), looks(360, 1280, is_whole=IS_SOAK))
def test_no_page_has_a_barrier_or_is_wider_than_its_screen(page, ui, width, scheme):
    page.look(width, scheme)
    found = {}
    for path in (
        "/",
        "/ask.html",
        "/browse.html",
        "/browse/fees.html?facet=payment_method_id&column=id&condition=least&value=1980",
        "/browse/nosuch.html",
        "/nosuch.html",
    ):
        page.open(address(ui, path))
        found[path] = (page.barriers(), page.too_wide())
    assert {path: one for path, one in found.items() if one != ([], 0)} == {}


def test_a_query_is_written_and_run_by_keyboard_and_its_answer_breaks_no_policy(page, ui):
    page.open(address(ui, "/ask.html"))
    until(page, "document.querySelector('.cm-content') && document.querySelector('.cm-content').isConnected")
    page.run("document.querySelector('.cm-content').focus()")
    page.press(*"select 40 + 2 as answer", ["control", "enter"])
    until(page, "document.querySelector('#grid td')")
    assert page.run("document.querySelector('#grid td').textContent") == "42"
    assert page.run("document.getElementById('said').textContent").startswith("1 row in")
    asked, said = page.heard()
    assert {one.partition("/")[0] for one in asked} <= {"http:", "data:", "blob:"}
    assert [one for one in asked if one.startswith("http") and not one.startswith(address(ui, "/"))] == []
    assert [one for one in said if "Content Security Policy" in one] == []


def test_a_link_to_a_query_waits_for_run(page, ui):
    page.open(address(ui, "/ask.html#q=select%20%27by%20a%20link%27"))
    until(page, "document.getElementById('said').textContent.includes('came with a link')")
    assert "by a link" in page.run("document.querySelector('.cm-content').textContent")
    assert "select 'by a link'" not in [one.sql for one in ui.past.asked()]


def test_a_table_is_browsed_without_script(page, ui):
    page.send("Emulation.setScriptExecutionDisabled", value=True)
    page.open(address(ui, "/browse/fees.html?column=id&condition=least&value=1980"))
    page.send("Emulation.setScriptExecutionDisabled", value=False)
    assert "rows of fees that match" in page.run("document.querySelector('h1').textContent")


def test_a_page_of_another_site_runs_no_query_and_shows_nothing_of_the_ui(page, ui, tmp_path):
    (tmp_path / "hostile.html").write_text(HOSTILE.format(ui=address(ui, "")))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    before = ui.past.asked()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        page.open(f"http://127.0.0.1:{other.server_port}/hostile.html")
        outcomes = page.driver.execute_async_script("window.outcomes.then(arguments[0])")
        other.shutdown()
    assert outcomes == ["refused"] * 5
    assert ui.past.asked() == before
    page.open(address(ui, "/"))
    assert page.run("document.querySelector('h1') !== null")  # the browser has the cookie all the while
