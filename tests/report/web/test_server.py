"""The ui answers the browser that was given its link, and no other page, host or program."""

import http.client
import json
import re
import signal
import socket
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.conftest import FEW_TABLES, FIRST, small_council
from commands import PROGRAM, environment
from conftest import feeding
from planlake.config import load_config
from planlake.report.web.guarding import HEADERS
from planlake.report.web.server import serving

ENDLESS = "with recursive t(n) as (select 1 union all select n + 1 from t) select max(n) from t"
PAGES = (
    "/",
    "/index.html",
    "/completeness.html",
    "/catalogue.html",
    "/tables/fees.html",
    "/quality.html",
    "/drift.html",
    "/change.html",
    "/change/2026-11-20.html",
    "/ask.html",
    "/browse.html",
    "/browse/fees.html",
)


@dataclass
class Told:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Browser:
    """What a browser sends that has the cookie; `headers` of a request replace its own, None takes one away."""

    port: int
    cookie: str = ""

    def ask(self, method, path, body=None, **headers):
        own = {"Host": f"127.0.0.1:{self.port}", "Sec-Fetch-Site": "same-origin"}
        own |= {"Cookie": self.cookie} if self.cookie else {}
        if method == "POST":
            own |= {"Origin": f"http://127.0.0.1:{self.port}", "Content-Type": "application/json"}
        own |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {name: value for name, value in own.items() if value is not None})
        response = connection.getresponse()
        told = Told(response.status, response.headers, response.read())
        connection.close()
        return told

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def post(self, path, question, **headers):
        return self.ask("POST", path, json.dumps(question), **headers)

    def query(self, sql, **headers):
        return self.post("/api/query", {"sql": sql}, **headers)

    def asked(self):
        return [one["sql"] for one in self.get("/api/history").json["queries"]]


def opened(ui):
    """A browser that has followed the link."""
    stranger = Browser(ui.guard.port)
    told = stranger.get(f"/open?token={ui.guard.token}", Sec_Fetch_Site="none")
    assert (told.status, told.headers["Location"]) == (303, "/")
    return Browser(ui.guard.port, told.headers["Set-Cookie"].split(";")[0])


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """The user's state folder."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        folder = tmp_path_factory.mktemp("state")
        monkeypatch.setenv("XDG_STATE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def ui(config, state):
    with serving(config) as running:
        yield running


@pytest.fixture(scope="module")
def browser(ui):
    return opened(ui)


# ---------------------------------------------------------------- who may ask


def test_without_the_cookie_nothing_is_shown(ui, browser):
    for path in (*PAGES, "/static/planlake.css", "/nosuch.html", "/open", "/open?token=", "/open?token=wrong"):
        told = Browser(ui.guard.port).get(path)
        assert (told.status, "fees" in told.text) == (403, False), path
    for path in ("/api/names", "/api/history"):
        assert Browser(ui.guard.port).get(path).json["error"]["message"].startswith("Open the link")
    before = browser.asked()
    told = Browser(ui.guard.port).query("select 'stranger'")
    assert (told.status, browser.asked()) == (401, before)
    assert Browser(ui.guard.port, f"{ui.guard.cookie_name}=wrong").get("/").status == 403


def test_the_link_works_once(config, state):
    with serving(config) as ui:
        link = ui.guard.link.partition(str(ui.guard.port))[2]
        browser = opened(ui)
        told = Browser(ui.guard.port).get(link)
        assert (told.status, "Set-Cookie" in told.headers) == (403, False)
        assert Browser(ui.guard.port).get("/open?token=").status == 403
        assert browser.get(link).status == 303  # who has the cookie may press it again
        assert browser.get("/").status == 200


def test_the_cookie_is_for_this_server_alone_and_no_script_reads_it(config, state):
    with serving(config) as ui:
        cookie = Browser(ui.guard.port).get(f"/open?token={ui.guard.token}").headers["Set-Cookie"]
    assert cookie.startswith(f"planlake_{ui.guard.port}=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", ""]
)
def test_another_host_is_not_answered_though_it_leads_here(ui, browser, host):
    """So is a name whose address was changed to this machine's while its page was open: its origin is its host."""
    host = host.format(port=ui.guard.port)
    assert browser.get("/", Host=host).status == 421
    assert browser.query("select 'rebound'", Host=host, Origin=f"http://{host}").status == 421
    assert "select 'rebound'" not in browser.asked()


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "http://127.0.0.1:1", "https://127.0.0.1:{port}"]
)
def test_another_origin_runs_no_query(ui, browser, origin):
    told = browser.query("select 'elsewhere'", Origin=origin and origin.format(port=ui.guard.port))
    assert told.status == 403
    assert "select 'elsewhere'" not in browser.asked()


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_a_form_runs_no_query(browser, kind):
    told = browser.ask("POST", "/api/query", json.dumps({"sql": "select 'form'"}), Content_Type=kind)
    assert told.status == 415
    assert "select 'form'" not in browser.asked()


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_gets_nothing(browser, site):
    for path in (*PAGES, "/api/names", "/static/planlake.css"):
        assert browser.get(path, Sec_Fetch_Site=site).status == 403
    assert browser.query("select 'site'", Sec_Fetch_Site=site).status == 403
    assert "select 'site'" not in browser.asked()


