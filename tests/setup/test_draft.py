"""`planlake init --source NAME RESOURCE`: what a few answers of an API show is drafted, and the draft can be run."""

import json
import re
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from commands import typed_in_process
from oracle import BAD, cast
from planlake.engines.duckdb.connection import connected
from planlake.setup.draft.answers import take_apart
from planlake.setup.draft.columns import draft_columns, key_of
from planlake.setup.draft.questions import find_paging
from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY
from planlake.simulator.register import TOKEN
from planlake.simulator.server import Simulator
from planlake.sources.catalogue import catalogue_at, load_catalogue

TREES = [
    {
        "treeId": number,
        "species": f"Quercus the {number}th",
        "height": 1.5 * number,
        "planted": f"20{number % 20:02}-03-11",
        "surveyed_at": f"2026-03-02T09:00:{number % 60:02}Z",
        "felled": number % 3 == 0,
        "ward": {"code": f"E0{number}"},
        "plot": f"{number:04}",
        "owner name": f"Somebody {number}",
        "nothing": None,
        "girth": str(number),
    }
    for number in range(1, 124)
]
TYPES = {
    "treeId": "integer",
    "height": "double",
    "planted": "timestamp",
    "surveyed_at": "timestamp_utc",
    "felled": "boolean",
    "girth": "integer",
}

# ---------------------------------------------------------------- an API made by hand


