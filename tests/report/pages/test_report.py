"""`planlake report`: files that stand alone, whatever the values on them are, and change only where they must."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from planlake.report.pages import write
from planlake.report.pages.render import CONTENT_SECURITY_POLICY
from planlake.report.pages.write import write_report
from planlake.simulator.faults import Rule

from ..conftest import DAYS


def test_the_command_writes_the_pages_and_names_the_first(typed, tmp_path):
    said = typed("report", "--out", tmp_path / "out")
    assert said.status == 0
    found = re.fullmatch(rf"{tmp_path}/out/index.html is the first of (\d+) files; (\d+) changed\n", said.out)
    assert int(found[1]) == int(found[2]) == sum(one.is_file() for one in (tmp_path / "out").rglob("*"))


def test_commands_on_the_pages_name_the_configuration_as_it_was_named(typed, feed, tmp_path):
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAYS[9])
    typed("report", "--out", tmp_path / "out")
    text = re.sub("</?span>", "", (tmp_path / "out/index.html").read_text())
    assert f"planlake run --config {feed.config.folder}/planlake.yaml others</code>" in text


def test_a_folder_that_cannot_be_written_to_is_said(typed, tmp_path):
    (tmp_path / "out").write_text("a file")
    said = typed("report", "--out", tmp_path / "out")
    assert said.status == 2
    assert "the report cannot be written into" in said.err


def test_what_is_no_report_is_not_replaced_and_the_lake_takes_no_page(typed, feed, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/index.html").write_text("somebody's own")
    said = typed("report", "--out", tmp_path / "out")
    assert (said.status, "out holds other things than a report" in said.err) == (2, True)
    assert (tmp_path / "out/index.html").read_text() == "somebody's own"
    (tmp_path / "link").symlink_to(feed.config.folder / "lake")
    for folder in (feed.config.folder / "lake/pages", tmp_path / "link"):
        said = typed("report", "--out", folder)
        assert (said.status, "is in the lake, where no page belongs" in said.err) == (2, True)
    assert not (feed.config.folder / "lake/pages").exists()


@pytest.mark.parametrize("files", ["data/*.parquet", "metadata/snap-*.avro", "metadata/*.json"])
@pytest.mark.parametrize("table", ["current_things", "increment_things"])
def test_a_damaged_lake_has_a_report_that_says_so(feed, tmp_path, table, files):
    for file in feed.config.folder.glob(f"lake/**/{table}/{files}"):
        file.write_bytes(file.read_bytes()[:100])
    write_report(feed.config, tmp_path / "out")
    text = re.sub("</?span>", "", (tmp_path / "out/index.html").read_text())
    assert "Everything is there" not in text
    assert "things" in text
    assert "<h1" in (tmp_path / "out/tables/others.html").read_text()


def test_where_the_lakes_own_records_are_damaged_the_command_says_what_repairs_them(feed, typed, tmp_path):
    for file in feed.config.folder.glob("lake/**/checks/data/*.parquet"):
        file.unlink()
    said = typed("report", "--out", tmp_path / "out")
    assert "data files of checks are gone or damaged" in said.err
    assert "hint: planlake recover" in said.err


@pytest.fixture
def reporting(feed):
    """The lake with pages written after each run."""
    file = feed.config.folder / "planlake.yaml"
    file.write_text(f"{file.read_text()}report: {{out: pages, after_run: true}}\n")
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAYS[2])
    return feed


def test_a_run_writes_the_pages_where_the_file_says_so(reporting, typed):
    assert typed("run").status == 0
    assert "<dd>Run 3" in (reporting.config.folder / "pages/index.html").read_text()


def test_a_run_that_failed_writes_them_too(reporting, typed):
    reporting.fail(*(Rule(resource=name, reset=True, times=None) for name in ("*", "things", "others")))
    assert typed("run").status == 3
    assert "the API cannot be reached" in (reporting.config.folder / "pages/index.html").read_text()


def test_a_report_that_cannot_be_written_fails_no_run_and_is_said(reporting, typed):
    (reporting.config.folder / "pages").write_text("a file")
    said = typed("run")
    assert said.status == 0
    assert "the report could not be written: the report cannot be written into" in said.err
    assert "hint: planlake report" in said.err


def test_a_defect_of_a_page_fails_no_run(reporting, typed, monkeypatch):
    monkeypatch.setattr("planlake.report.pages.write.pages_of", lambda _: 1 / 0)
    said = typed("run")
    assert said.status == 0
    assert "the report could not be written: internal error: ZeroDivisionError" in said.err


def test_without_the_key_a_run_writes_no_pages(feed, typed):
    typed("run")
    assert not (feed.config.folder / "planlake-report").exists()


def test_an_address_is_no_folder(reporting, typed):
    file = reporting.config.folder / "planlake.yaml"
    file.write_text(file.read_text().replace("out: pages", "out: s3://bucket/pages"))
    said = typed("report")
    assert (said.status, "report.out: must be a folder of this machine" in said.err) == (2, True)


def test_an_address_is_no_folder_on_the_command_line_either(typed):
    said = typed("report", "--out", "s3://bucket/pages")
    assert (said.status, "is an address, and pages are written into a folder" in said.err) == (2, True)


def test_files_with_the_same_bytes_are_left_alone(feed, tmp_path):
    write_report(feed.config, tmp_path / "out")
    before = (tmp_path / "out/static/planlake.css").stat().st_mtime_ns
    write_report(feed.config, tmp_path / "out")
    assert (tmp_path / "out/static/planlake.css").stat().st_mtime_ns == before


def test_pages_of_what_is_no_longer_there_are_removed_and_nobodys_files(feed, typed, tmp_path):
    out, file = tmp_path / "out", feed.config.folder / "planlake.yaml"
    typed("report", "--out", out)
    (out / "tables/mine.html").write_text("somebody's own")
    (out / "tables/wards_.html").write_text("somebody's own now")
    (tmp_path / "beside.html").write_bytes((out / "tables/others.html").read_bytes())
    kept = json.loads((out / "data/kept.json").read_text())
    kept["files"]["../beside.html"] = kept["files"]["tables/others.html"]
    (out / "data/kept.json").write_text(json.dumps(kept))
    file.write_text(file.read_text().replace("things, others", "things").replace("weekly: [wards_]", "weekly: []"))
    said = typed("report", "--out", out)
    assert ", 1 that no table or day has any more removed" in said.out
    assert {one.name for one in (out / "tables").iterdir()} == {"things.html", "mine.html", "wards_.html"}
    assert (tmp_path / "beside.html").exists()
    assert "removed" not in typed("report", "--out", out).out


def test_every_page_has_the_policy_and_asks_for_nothing_but_its_own_files(feed, tmp_path):
    write_report(feed.config, tmp_path / "out")
    for file in (tmp_path / "out").rglob("*.html"):
        text = file.read_text()
        assert f'content="{CONTENT_SECURITY_POLICY}"'.replace("'", "&#39;") in text
        assert re.findall(r"""(?:src|href|action)\s*=\s*["'](?:\w+:)?//""", text) == []
        assert re.findall(r"<[^>]*\son\w+\s*=|<[^>]*\sstyle\s*=|<style|javascript:", text) == []