def test_an_address_runs_no_query(browser):
    for path in (
        "/api/query?sql=select+'address'",
        "/ask.html?q=select+'address'",
        "/api/download?sql=select+'address'",
    ):
        told = browser.get(path)
        assert "address</" not in told.text
        assert told.status == 404 or path.startswith("/ask.html")
    assert "select 'address'" not in browser.asked()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(browser, method):
    told = browser.ask(method, "/api/query", Origin="http://evil.example")
    assert told.status == 405
    assert [name for name in told.headers if name.lower().startswith("access-control")] == []


def test_a_question_has_a_size_and_a_limit(browser):
    assert browser.query("x" * 1_000_001).status == 413
    assert browser.ask("POST", "/api/query", iter([b'{"sql": "select 1"}'])).status == 413  # in pieces, size unknown
    both = {"Content-Length": "18", "Transfer-Encoding": "chunked"}
    assert browser.ask("POST", "/api/query", iter([b'{"sql": "select 1"}']), **both).status in (400, 413)
    told = browser.query(f"select '{'x' * 100_001}'")
    assert (told.status, "too long" in told.json["error"]["message"]) == (400, True)


def test_every_answer_keeps_the_browser_strict(browser, ui):
    answers = [browser.get(path) for path in (*PAGES, "/static/planlake.js", "/api/names", "/nosuch.html")]
    answers += [browser.query("select 1"), browser.query("selec"), browser.get("/", Host="evil.example")]
    nonces = set()
    for told in answers:
        assert {name: told.headers[name] for name in HEADERS} == HEADERS
        policy = told.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self' 'nonce-")
        assert "frame-ancestors 'none'" in policy
        nonces.add(re.search(r"nonce-([\w-]+)", policy)[1])
    assert len(nonces) == len(answers)


def test_the_page_for_questions_knows_its_nonce_and_has_no_script_inside(browser):
    told = browser.get("/ask.html")
    nonce = re.search(r"nonce-([\w-]+)", told.headers["Content-Security-Policy"])[1]
    assert f'<meta name="csp-nonce" content="{nonce}">' in told.text
    assert re.findall(r"<script(?![^>]* src=)|<[^>]* on\w+=|<[^>]* style=", told.text) == []
    wanted = ("query", "as-of", "run", "stop", "said", "problem", "grid", "chart", "history", "copy-link", "keys")
    for name in wanted:
        assert told.text.count(f'id="{name}"') == 1, name
    assert '<option value="2026-11-20">' in told.text


def test_no_file_beside_the_static_ones_is_served(browser):
    for path in (
        "/static/..%2fserver.py",
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/server.py",
        "/etc/passwd",
    ):
        assert browser.get(path).status == 404


