"""What others can do to the page Ask, which is nothing: by a link, by what a table holds, from a page of their own."""

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from .asking import PASTE, ask, column, editor, every, one, open_ask, requests, said, text, wait

PLANTED = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


def test_a_link_fills_in_a_query_and_waits_for_run(page, ask_address):
    open_ask(page, ask_address, "select 'from the link' as said", day="2026-11-26")
    assert text(page) == "select 'from the link' as said"
    time.sleep(0.5)
    assert requests(page, "/api/query") == 0
    assert not every(page, "table.result")
    one(page, "#run").click()
    wait(page, lambda: column(page, 1) == ["from the link"] or one(page, "#problem").text)
    assert requests(page, "/api/query") == 1


def test_a_link_that_is_copied_opens_the_same_query_anywhere(page, ask_address):
    page.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
    query = "select '50 % & more # + é' as said,\n  2 as n"
    open_ask(page, ask_address, query)
    one(page, "#copy-link").click()
    wait(page, lambda: said(page).startswith("Copied the link"))
    open_ask(page, ask_address)
    page.execute_async_script(PASTE, editor(page))
    wait(page, lambda: text(page) == query)
    assert "link" in said(page)


def test_a_query_is_copied_as_text_and_the_link_says_where_it_opens(page, ask_address):
    page.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
    query = "select 1 as n,\n  'é' as word"
    open_ask(page, ask_address, query)
    one(page, "#copy-query").click()
    wait(page, lambda: said(page) == "Copied the query as text.")
    read = "const [done] = arguments; navigator.clipboard.readText().then(done)"
    assert page.execute_async_script(read) == query
    assert one(page, f"#{one(page, '#copy-link').get_attribute('aria-describedby')}").text.startswith(
        "The link opens on this machine alone"
    )


def test_nothing_that_a_table_holds_becomes_part_of_the_page(page, ask_address):
    planted, title = PLANTED.replace("'", "''"), page.title
    name = PLANTED.replace('"', '""')
    ask(page, ask_address, f"select '{planted}' as \"{name}\", 1 as n union all select 'b', 2")
    title = page.title
    assert column(page, 1) == [PLANTED, "b"]
    assert one(page, "table.result th button").text == PLANTED
    one(page, "table.result th button").click()
    one(page, "#chart form button").click()
    wait(page, lambda: every(page, "#chart svg") or one(page, "#problem").text)
    wait(page, lambda: "onerror" in one(page, "#history").text)
    assert not every(page, "main img, main script, #chart script")
    assert page.title == title != "taken"


# What a page of anybody's may try while Planlake's is open in the next tab: it shows what it could read.
HOSTILE = """<!doctype html><title>waits</title><iframe name=inside></iframe>
<form method=post enctype=text/plain target=inside action="ADDRESS/api/query">
<input name='{"sql":"QUERY","x":"' value='"}'></form>
<script>
const body = JSON.stringify({ sql: "QUERY", as_of: null });
const ways = [
  { method: "POST", body, headers: { "Content-Type": "application/json" }, credentials: "include" },
  { method: "POST", body, headers: { "Content-Type": "text/plain" }, credentials: "include" },
  { method: "POST", body, mode: "no-cors", credentials: "include" },
];
document.forms[0].submit();
Promise.allSettled(ways.map((way) => fetch("ADDRESS/api/query", way).then((answer) => answer.text())))
  .then((tried) => { document.title = "tried " + tried.map(({ value }) => value ?? "").join(""); });
</script>"""


def test_a_page_of_another_origin_runs_no_query_and_reads_none(page, ask_address):
    query = "select 'of a stranger' as said"
    ask(page, ask_address, "select 'mine' as said")
    hostile = HOSTILE.replace("ADDRESS", ask_address).replace("QUERY", query).encode()

    class Hostile(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(hostile)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page.get(f"http://127.0.0.1:{server.server_port}/")
        wait(page, lambda: page.title.startswith("tried"))
        assert page.title.strip() == "tried"
        time.sleep(0.5)  # for what the form and the blind request started, if they did
        server.shutdown()
    open_ask(page, ask_address)
    wait(page, lambda: every(page, "#history button"))
    assert one(page, "#history button").text == "select 'mine' as said"
    assert "of a stranger" not in one(page, "#history").text
