"""The pages of the report, live: each is made when it is first asked for after the lake has changed or was damaged."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from threading import Lock
from time import monotonic

from planlake.clock import dashed, naive_utc, read_clock
from planlake.config import Config
from planlake.errors import LakeError, PlanlakeError
from planlake.lake.open_lake import open_to_read
from planlake.report.pages.figures.catalogue import SEARCH_FILE, search_index
from planlake.report.pages.figures.change import changes_by_day
from planlake.report.pages.figures.described import column_lines
from planlake.report.pages.figures.kept import Kept
from planlake.report.pages.figures.lake_facts import LakeFacts, explaining, open_facts
from planlake.report.pages.figures.tables import table_pages
from planlake.report.pages.listing import PAGES, file_of_day, file_of_table, pages_of
from planlake.report.pages.render import Site, page, search_script
from planlake.report.pages.write import site_of
from planlake.report.standing import troubles_of_files
from planlake.report.status import cadences
from planlake.sources.catalogue import catalogue_of
from planlake.version import __version__

ANY_PLACE = "x/y.html"  # links lead up one folder, to which the server answers at any depth
OVER_DATE = "report_over_date"
OWN_PAGES = (("browse.html", "Browse"), ("ask.html", "Ask"))
# Whatever changes what pages say is told in one of these.
TELLING = (("raw", "api_requests"), ("operations", "runs"), ("operations", "published"), ("operations", "journal"))
State = tuple[str, ...]
# Files are looked for every 5 s at most, in a large lake so seldom that it takes a twentieth of the time.
LOOK_SECONDS, LOOKING = 5, 20


@dataclass(slots=True)
class LivePages:
    """The pages of one lake, and what they were made from. One page is made at a time."""

    config: Config
    environment: str | None
    typed: Callable[[str], str] = str
    lock: Lock = field(default_factory=Lock, repr=False)
    state: State = ()
    made: dict[str, str] = field(default_factory=dict, repr=False)
    open: ExitStack = field(default_factory=ExitStack, repr=False)
    facts: LakeFacts | None = field(default=None, repr=False)
    kept: Kept = field(default_factory=Kept, repr=False)
    damage: State = ()
    next_look: float = 0

    def close(self) -> None:
        """Let go of the lake."""
        with self.lock:
            self.open.close()

    @contextmanager
    def now(self) -> Iterator[tuple[LakeFacts, Site]]:
        """The facts of the lake as it is, and what all pages have in common; for one thread at a time."""
        with self.lock:
            state = (*state_of(self.config, self.environment), *self._damage())
            if self.facts is None or state != self.state:
                self.open.close()
                self.made.clear()
                self.facts = None  # what is closed is not used again, where the lake cannot be opened now
                self.facts = self.open.enter_context(open_facts(self.config, self.environment, kept=self.kept))
                self.state = state
            site = site_of(self.facts, self.typed, is_live=True)
            with explaining(self.facts.lake):
                yield self.facts, replace(site, links=[*site.links, *OWN_PAGES])

    def _damage(self) -> State:
        """What files are gone or cut off, which no table of the lake's own tells."""
        began = monotonic()
        if began >= self.next_look:
            found = troubles_of_files(open_to_read(self.config, self.environment), cadences(self.config))
            self.damage = tuple(one.said for one in found)
            self.next_look = monotonic() + max(LOOK_SECONDS, LOOKING * (monotonic() - began))
        return self.damage

    def text_of(self, file: str) -> str | None:
        """A page of the report, or what it searches in; None where there is none of this name."""
        with self.now() as (facts, site):
            if file not in self.made:
                text = _made(facts, site, file)
                if text is None:
                    return None
                self.made[file] = text
            return self.made[file]

    def own(self, template: str, record: object, *, file: str) -> str:
        """A page that the report does not have."""
        with self.now() as (_, site):
            return page(template, record, site, file=file)

    def trouble(self, error: PlanlakeError) -> str:
        """The page that says why there is no other, also of a lake of which nothing can be read."""
        try:
            return self.own("trouble.html", error, file=ANY_PLACE)
        except LakeError:
            name, clock = self.environment or next(iter(self.config.environments)), read_clock()
            links = [*((one.file, one.name) for one in PAGES[:-1]), *OWN_PAGES]
            of_lake = (self.config.source_name, name, __version__, naive_utc(clock.now()), clock.today())
            site = Site(*of_lake, None, links, self.typed, is_live=True)
            return page("trouble.html", error, site, file=ANY_PLACE)

    def days(self) -> list[str]:
        """The days of which there are versions, the last first, as YYYY-MM-DD."""
        query = "select distinct snapshot_date from published order by 1 desc limit 400"
        with self.now() as (facts, _):
            return [dashed(day) for (day,) in facts.ask(query)]

    def examples(self) -> list[str]:
        """Questions to begin with: the first table that was loaded, and what is over its date where that is known."""
        with self.now() as (facts, _):
            loaded = [name for name in facts.verdicts if facts.table("refined", f"current_{name}") is not None]
            found = [f"select *\nfrom {loaded[0]}\nlimit 100"] if loaded else []
            is_there = OVER_DATE in facts.models.by_name and facts.table("trusted", "applications") is not None
            return [*found, *[f"select *\nfrom {OVER_DATE}\nlimit 100"] * is_there]

    def labels(self, table: str, columns: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """What the codes of a table's columns stand for, as its page says it."""
        name = re.sub("^(current|increment|history)_", "", table)
        with self.now() as (facts, _):
            if not columns or name not in facts.verdicts:
                return {}
            lines = column_lines(facts, catalogue_of(facts.config).resource(name))
            return {one.name: one.labels for one in lines if one.name in columns}


def _made(facts: LakeFacts, site: Site, file: str) -> str | None:
    for one in pages_of(facts):
        if one.file == file:
            return page(one.template, one.figures(facts), site, file=file)
    if file == SEARCH_FILE:
        return search_script(search_index(facts))
    for day, found in changes_by_day(facts).items() if file.startswith("change/") else ():
        if file == file_of_day(day):
            return page("change.html", found, site, file=file)
    name = PurePosixPath(file).stem
    tables = table_pages(facts, [name]) if file == file_of_table(name) else {}
    return page("table.html", tables[name], site, file=file) if name in tables else None


def state_of(config: Config, environment: str | None) -> State:
    """What differs once a lake has changed, and every hour, as pages say how old things are."""
    lake = open_to_read(config, environment)
    told = [lake.shown(*place) for place in TELLING]
    hour = f"{read_clock().now():%Y-%m-%d %H}"
    return (hour, *(one.metadata_location if one is not None else "" for one in told))