# ---------------------------------------------------------------- what is answered


def test_the_pages_are_those_of_the_report(browser):
    for path in PAGES:
        told = browser.get(path)
        assert (told.status, told.headers["Content-Type"]) == (200, "text/html; charset=utf-8"), path
        assert "data-live" in told.text
        assert "Content-Security-Policy" not in told.text
    assert 'href="browse.html">Browse' in browser.get("/").text
    searched = browser.get("/data/search.js")
    assert (searched.status, searched.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
    assert "There is no such page" in browser.get("/nosuch.html").text


def test_a_query_is_answered_and_a_mistake_has_its_place(browser):
    told = browser.query("select 1 as one, null as nothing").json
    assert told["rows"] == [[1, None]]
    assert told["columns"][0] == {"name": "one", "type": "integer"}
    assert (told["is_cut"], told["rows_shown"], told["notes"]) == (False, 1, [])
    assert told["seconds"] > 0
    wrong = browser.query("select id,\n nosuch from fees")
    assert (wrong.status, wrong.json["error"]["line"], wrong.json["error"]["column"]) == (400, 2, 2)
    assert wrong.json["error"]["hint"].startswith("did you mean")
    assert browser.query("select").json["error"]["hint"].startswith("the page Catalogue lists what can be queried")
    assert browser.query(" ").status == browser.post("/api/query", {"query": "select 1"}).status == 400
    assert browser.ask("POST", "/api/query", "{").status == 400


def test_days_of_an_answer_have_no_midnight_unless_one_has_another_time(browser):
    asked = "select timestamp '2026-11-20' as day, timestamp '2026-11-20 00:00:00' + to_hours(n) as moment"
    rows = browser.query(f"{asked} from (values (0), (1)) t(n) union all select null, null").json["rows"]
    assert rows == [
        ["2026-11-20", "2026-11-20 00:00:00"],
        ["2026-11-20", "2026-11-20 01:00:00"],
        [None, None],
    ]


def test_ask_begins_with_examples_that_are_answered_and_nothing_to_press_without_script(browser):
    shown = browser.get("/ask.html").text
    [example] = re.findall(r'data-sql="([^"]+)"', shown)
    assert example.startswith("select *\nfrom applications\n")
    assert browser.query(example).json["rows_shown"] == 100 or browser.query(example).json["rows"]
    main = shown.partition("<main")[2].partition("</main>")[0]
    assert re.findall(r"<button(?![^>]*\bdisabled\b)[^>]*>", main) == []


def test_browse_lists_first_what_people_query_first(browser):
    shown = browser.get("/browse.html").text
    database = shown.index("refined-zone</h2>")
    first, folded = shown.index(">fees</a>", database), shown.index("<details>", database)
    assert database < first < folded < shown.index(">current_fees</a>", database)
    assert shown.index("trusted-zone</h2>") < shown.index("raw-zone</h2>")


def test_of_a_wide_table_filled_references_days_and_stages_are_shown_first(browser):
    address = "/browse/dataplatform-stg-tascomi-refined-zone.applications.html"
    shown = browser.get(f"{address}?facet=application_stage").text
    names = re.findall(r'<th scope="col"[^>]*><a[^>]*>(\w+)</a> <span class="quiet">(\w+)', shown)
    assert [name for name, _ in names[:2]] == ["id", "application_reference_number"]
    kinds = ["reference" in name or kind != "timestamp" for name, kind in names[1:]]
    assert kinds.index(False) < 4
    assert re.search(r'<a href="[^"]+">[A-Z/ ]+</a> <span class="quiet">\(\d+\)</span>', shown)


def test_a_query_is_asked_about_a_day(browser):
    told = browser.post("/api/query", {"sql": "select count(*) from fees", "as_of": "2026-11-20"}).json
    assert told["notes"] == ["fees as of 2026-11-20: as published on 2026-11-20"]


def test_an_answer_is_downloaded(browser):
    told = browser.post("/api/download", {"sql": "select '=1+1' as a", "format": "csv"})
    assert told.body.decode("utf-8-sig").splitlines() == ['"a"', '"=1+1"']
    assert told.body.startswith(b"\xef\xbb\xbf")  # so that Excel reads it as UTF-8
    for form, start in (("parquet", b"PAR1"), ("xlsx", b"PK")):
        assert browser.post("/api/download", {"sql": "from fees", "format": form}).body.startswith(start)
    assert browser.post("/api/download", {"sql": "from fees", "format": "exe"}).status == 400


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"sql": 'select * from "refined"."fees" as f where id > 0'}, "fees-2026-11-29.csv"),
        ({"sql": "from refined.fees limit 1", "as_of": "2026-11-20"}, "fees-2026-11-20.csv"),
        ({"sql": "select f.id from fees f join wards w on f.id = w.id"}, "query-2026-11-29.csv"),
        ({"sql": "select * from range(3)"}, "query-2026-11-29.csv"),
    ],
)
def test_a_download_is_called_by_its_table_and_day(browser, monkeypatch, asked, name):
    monkeypatch.setenv("PLANLAKE_NOW", "2026-11-29T09:00:00")
    told = browser.post("/api/download", {**asked, "format": "csv"})
    assert told.headers["Content-Disposition"] == f'attachment; filename="{name}"'


