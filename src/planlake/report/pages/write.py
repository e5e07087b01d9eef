"""Writes the pages of a lake into a folder: files that open from a disk, from S3 or from any web server."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident
from time import time

from planlake.config import Config
from planlake.errors import ConfigurationError, PlanlakeError
from planlake.lake.lake import warehouses_of
from planlake.report.pages.figures.catalogue import SEARCH_FILE, search_index
from planlake.report.pages.figures.change import changes_by_day
from planlake.report.pages.figures.kept import KEPT_FILE, hash_of, kept_text, read_kept
from planlake.report.pages.figures.lake_facts import LakeFacts, open_facts
from planlake.report.pages.figures.tables import table_pages
from planlake.report.pages.listing import file_of_day, file_of_table, pages_of
from planlake.report.pages.render import STATIC, Site, page, search_script
from planlake.version import __version__

Typed = Callable[[str], str]
PART, SECONDS_OF_A_REPORT = ".part", 3600


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was written: its first page, how many files it has, how many of them have other bytes now.

    `removed` is how many there were of what is no longer there: tables, days, a page without anything to show.
    """

    first: Path
    files: int
    changed: int
    removed: int = 0


def write_report(config: Config, out: Path, *, environment: str | None = None, typed: Typed = str) -> Report:
    """Write every page into a folder, which is made; files whose bytes are the same are left alone.

    Pages that an earlier report wrote there, that nobody changed and this one does not have, are removed.
    `typed` writes a command as it can be typed. Raises ConfigurationError where the folder cannot be written to, holds
    what is no report, or lies in the lake.
    """
    _refuse_what_is_not_ours(config, out)
    before = read_kept(out)
    with open_facts(config, environment, kept=before) as facts:
        made = {file: text.encode() for file, text in _pages(facts, typed)}
    made |= {f"static/{file.name}": file.read_bytes() for file in sorted(STATIC.iterdir())}
    made[KEPT_FILE] = kept_text(before, made)
    try:
        if not (out / KEPT_FILE).is_file():  # first of all, so that what is broken off is known as a report
            _write(out / KEPT_FILE, kept_text(before, {}))
        _remove_left_over(out)
        removed = sum(_remove(out, file, its_hash) for file, its_hash in before.files.items() if file not in made)
        changed = sum(_write(out / file, content) for file, content in made.items())
    except OSError as error:
        said = f"the report cannot be written into {out}: {error.strerror}"
        raise ConfigurationError(said, hint="planlake report --out ANOTHER_FOLDER") from None
    return Report(out / "index.html", len(made), changed, removed)


def _refuse_what_is_not_ours(config: Config, out: Path) -> None:
    hint = "planlake report --out ANOTHER_FOLDER"
    if re.match(r"[a-z0-9]{2,}:/", str(out)):  # what a path makes of s3://BUCKET; a drive has one letter
        said = f"{out} is an address, and pages are written into a folder of this machine"
        raise ConfigurationError(said, hint="planlake report --out FOLDER, then aws s3 sync FOLDER s3://BUCKET/FOLDER")
    places = {place for name in config.environments for place in warehouses_of(config, name).values()}
    folders = [place.removeprefix("file://") for place in places]
    if any("://" not in one and out.resolve().is_relative_to(Path(one).resolve()) for one in folders):
        raise ConfigurationError(f"{out} is in the lake, where no page belongs", hint=hint)
    if out.is_dir() and any(out.iterdir()) and not (out / KEPT_FILE).is_file():
        raise ConfigurationError(f"{out} holds other things than a report", hint=hint)


def write_after_run(config: Config, environment: str | None, typed: Typed = str) -> str:
    """Write the pages where the configuration wants them after each run; a line that says why it could not, else empty.

    Whatever goes wrong here, the run is done: nothing is raised.
    """
    if not config.report.after_run:
        return ""
    try:
        write_report(config, configured_folder(config), environment=environment, typed=typed)
    except PlanlakeError as error:
        return f"the report could not be written: {error.message}"
    except Exception as error:  # a defect of a page is no reason to fail a run
        return f"the report could not be written: internal error: {type(error).__name__}"
    return ""


def configured_folder(config: Config) -> Path:
    """The folder of the pages, beside the configuration unless it says a whole path."""
    return config.folder / config.report.out


def site_of(facts: LakeFacts, typed: Typed = str, *, is_live: bool = False) -> Site:
    """What the pages of a lake have in common."""
    days = [one.published for one in facts.verdicts.values() if one.published]
    links = [(one.file, one.name) for one in pages_of(facts)]
    return Site(
        facts.config.source_name,
        facts.environment,
        __version__,
        facts.now,
        facts.today,
        max(days, default=None),
        links,
        typed,
        facts.verdicts.keys(),
        is_live,
    )


def _pages(facts: LakeFacts, typed: Typed) -> Iterator[tuple[str, str]]:
    site = site_of(facts, typed)
    for one in pages_of(facts):
        yield one.file, page(one.template, one.figures(facts), site, file=one.file)
    for name, table in table_pages(facts).items():
        file = file_of_table(name)
        yield file, page("table.html", table, site, file=file)
    for day, found in changes_by_day(facts).items():
        yield file_of_day(day), page("change.html", found, site, file=file_of_day(day))
    yield SEARCH_FILE, search_script(search_index(facts))


def _write(file: Path, content: bytes) -> bool:
    """Write a file where its bytes differ, whole or not at all; whether it was written."""
    if file.is_file() and file.read_bytes() == content:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{os.getpid()}-{get_ident()}{PART}")  # two may write at once
    try:
        beside.write_bytes(content)
        beside.replace(file)  # whoever reads has the old page or the new one
    finally:
        beside.unlink(missing_ok=True)
    return True


def _remove_left_over(out: Path) -> None:
    """Remove what a report that was killed had begun to write; what is younger may be another one's, which goes on."""
    for file in out.rglob(f".*{PART}"):
        if file.is_file() and file.stat().st_mtime < time() - SECONDS_OF_A_REPORT:
            file.unlink(missing_ok=True)


def _remove(out: Path, name: str, its_hash: str) -> bool:
    """Remove a file of an earlier report, unless it lies elsewhere or was changed; whether it is removed."""
    file = out / name
    is_here = file.is_file() and file.resolve().is_relative_to(out.resolve())
    is_ours = is_here and hash_of(file.read_bytes()) == its_hash
    if is_ours:
        file.unlink()
    return is_ours
