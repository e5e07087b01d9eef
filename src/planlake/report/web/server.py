"""The server of `planlake ui`: the pages of the report live, a table browser, and questions to the lake."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from planlake.clock import read_clock
from planlake.config import Config
from planlake.errors import ConfigurationError, PlanlakeError
from planlake.lake.views.parse_query import HINT
from planlake.loopback import listen, serve
from planlake.report.pages.render import STATIC
from planlake.report.web import worker
from planlake.report.web.browsing import Listing, browse, list_tables
from planlake.report.web.frames import Answer
from planlake.report.web.guarding import Guard, guarded, refused
from planlake.report.web.live_pages import LivePages, state_of
from planlake.report.web.past import Asked, Past, past_of
from planlake.report.web.result_chart import WIDTH, chart_of

if TYPE_CHECKING:
    from starlette.requests import Request

T = TypeVar("T")
OWN_STATIC = Path(__file__).parent / "static"
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
READS = re.compile(r"""\b(from|join)\s+(?:(?:"[^"]+"|\w+)\s*\.\s*)?("[^"]+"|\w+)(?![.(\w])""", re.IGNORECASE)
WHERE_NAMES_ARE = "the page Catalogue lists what can be queried; Ctrl+Space in the editor offers names"
SECONDS_BETWEEN_LOOKS = 0.1  # whether the browser still waits for an answer


@dataclass(slots=True)
class Ui:
    """What answers requests: the pages, the processes for queries, what was asked before, and who may ask."""

    config: Config
    environment: str | None
    pages: LivePages
    workers: worker.Workers
    past: Past
    guard: Guard
    names: dict[object, dict[str, list[tuple[str, str]]]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """What a page asks: a query, the day it is about, and as what its answer is wanted.

    `format` is that of a file; `kind`, `x`, `y` and `width` (of the room for it, in pixels) are a chart's.
    """

    sql: str
    as_of: str | None = None
    format: str = "csv"
    kind: str = ""
    x: str = ""
    y: str = ""
    width: int = WIDTH


@contextmanager
def serving(
    config: Config, environment: str | None = None, *, port: int = 0, typed: Callable[[str], str] = str
) -> Iterator[Ui]:
    """Serve the ui on this machine until this is left; a ConfigurationError where the port is taken.

    `typed` writes a command as it can be typed.
    """
    state_of(config, environment)  # a lake that cannot be opened is told before anything is served
    pages = LivePages(config, environment, typed)
    listener = listen(port, hint="planlake ui takes a free port")
    with closing(pages), listener, worker.open_workers(config, environment) as workers:
        guard = Guard(listener.getsockname()[1])
        ui = Ui(config, environment, pages, workers, past_of(config, environment), guard)
        running = serve(guarded(create_app(ui), guard), listener, "ui", http="h11")
        try:
            yield ui
        finally:
            worker.close(workers)  # first: whoever waits for an answer is told at once
            running.stop()


def create_app(ui: Ui) -> Starlette:
    """The application without its guard."""
    app = Starlette(
        routes=[
            Route("/", _first_page),
            Route("/static/{file}", _static),
            Route("/ask.html", _ask_page),
            Route("/browse.html", _tables_page),
            Route("/browse/{table}.html", _table_page),
            Route("/{file:path}", _page, methods=["GET"]),
            Route("/api/query", _query, methods=["POST"]),
            Route("/api/download", _download, methods=["POST"]),
            Route("/api/chart", _chart, methods=["POST"]),
            Route("/api/names", _names),
            Route("/api/history", _history),
        ],
        exception_handlers={PlanlakeError: _trouble},
    )
    app.router.routes.sort(key=lambda route: getattr(route, "path", "") == "/{file:path}")  # last: it takes any
    app.state.ui = ui
    return app


def _ui(request: "Request") -> Ui:
    found: Ui = request.app.state.ui
    return found


# ---------------------------------------------------------------- pages


def _first_page(request: "Request") -> Response:
    return _shown(_ui(request), "index.html")


def _page(request: "Request") -> Response:
    return _shown(_ui(request), request.path_params["file"])


def _shown(ui: Ui, file: str) -> Response:
    text = ui.pages.text_of(file)
    if text is None:
        return _nothing(ui)
    return Response(text, media_type="text/html" if file.endswith(".html") else "text/javascript")


def _nothing(ui: Ui) -> Response:
    return HTMLResponse(ui.pages.own("nothing.html", None, file="nothing.html"), 404)


def _static(request: "Request") -> Response:
    name = request.path_params["file"]
    found = next((one for folder in (STATIC, OWN_STATIC) for one in folder.iterdir() if one.name == name), None)
    return FileResponse(found) if found is not None else _nothing(_ui(request))


@dataclass(frozen=True, slots=True)
class AskPage:
    """What the page for questions is filled with: days that can be asked about, a nonce for the editor, examples."""

    days: list[str]
    nonce: str
    examples: list[str]


def _ask_page(request: "Request") -> Response:
    pages = _ui(request).pages
    record = AskPage(pages.days(), request.scope["state"]["nonce"], pages.examples())
    return HTMLResponse(pages.own("ask.html", record, file="ask.html"))


def _tables_page(request: "Request") -> Response:
    ui = _ui(request)
    found: Listing = list_tables(_known(ui))
    return HTMLResponse(ui.pages.own("browse_tables.html", found, file="browse.html"))


def _table_page(request: "Request") -> Response:
    ui, table = _ui(request), request.path_params["table"]
    given = request.query_params.multi_items()
    labels = ui.pages.labels(table.rpartition(".")[2], request.query_params.getlist("facet"))
    found = browse(ui.workers, table, given, ui.pages.days(), labels)
    return HTMLResponse(ui.pages.own("browse.html", found, file=f"browse/{table}.html"))


def _trouble(request: "Request", error: Exception) -> Response:
    """An error of ours as a page, or as JSON for scripts."""
    assert isinstance(error, PlanlakeError)  # noqa: S101 - it handles no other
    if not request.url.path.startswith("/api/"):
        return HTMLResponse(_ui(request).pages.trouble(error), 400)
    line, column = (error.line, error.column) if isinstance(error, worker.QueryError) else (0, 0)
    hint = WHERE_NAMES_ARE if error.hint == HINT else error.hint  # that is a command, and there is no terminal here
    return refused(400, str(error), hint, line=line, column=column)


# ---------------------------------------------------------------- questions


async def _asked(request: "Request") -> Question:
    try:
        return msgspec.json.decode(await request.body(), type=Question)
    except msgspec.MsgspecError as error:
        raise ConfigurationError(f"the question cannot be read: {error}") from None


async def _while_wanted(request: "Request", work: Callable[[Callable[[worker.Kill], None]], T]) -> T:
    """What work gives that is done on another thread; its query is stopped where the browser no longer waits."""
    kills = list[worker.Kill]()
    task = asyncio.create_task(asyncio.to_thread(work, kills.append))
    while not task.done():
        await asyncio.wait({task}, timeout=SECONDS_BETWEEN_LOOKS)
        if not task.done() and await request.is_disconnected():
            for kill in kills:
                kill()
    return await task


async def _query(request: "Request") -> Response:
    ui, asked = _ui(request), await _asked(request)
    if not asked.sql.strip():
        raise ConfigurationError("there is no query", hint="select 1")
    await asyncio.to_thread(ui.past.remember, Asked(asked.sql, asked.as_of))

    found = await _answer(request, asked)
    told = {"columns": found.columns, "rows": found.rows, "seconds": found.seconds, "rows_shown": len(found.rows)}
    content = msgspec.json.encode({**told, "is_cut": found.is_cut, "notes": found.notes})
    return Response(content, media_type="application/json")


async def _answer(request: "Request", asked: Question) -> Answer:
    def work(started: Callable[[worker.Kill], None]) -> Answer:
        return worker.answer(_ui(request).workers, asked.sql, as_of=asked.as_of, started=started)

    return (await _while_wanted(request, work)).in_days


async def _chart(request: "Request") -> Response:
    asked = await _asked(request)
    found = await _answer(request, asked)
    return HTMLResponse(chart_of(found, kind=asked.kind, x=asked.x, y=asked.y, width=asked.width))


async def _download(request: "Request") -> Response:
    ui, asked = _ui(request), await _asked(request)
    if asked.format not in MEDIA_TYPES or not asked.sql.strip():
        raise ConfigurationError("a download has a query, and a format: csv, parquet or xlsx")

    def work(started: Callable[[worker.Kill], None]) -> bytes:
        return worker.download(ui.workers, asked.sql, as_of=asked.as_of, format=asked.format, started=started)

    content = await _while_wanted(request, work)
    headers = {"Content-Disposition": f'attachment; filename="{_file_name(asked)}"'}
    return Response(content, media_type=MEDIA_TYPES[asked.format], headers=headers)


def _file_name(asked: Question) -> str:
    """What a download is called: by the table that the query reads, where it is one alone, and the day it is about."""
    names = {one[1].strip('"').lower() for one in READS.findall(asked.sql)}
    name = names.pop() if len(names) == 1 else ""
    plain = name if re.fullmatch(r"\w{1,100}", name, re.ASCII) else "query"
    day = asked.as_of if re.fullmatch(r"[\d-]{10}", asked.as_of or "", re.ASCII) else f"{read_clock().today()}"
    return f"{plain}-{day}.{asked.format}"


def _names(request: "Request") -> Response:
    return JSONResponse(_known(_ui(request)))


def _known(ui: Ui) -> dict[str, list[tuple[str, str]]]:
    """The tables that can be asked, with their columns, as of the lake's last change."""
    state = state_of(ui.config, ui.environment)[1:]
    if state not in ui.names:
        ui.names = {state: worker.tables(ui.workers)}
    return ui.names[state]


def _history(request: "Request") -> Response:
    queries = [{"sql": one.sql, "as_of": one.as_of} for one in _ui(request).past.asked()]
    return JSONResponse({"queries": queries})