def test_an_answer_is_drawn(browser):
    chart = {
        "sql": "select 'a<b' as word, 3 as number union all select 'c', 5",
        "kind": "bars",
        "x": "word",
        "y": "number",
    }
    told = browser.post("/api/chart", chart)
    assert (told.status, told.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<svg" in told.text
    assert "a&lt;b" in told.text
    assert browser.post("/api/chart", {**chart, "kind": "pie"}).json["error"]["message"].startswith("a chart is")


def test_names_are_offered_for_completion(browser):
    names = browser.get("/api/names").json
    assert ["id", "integer"] in names["dataplatform-stg-tascomi-refined-zone.fees"]
    assert next(iter(names)).startswith("dataplatform-stg-tascomi-refined-zone.")


def test_what_was_asked_is_kept_once_in_a_file_of_the_user_s_own(browser, state):
    for query in ("select 41", "select 42", "select 41"):
        browser.query(query)
    assert browser.asked()[:2] == ["select 41", "select 42"]
    assert browser.asked().count("select 41") == 1
    [file] = (state / "planlake").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = file.read_bytes()
    file.write_bytes(b"\xff")
    assert browser.asked() == []
    file.write_bytes(kept)


def test_a_query_ends_when_the_browser_no_longer_waits(config, state):
    patient = config.model_copy(update={"ui": config.ui.model_copy(update={"seconds": 300})})
    with serving(patient) as ui:
        browser = opened(ui)
        [process] = ui.workers.waiting
        body = json.dumps({"sql": ENDLESS}).encode()
        with socket.create_connection(("127.0.0.1", ui.guard.port)) as sent:
            head = (
                f"POST /api/query HTTP/1.1\r\nHost: 127.0.0.1:{ui.guard.port}\r\nCookie: {browser.cookie}\r\n"
                f"Origin: http://127.0.0.1:{ui.guard.port}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            sent.sendall(head.encode() + body)
            while process not in ui.workers.working:
                time.sleep(0.01)
        assert process.program.wait(timeout=60) != 0
        assert browser.query("select 1").json["rows"] == [[1]]


def test_pages_are_made_anew_when_the_lake_has_changed(tmp_path, state):
    with feeding(small_council(), tmp_path, FEW_TABLES) as feed:
        assert feed.run_at(FIRST).exit_code == 0
        with serving(load_config(tmp_path / "planlake.yaml")) as ui:
            browser = opened(ui)
            before = browser.get("/runs.html").text
            assert browser.get("/runs.html").text == before
            assert feed.run_at(FIRST.replace(":00:00", ":10:00")).exit_code == 0  # in the same hour
            after = browser.get("/runs.html").text
            assert ["Run 2" in one.replace("\N{NO-BREAK SPACE}", " ") for one in (before, after)] == [False, True]
            _damaged(browser, ui, tmp_path)


def _damaged(browser, ui, folder):
    """Files that went lost are told within seconds, by every page, and so is that they are there again."""
    pages = ("/index.html", "/tables/fees.html", "/tables/wards.html", "/catalogue.html", "/data/search.js")
    told = [(one.status, "are gone or damaged" in one.text) for one in map(browser.get, pages)]
    assert told == [(200, False)] * 5
    for table, file, answers in (
        ("current_fees", "data/**/*.parquet", [(200, True), (200, True), (200, False), (200, False), (200, False)]),
        ("runs", "data/*.parquet", [(400, True)] * 5),
    ):
        (lost,) = list(folder.glob(f"lake/**/{table}/{file}"))[:1]
        lost = lost.rename(folder / "lost"), lost
        ui.pages.next_look = 0
        told = [(one.status, "are gone or damaged" in one.text) for one in map(browser.get, pages)]
        assert (table, told) == (table, answers)
        assert "No data yet" not in browser.get("/index.html").text
        lost[0].rename(lost[1])
        ui.pages.next_look = 0
        assert "are gone or damaged" not in browser.get("/index.html").text


# ---------------------------------------------------------------- browsing


def ids(told):
    return [int(one) for one in re.findall(r'<tr><td class="number">(\d+)</td>', told.text)]


def test_a_table_is_browsed_by_filter_order_and_page(browser):
    every = browser.query("select id from fees order by id").json["rows"]
    first = every[0][0]
    told = browser.get("/browse/fees.html?show=id&sort=id&down=1")
    assert ids(told) == [one for (one,) in reversed(every)]
    assert "71 rows of fees" in told.text
    assert ids(browser.get(f"/browse/fees.html?show=id&column=id&condition=is&value={first}")) == [first]
    both = f"column=id&condition=least&value={first + 3}&column=id&condition=most&value={first + 5}"
    assert sorted(ids(browser.get(f"/browse/fees.html?show=id&{both}"))) == [first + 3, first + 4, first + 5]
    assert ids(browser.get("/browse/fees.html?show=id&column=id&condition=empty&value=")) == []
    as_of = browser.get("/browse/fees.html?show=id&as-of=2026-11-20")
    assert "70 rows of fees" in as_of.text
    assert "published on 2026-11-20" in as_of.text


def test_a_long_table_has_pages(browser):
    name = "/browse/dataplatform-stg-tascomi-raw-zone.api_requests.html?show=request_id&sort=request_id"
    count = browser.query("select count(*) from api_requests").json["rows"][0][0]
    assert count < 100
    wide = "/browse/checks.html?show=run&show=check"
    rows = browser.query("select count(*) from checks").json["rows"][0][0]
    told = browser.get(wide)
    assert f"{rows:,} rows of checks" in told.text
    assert told.text.count("<tr><td") == min(rows, 100)
    assert len(ids(browser.get(name))) == count
    assert ('rel="next"' in told.text) == (rows > 100)
    assert "No row" in browser.get(f"{wide}&page=99").text


def test_the_commonest_values_of_a_column_are_counted(browser):
    told = browser.get("/browse/api_requests.html?facet=event")
    rows = browser.query("select event, count(*) from api_requests group by 1 order by 2 desc, 1").json["rows"]
    shown = re.findall(r'<li><a href="([^"]+)">(\w+)</a> <span class="quiet">(\d+)</span>', told.text)
    assert [(value, int(number)) for _, value, number in shown] == [tuple(row) for row in rows]
    narrowed = browser.get("/browse/api_requests.html" + shown[0][0].replace("&amp;", "&"))
    assert f"{rows[0][1]} rows of api_requests that match" in narrowed.text


def test_what_is_looked_at_can_be_asked(browser):
    told = browser.get("/browse/fees.html?column=id&condition=is&value=it%27s+%3C")
    assert (
        "ask.html#q=select%20%2A%0Afrom%20%22fees%22%0Awhere%20%22id%22%3A%3Atext%20%3D%20%27it%27%27s%20%3C%27"
        in told.text
    )


@pytest.mark.parametrize(
    "part",
    [
        "sort=id%22+desc%3B+drop",
        "sort=nosuch",
        "show=*",
        "facet=count(*)",
        "as-of=2026-11-20%27",
    ],
)
def test_what_no_column_is_called_becomes_no_sql(browser, part):
    told = browser.get(f"/browse/fees.html?{part}")
    assert (told.status, "This cannot be shown" in told.text) == (400, True)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("column=id&condition=least&value=abc", "it is not a number"),
        ("column=id&condition=most&value=", "it has no value"),
        ("column=last_updated&condition=least&value=31/11/2026", "it is not a day or moment, such as 2026-11-27"),
        ("column=id&condition=1%3D1+or&value=x", "there is no such condition"),
        ("column=id", "it has no condition"),
        ("column=id%29+or+1%3D1&condition=is&value=x", "the table has no such column"),
    ],
)
def test_a_filter_that_cannot_be_says_why_and_leaves_nothing_out(browser, part, said):
    every = re.search(r"(\d+) rows of fees", browser.get("/browse/fees.html").text)[1]
    told = browser.get(f"/browse/fees.html?{part}")
    assert (told.status, f"Left out: {said}" in told.text) == (200, True)
    assert (f"{every} rows of fees" in told.text, "that match" in told.text) == (True, False)