def page_of(records, query, *, most=40, usual=25):
    """A page as this API gives it: its records lie in `data`, what it says of them in `meta.pagination`."""
    size, page = min(int(query.get("per_page", usual)), most), int(query.get("page", 1))
    said = {"total": len(records), "total_pages": -(-len(records) // size), "per_page": size, "page": page}
    return {"meta": {"pagination": said}, "data": records[(page - 1) * size : page * size]}


def trees(query):
    found = [one for one in TREES if query.get("treeId", str(one["treeId"])) == str(one["treeId"])]
    return 200, page_of(found, query)


ANSWERS = {
    "trees": trees,
    "species": lambda query: (
        200,
        page_of([{"id": number} for number in range(9)], query),
    ),
    "page": lambda _: (200, "<!doctype html><title>Please log in</title>"),
    "secret": lambda _: (401, {"error": "no"}),
    "none": lambda query: (200, page_of([], query)),
    "same": lambda query: (200, page_of([{"a": 1}, {"a": 1}], query)),
    "nested": lambda query: (200, page_of([[1, 2], [3, 4]], query)),
    "words": lambda _: (200, "no JSON"),
    "object": lambda _: (200, {"hello": {"there": 1}}),
    "endless": lambda _: (200, {"items": TREES}),
}


@contextmanager
def served():
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            asked = urlsplit(self.path)
            status, body = ANSWERS[asked.path.rpartition("/")[2]](dict(parse_qsl(asked.query)))
            content = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/api"
        server.shutdown()


@pytest.fixture(scope="module")
def base_url():
    with served() as url:
        yield url


@pytest.fixture
def typed(monkeypatch, capfd, tmp_path):
    for name in ("PLANLAKE_API_TOKEN", "TASCOMI_PUBLIC_KEY", "TASCOMI_PRIVATE_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: typed_in_process(monkeypatch, capfd, arguments)


def test_a_draft_is_loaded_as_it_stands(typed, base_url, tmp_path):
    drafted = typed("init", "--source", "trees", "--base-url", base_url, "trees")
    assert (drafted.status, drafted.err) == (0, "next: planlake doctor\n")
    assert re.search(r"^treeId +integer +100%  = the id: filled in each", drafted.out, re.MULTILINE)
    assert "= sure   the total is in body:meta.pagination.total" in drafted.out
    catalogue = catalogue_at(tmp_path / "trees.toml")
    spoken = catalogue.dialect
    assert catalogue.resource("trees").columns == TYPES
    assert catalogue.resource("trees").personal == {"owner name"}
    assert (catalogue.page_size, spoken.records, spoken.size_parameter, spoken.signing) == (
        40,
        "data",
        "per_page",
        "none",
    )
    assert typed("doctor").status == 0
    run = typed("--log", "off", "run")
    assert run.status == 0, run.everything
    asked = 'select count(*) n, max("treeId") last, max(height) high, max(plot) plot from trees'
    assert json.loads(typed("sql", "--format", "json", asked).out) == [
        {"n": 123, "last": 123, "high": 184.5, "plot": "0123"}
    ]


def test_no_value_of_a_record_is_in_the_files(typed, base_url, tmp_path):
    typed("init", "--source", "trees", "--base-url", base_url, "trees")
    text = (tmp_path / "trees.toml").read_text() + (tmp_path / "planlake.yaml").read_text()
    values = {text for tree in TREES for text in map(str, tree.values()) if len(text) > 4}
    assert [value for value in values if value in text] == []


@pytest.mark.parametrize(
    ("resource", "said", "hint"),
    [
        ("page", 'page gave no records: an HTML page answered, not the API: "Please log in"', "curl -si {url}/page"),
        (
            "secret",
            "the API wants a key, or another one: status 401",
            "export PLANLAKE_API_TOKEN=... (or TASCOMI_PUBLIC_KEY and TASCOMI_PRIVATE_KEY), then {call} secret",
        ),
        (
            "none",
            "none has no record now, so there is nothing to draft from",
            "{call} RESOURCE drafts another one that has records",
        ),
        (
            "same",
            "no column of same looks like an id: filled in every record, and another in each",
            "{call} same --key COLUMN names one",
        ),
        ("nested", "the records of nested are lists in a list, not objects with names", "curl -si {url}/nested"),
        ("words", "the answer of words is not JSON", "curl -si {url}/words"),
        ("object", "the answer of object holds no list of records", "curl -si {url}/object"),
    ],
)
def test_what_no_draft_can_be_made_of_is_said_in_a_sentence(typed, base_url, tmp_path, resource, said, hint):
    refused = typed("init", "--source", "x", "--base-url", base_url, resource)
    wanted = hint.format(url=base_url, call=f"planlake init --source x --base-url {base_url}")
    first, *others = refused.err.splitlines()
    assert first.startswith(f"Error: {said} (")
    assert others == ["Nothing was written", f"hint: {wanted}"]
    assert list(tmp_path.iterdir()) == []


def test_an_api_that_does_not_answer_is_said_to_be_so(typed):
    refused = typed("init", "--source", "x", "--base-url", "http://127.0.0.1:1/api", "trees")
    assert refused.status == 3
    assert refused.err.startswith(
        "Error: the API cannot be reached: connection refused (url=http://127.0.0.1:1/api/trees)"
    )


def test_a_column_that_is_named_as_the_id_must_tell_records_apart(typed, base_url, tmp_path):
    refused = typed("init", "--source", "x", "--base-url", base_url, "trees", "--key", "felled")
    assert refused.errors == [f"Error: felled does not tell the records apart of trees (base_url={base_url})"]
    assert typed("init", "--source", "x", "--base-url", base_url, "trees", "--key", "plot").status == 0
    assert catalogue_at(tmp_path / "x.toml").resource("trees").key == "plot"


def test_what_is_there_is_left_as_it_is(typed, base_url, tmp_path):
    (tmp_path / "x.toml").write_text("mine")
    assert typed("init", "--source", "x", "--base-url", base_url, "trees").errors == [
        "Error: x.toml exists and was left as it is"
    ]
    (tmp_path / "planlake.yaml").write_text("mine")
    refused = typed("init", "--source", "y", "--base-url", base_url, "trees")
    assert refused.errors == ["Error: planlake.yaml exists and was left as it is"]
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"x.toml": "mine", "planlake.yaml": "mine"}


def test_an_address_is_needed_and_a_source_of_planlakes_own_is_not_drafted(typed, base_url):
    assert "no address is given" in typed("init", "--source", "x", "trees").err
    assert 'describes "tascomi" itself' in typed("init", "--base-url", base_url, "trees").err
    drafts = "planlake init --source ./x.toml --base-url ADDRESS RESOURCE drafts it from the answers of an API"
    assert typed("init", "--source", "./x.toml").err == f"Error: there is no x.toml\nhint: {drafts}\n"


def test_a_draft_without_a_total_says_that_a_run_refuses_it_and_a_run_does(typed, base_url):
    drafted = typed("init", "--source", "x", "--base-url", base_url, "endless")
    assert "? look at  no total was seen, without which Planlake cannot prove" in drafted.out
    assert typed("--log", "off", "run").status == 1


@pytest.mark.parametrize(
    ("source", "resource", "variables"),
    [
        ("public_register", "repd", {"PLANLAKE_API_TOKEN": TOKEN}),
        ("tascomi", "fees", {"TASCOMI_PUBLIC_KEY": PUBLIC_KEY, "TASCOMI_PRIVATE_KEY": PRIVATE_KEY}),
    ],
)
def test_a_draft_of_a_known_api_says_what_its_catalogue_says(typed, monkeypatch, tmp_path, source, resource, variables):
    from planlake.simulator.generator import generate  # noqa: PLC0415
    from planlake.simulator.spoken import as_held, is_as_tascomi, speech_of  # noqa: PLC0415

    known = load_catalogue(source)
    sizes = dict.fromkeys(known.resources, 130 if source == "tascomi" else 500)
    data = generate(as_held(known), seed=3, now=datetime(2026, 11, 20, 3), sizes=sizes)  # noqa: DTZ001
    spoken = None if is_as_tascomi(known) else speech_of(known)
    with Simulator(data, speech=spoken) as simulator:
        refused = typed("init", "--source", "x", "--base-url", simulator.url, resource)
        assert "the API wants a key" in refused.err
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        drafted = typed("init", "--source", "x", "--base-url", simulator.url, resource)
        assert drafted.status == 0, drafted.err
        found = catalogue_at(tmp_path / "x.toml")
        wanted, said = known.resource(resource), known.dialect
        for part in ("signing", "paging", "page_parameter", "size_parameter", "records", "total", "size", "place"):
            assert getattr(found.dialect, part) == getattr(said, part), part
        assert found.dialect.no_records_status == said.no_records_status
        assert (found.page_size, found.resource(resource).key) == (known.page_size, wanted.key)
        as_fitted = {"float": "double"}
        for column, kind in found.resource(resource).columns.items():
            declared = wanted.type_of(column)
            assert kind == as_fitted.get(declared, declared) or (kind, declared) in (("integer", "long"),), column
        assert typed("--log", "off", "run").status == 0


# ---------------------------------------------------------------- how it is asked for pages


def api(*, paging, parameter, size, place_said, size_said, total_said, most, records):
    """What makes answers of an API that is spoken to like this, as `find_paging` asks it."""

    def ask(query):
        length = min(int(query.get(size, 10)), most) if size else 10
        place = int(query.get(parameter, 1 if paging == "page" else 0))
        start = (place - 1) * length if paging == "page" else place
        here = records[start : start + length]
        body = {"rows": here, "count": len(here), "pages": -(-len(records) // length)}
        body |= {"position": {name: value for name, value in ((place_said, place), (size_said, length)) if name}}
        headers = {total_said.lower(): str(len(records))} if total_said.startswith("X-") else {}
        body |= {total_said: len(records)} if total_said and not headers else {}
        return take_apart(json.dumps(body).encode(), headers)

    return ask


@pytest.mark.parametrize(
    ("paging", "size", "place_said", "size_said", "total_said"),
    [
        (*how, size, place_said, size_said, total)
        for how, size, place_said, size_said, total in product(
            ((("page", "p"),), (("offset", "skip"),), (("page", "page"),)),
            ("", "limit", "pageSize"),
            ("", "pageNo", "from"),
            ("", "limit"),
            ("total", "X-Total-Count", ""),
        )
    ],
)
def test_paging_is_what_the_answers_show_and_nothing_else(paging, size, place_said, size_said, total_said):
    records = [{"id": number} for number in range(47)]
    kind, parameter = paging
    ask = api(
        paging=kind, parameter=parameter, size=size, place_said=place_said, size_said=size_said,
        total_said=total_said, most=20, records=records,
    )  # fmt: skip
    found = find_paging(ask, ask({}), "rows")
    assert (found.dialect["paging"], found.dialect["page_parameter"]) == paging
    assert found.dialect["size_parameter"] == size
    assert found.dialect["place"] == (f"body:position.{place_said}" if place_said else "")
    assert found.dialect["size"] == (f"body:position.{size_said}" if size_said else "")
    told = f"header:{total_said}" if total_said.startswith("X-") else f"body:{total_said}"
    assert found.dialect.get("total") == (told if total_said else None)
    assert bool(found.doubts) == (not total_said)
    if total_said:
        assert found.page_size == (20 if size else 10)


def test_parameters_of_which_nobody_has_heard_are_found_in_links_to_other_pages():
    records = [{"id": number, "page": "https://x.example/?wrong=1"} for number in range(47)]
    for how in ("body", "header"):

        def ask(query, how=how):
            start, size = int(query.get("$von", 0)), int(query.get("anzahl", 10))
            link = f"https://api.example/rows?%24von={start + size}&anzahl={size}&api_key=abc"
            body = {"count": len(records), "results": records[start : start + size]}
            headers = {"link": f'<{link}>; rel="next"'} if how == "header" else {}
            return take_apart(json.dumps(body if headers else {**body, "next": link}).encode(), headers)

        assert ask({}).linked == ("$von", "anzahl")
        found = find_paging(ask, ask({}), "results").dialect
        assert (found["paging"], found["page_parameter"], found["size_parameter"]) == ("offset", "$von", "anzahl")


def test_pages_that_count_from_0_are_told_and_not_taken_for_pages_that_count_from_1():
    records = [{"id": number} for number in range(47)]

    def ask(query):
        start = 10 * int(query.get("page", 0))
        return take_apart(json.dumps({"total": 47, "rows": records[start : start + 10]}).encode(), {})

    [doubt] = find_paging(ask, ask({}), "rows").doubts
    assert doubt.startswith("page counts from 0, and Planlake asks for pages from 1 on")


def test_a_first_page_of_several_without_a_way_to_the_second_is_told():
    def ask(query):
        return take_apart(json.dumps({"total": 47, "rows": [{"id": 1}, {"id": 2}]}).encode(), {})

    *_, doubt = find_paging(ask, ask({}), "rows").doubts
    assert doubt.endswith("were tried): planlake run refuses it")


def test_what_comes_on_one_page_shows_no_paging():
    ask = api(
        paging="page", parameter="", size="", place_said="", size_said="", total_said="total", most=20,
        records=[{"id": 1}, {"id": 2}],
    )  # fmt: skip
    found = find_paging(ask, ask({}), "rows")
    assert found.dialect["total"] == "body:total"
    assert found.sure == ('the records are in "rows"',)
    assert "whether body:total counts all records or those of a page" in found.doubts[0]
    assert "no parameter asks for a second page" in found.doubts[1]


# ---------------------------------------------------------------- types

NARROWEST = ("integer", "long", "double", "timestamp", "timestamp_utc", "boolean")
DAYS, INSTANTS = st.dates().map(str), st.datetimes().map(lambda at: at.isoformat(" "))
WHOLE = st.one_of(st.integers(-(10**9) - 1, 10**9 + 1), st.integers(-(2**64), 2**64))
SMALL = st.floats(allow_nan=False, allow_infinity=False, width=16).map(str)
KINDS = (
    *(WHOLE, WHOLE.map(str), st.floats(allow_nan=False, allow_infinity=False), st.booleans()),
    *(
        st.floats(allow_nan=False, allow_infinity=False, width=16).map(str),
        st.sampled_from(["t", "F", "true", "0", "1"]),
    ),
    *(DAYS, INSTANTS, INSTANTS.map(lambda at: f"{at}Z"), INSTANTS.map(lambda at: f"{at}+01:00")),
    *(st.integers(0, 99).map("{:03}".format), st.integers(0, 99).map("+{}".format), st.sampled_from(["12E4", "7e1"])),
    *(st.text(max_size=4), st.just(""), st.none(), st.lists(st.integers(), max_size=2), st.just({"a": 1})),
)
COLUMN = st.lists(st.sampled_from(KINDS), min_size=1, max_size=2).flatmap(
    lambda kinds: st.lists(st.one_of(*kinds, st.none()) if len(kinds) > 1 else kinds[0], min_size=8, max_size=8)
)


def is_code(text):
    """Whether a number would not come back as it is written: decided without the expressions of the product."""
    digits = text.lstrip("-")
    return text.startswith("+") or "e" in text.lower() or (digits[:1] == "0" and digits[1:2].isdigit())


def expected_type(values):
    """The type of a column by plain Python: JSON values one by one, cast by the oracle of all tests."""
    filled = [value for value in values if value is not None and value != ""]
    texts = [value if isinstance(value, str) else json.dumps(value) for value in filled]
    if not filled or any(isinstance(value, list | dict) for value in filled):
        return "text"
    fits = next((kind for kind in NARROWEST if all(cast(text, kind) is not BAD for text in texts)), "text")
    if fits == "text" or len(filled) < min(5, len(values)):
        return "text"
    is_number = fits in ("integer", "long", "double")
    if is_number and any(isinstance(value, str) for value in filled) and any(map(is_code, texts)):
        return "text"
    return "long" if fits == "integer" and max(abs(int(text)) for text in texts) > 10**9 else fits


@pytest.fixture(scope="module")
def connection():
    with connected(500) as one:
        yield one


@example(columns=[[10**9 + 1] * 8, [10**9] * 8, [-(10**9) - 1] * 8, [2**31] * 8])
@example(columns=[["007"] * 8, ["0"] * 8, ["-05"] * 8, ["+7"] * 8, ["1e3"] * 8, [1e20] * 8])
@settings(max_examples=40, deadline=None)
@given(columns=st.lists(COLUMN, min_size=1, max_size=6))
def test_a_type_is_the_one_that_every_value_casts_to(connection, columns):
    records = [json.dumps({f"c{n}": column[row] for n, column in enumerate(columns)}).encode() for row in range(8)]
    found = {one.name: one.type for one in draft_columns(connection, records)}
    assert found == {f"c{number}": expected_type(column) for number, column in enumerate(columns)}


@pytest.mark.parametrize(
    ("values", "doubt"),
    [
        ([None] * 30, "no value in the sample"),
        ([[1]] * 30, "nested: kept as the text of its JSON"),
        ([1] * 4 + [None] * 26, "only 4 filled, as integer: too few to give it that type"),
        (["007"] * 30, "numbers with a zero or plus in front or an exponent: a type would lose that"),
        (["2026-03-02T09:00:00+01:00"] * 30, "instants with a zone: they stay text"),
        (["12.5"] * 30, "double, written as text"),
        ([12.5] * 9 + [None] * 21, "only 9 filled"),
        (["2026-03-02"] * 30, ""),
        (["some words"] * 30, ""),
    ],
)
def test_what_is_to_be_looked_at_is_said_of_a_column(connection, values, doubt):
    [found] = draft_columns(connection, [json.dumps({"a": value}).encode() for value in values])
    assert found.doubt == doubt


@pytest.mark.parametrize(
    ("name", "value", "is_marked"),
    [
        ("contactName", "A", True),
        ("e_mail", "A", True),
        ("post_code", "A", True),
        ("notes", "A", True),
        ("agent", True, False),
        ("user_id", 7, False),
        ("house_name_or_number", 7, True),
        ("height", 7.5, False),
    ],
)
def test_columns_whose_names_speak_of_people_are_marked(connection, name, value, is_marked):
    [found] = draft_columns(connection, [json.dumps({name: value}).encode()] * 9)
    assert found.may_name_people == is_marked


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ("name id tree_id", "id"),
        ("tree_id ward_id", "tree_id"),
        ("title reference", "reference"),
        ("treeId title", "treeId"),
        ("title colour", None),
    ],
)
def test_the_id_is_a_column_that_is_called_so(connection, names, wanted):
    records = [json.dumps(dict.fromkeys(names.split(), number)).encode() for number in range(9)]
    found = key_of(draft_columns(connection, records), "trees")
    assert (found and found.name) == wanted


def test_the_commands_of_the_guide_draft_and_try(typed, base_url, monkeypatch):
    """The first two blocks of docs/add-a-source.md."""
    guide = (Path(__file__).parents[2] / "docs/add-a-source.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)[:2]
    monkeypatch.setenv("PLANLAKE_LOG", "off")
    for line in "".join(blocks).splitlines():
        said = typed(*line.replace("https://COUNCIL.example/api/v2", base_url).split()[1:])
        assert (said.status, said.errors) == (0, []), said.everything


# ---------------------------------------------------------------- an API that needs no key


def test_an_api_without_keys_is_simulated_and_one_that_wants_a_key_after_all_is_told(typed, base_url, tmp_path):
    from planlake.simulator.choose import dataset, speech  # noqa: PLC0415

    typed("init", "--source", "trees", "--base-url", base_url, "trees")
    data = dataset("./trees.toml", now=datetime(2026, 11, 20, 3), seed=1)  # noqa: DTZ001
    file = tmp_path / "planlake.yaml"
    with Simulator(data, speech=speech("./trees.toml")) as simulator:
        file.write_text(file.read_text().replace(base_url, simulator.url))
        assert typed("--log", "off", "run").status == 0
    text = (tmp_path / "trees.toml").read_text()
    (tmp_path / "trees.toml").write_text(text.replace("[trees]\n", '[trees]\npath = "secret"\n'))
    file.write_text(file.read_text().replace(simulator.url, base_url))
    refused = typed("doctor")
    assert "the API wants a key, and the catalogue says that it needs none" in " ".join(refused.out.split())