def test_other_commands_do_not_import_the_templates():
    program = (
        "import sys; from planlake.cli.main import app; import planlake.report.status; print('jinja2' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout == "False\n"


def test_a_first_report_that_was_broken_off_is_written_anew_and_nothing_of_it_stays(feed, tmp_path, monkeypatch):
    out, plain, written = tmp_path / "out", write._write, []

    def broken_off(file, content):
        if len(written) == 5:
            file.with_name(f".{file.name}.1-1.part").write_text("half")
            raise KeyboardInterrupt
        written.append(file)
        return plain(file, content)

    monkeypatch.setattr(write, "_write", broken_off)
    with pytest.raises(KeyboardInterrupt):
        write_report(feed.config, out)
    monkeypatch.undo()
    (left,) = out.rglob(".*.part")
    (out / ".somebody.1-1.part").write_text("another one's, which goes on")
    os.utime(left, (left.stat().st_mtime - 7200,) * 2)
    found = write_report(feed.config, out)
    files = {str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()}
    assert len(files - {".somebody.1-1.part"}) == found.files
    assert files & {".somebody.1-1.part", str(left.relative_to(out))} == {".somebody.1-1.part"}


def test_two_reports_may_write_one_file_at_once(tmp_path):
    texts = [letter * 100_000 for letter in ("a", "b")]

    def write_often(text):
        for _ in range(200):
            write._write(tmp_path / "page.html", text.encode())

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(write_often, text) for text in texts]
        assert [one.result() for one in done] == [None, None]
    assert (tmp_path / "page.html").read_text() in texts
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]