def test_between_whole_numbers_is_none(browser):
    first, second, *_ = sorted(ids(browser.get("/browse/fees.html?show=id&sort=id")))
    narrowed = f"/browse/fees.html?show=id&column=id&value={first}.5&condition="
    assert min(ids(browser.get(f"{narrowed}least"))) == second
    assert ids(browser.get(f"{narrowed}most")) == [first]


def test_a_value_is_a_value(browser):
    told = browser.get("/browse/fees.html?column=id&condition=is&value=1%27+or+%271%27%3D%271+%3Cscript%3E")
    assert (told.status, "0 rows of fees that match" in told.text) == (200, True)
    assert "<script>" not in told.text
    for value in ("x", "9" * 40, "", "%00"):
        assert browser.get(f"/browse/fees.html?column=id&condition=least&value={value}").status == 200


@pytest.mark.parametrize(
    "name", ["nosuch", "..%2f..%2fetc%2fpasswd", "x%22%20union%20select%201", "api_responses", "a.b.c"]
)
def test_what_no_table_is_called_cannot_be_browsed(browser, name):
    assert browser.get(f"/browse/{name}.html").status in (400, 404)


def test_personal_values_are_hidden_while_browsing(browser):
    told = browser.get("/browse/contacts.html?show=email&facet=email")
    assert "[personal, " in told.text
    assert "@" not in told.text


# ---------------------------------------------------------------- the command


def test_the_command_prints_the_link_and_ends_in_a_line(lake, state):
    assert "```sh\nplanlake ui\n```" in (Path(__file__).parents[3] / "docs/ui.md").read_text(encoding="utf-8")
    command = [PROGRAM, "ui", "--no-open", "--config", str(lake)]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as ui:
        link = re.match(r"http://127\.0\.0\.1:(\d+)(/open\?token=\S+)", ui.stdout.readline())
        assert Browser(int(link[1])).get(link[2]).status == 303
        ui.send_signal(signal.SIGINT)
        out, err = ui.communicate(timeout=60)
    assert (ui.returncode, out, err) == (0, "", "Ended\n")


def test_a_port_that_is_taken_is_named(lake, typed):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = typed("ui", "--no-open", "--port", port, "--config", lake)
    assert (said.status, len(said.errors)) == (2, 1)
    assert f"port {port} cannot be used" in said.err
