"""Schedules: the hour is London's on every night of the year, and what is printed is what a machine carries out."""

import re
import shutil
import subprocess
from configparser import ConfigParser
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planlake.clock import LONDON
from planlake.config import load_config
from planlake.errors import ConfigurationError
from planlake.setup.schedule import (
    Schedule,
    crontab_lines,
    install,
    schedule_of,
    systemd_units,
    variables_of,
)

SETTINGS = """api: {base_url: "https://council.example/rest/v1", public_key: "${COUNCIL_KEY}"}
environments: {prod: {}, stg: {}}
# ${NOT_READ} stands in a comment
tables: """
FOLDERS = ("planlake", "with blanks", 'a "quoted" one', "100%", "$HOME", "it's", "back\\slash")


@pytest.fixture
def scheduled(tmp_path):
    def make(tables="{daily: [fees]}", folder="planlake", **more):
        file = tmp_path / folder / "planlake.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SETTINGS + tables, encoding="utf-8")
        program = tmp_path / "bin" / "planlake"
        options = {"environment": None, "at": "03:00"} | more
        return schedule_of(load_config(file), file, [str(program)], **options)

    return make


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A folder first on the PATH, for programs that write down how they were called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")

    def program(name, script):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)

    return program


def by_cron(lines):
    """What cron hands to sh: all behind the five fields, up to a % that no backslash is before."""
    (line,) = [one for one in lines.splitlines() if not one.startswith("#")]
    command = line.split(maxsplit=5)[5]
    return re.split(r"(?<!\\)%", command)[0].replace("\\%", "%"), line.split()[:5]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_line_of_a_crontab_runs_at_its_hour_alone_and_with_the_keys(scheduled, machine, tmp_path, folder):
    found = scheduled(folder=folder, environment="stg")
    machine("planlake", f'echo "$PWD|$COUNCIL_KEY|$*" >> "{tmp_path}/called"')
    (found.folder / "planlake.env").write_text("# keys\nCOUNCIL_KEY=a $key &c.?=`id`", encoding="utf-8")
    command, fields = by_cron(crontab_lines(found))
    assert fields == ["0", "*", "*", "*", "*"]
    for hour in ("02", "03", "04"):
        machine("date", f'[ "$TZ" = Europe/London ] && [ "$1" = +%H ] && echo {hour}')
        subprocess.run(["/bin/sh", "-c", command], cwd="/", check=False)
    expected = f"{found.folder}|a $key &c.?=`id`|run --config {found.file} --env stg\n"
    assert (tmp_path / "called").read_text(encoding="utf-8") == expected


def test_weekly_tables_alone_run_on_sundays(scheduled, machine, tmp_path):
    found = scheduled("{weekly: [wards]}")
    machine("planlake", f'echo run >> "{tmp_path}/called"')
    for day in range(1, 8):
        machine("date", f"[ \"$1\" = '+%u %H' ] && echo '{day} 03'")
        subprocess.run(["/bin/sh", "-c", by_cron(crontab_lines(found))[0]], cwd="/", check=False)
    assert (tmp_path / "called").read_text(encoding="utf-8") == "run\n"
    assert "OnCalendar=Sun *-*-* 03:00:00 Europe/London\n" in systemd_units(found)[f"{found.name}.timer"]
    assert found.following(datetime(2026, 11, 29, 3, 0, tzinfo=UTC)) == datetime(2026, 12, 6, 3, tzinfo=LONDON)


def unit(text):
    parser = ConfigParser(interpolation=None, delimiters="=")
    parser.optionxform = str
    parser.read_string(text)
    return parser


def words_of(line):
    """The words of a line of a unit, by systemd's own rules: quotes, backslashes, and two of % and $ for one."""
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', line)
    words = [re.sub(r"\\(.)", r"\1", quoted) if quoted else plain for quoted, plain in found]
    return tuple(word.replace("%%", "%").replace("$$", "$") for word in words)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_unit_names_the_command_its_folder_and_its_keys(scheduled, folder):
    found = scheduled(folder=folder)
    service, timer = (unit(text) for text in systemd_units(found).values())
    assert words_of(service["Service"]["ExecStart"]) == found.command
    assert service["Service"]["WorkingDirectory"].replace("%%", "%") == str(found.folder)
    assert service["Service"]["EnvironmentFile"].replace("%%", "%") == f"-{found.folder}/planlake.env"
    assert service["Service"]["Type"] == "oneshot"  # which is not started while it runs
    assert (timer["Timer"]["Persistent"], timer["Install"]["WantedBy"]) == ("true", "timers.target")
    if shutil.which("systemd-analyze"):
        calendar = timer["Timer"]["OnCalendar"]
        for begin, clock in (("2026-03-28", "+0000"), ("2026-10-24", "+0100")):
            base = f"{begin} 12:00:00 UTC"
            command = ["systemd-analyze", "calendar", calendar, "--iterations=3", f"--base-time={base}"]
            said = subprocess.run(command, capture_output=True, text=True, check=True, env={"TZ": "UTC"}).stdout
            instants = re.findall(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", said)
            local = [datetime.fromisoformat(one).replace(tzinfo=UTC).astimezone(LONDON) for one in instants]
            assert len(local) == 3, (said, clock)
            assert {one.time() for one in local} == {time(3)}


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - given a zone below
    st.times().filter(lambda one: one.hour != 1),
    st.booleans(),
)
def test_the_next_run_is_the_first_moment_at_which_london_has_that_hour(now, at, is_weekly):
    at = at.replace(second=0, microsecond=0)
    found = Schedule("planlake", (), Path("planlake.yaml"), at, is_weekly).following(now.replace(tzinfo=UTC))
    minute = now.replace(tzinfo=UTC, second=0, microsecond=0) + timedelta(minutes=1)
    moments = (minute + timedelta(minutes=number) for number in range(9 * 1440))
    told = (one.astimezone(LONDON) for one in moments)
    expected = next(one for one in told if one.time() == at and (not is_weekly or one.weekday() == 6))
    assert found == expected


@pytest.mark.parametrize("at", ["3", "25:00", "03:00:00", "", "three"])
def test_what_is_no_hour_is_refused(scheduled, at):
    with pytest.raises(ConfigurationError, match="is not an hour of the day"):
        scheduled(at=at)


def test_the_hour_that_comes_twice_or_not_at_all_is_refused(scheduled):
    with pytest.raises(ConfigurationError, match="comes twice on one night of October"):
        scheduled(at="01:30")


def test_where_no_table_is_configured_there_is_nothing_to_run(scheduled):
    with pytest.raises(ConfigurationError, match="no table is configured"):
        scheduled("{}")


def test_the_variables_that_runs_need_are_named(scheduled):
    found = scheduled()
    assert variables_of(found.file, load_config(found.file)) == ["COUNCIL_KEY", "TASCOMI_PRIVATE_KEY"]


def test_lines_of_a_crontab_replace_earlier_ones_and_leave_others_alone(scheduled, machine, tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("MAILTO=me\n5 4 * * * backup 100\\%", encoding="utf-8")
    machine("crontab", f'if [ "$1" = -l ]; then cat "{kept}"; else cat > "{kept}.new" && mv "{kept}.new" "{kept}"; fi')
    for at in ("03:00", "04:30"):
        (said,) = install(scheduled(at=at), "cron")
    assert "crontab -l shows it" in said
    text = kept.read_text(encoding="utf-8")
    assert text == "MAILTO=me\n5 4 * * * backup 100\\%\n" + crontab_lines(scheduled(at="04:30"))


def test_a_crontab_that_cannot_be_read_is_not_replaced_and_none_is_as_an_empty_one(scheduled, machine, tmp_path):
    machine("crontab", f'[ "$1" = - ] && cat > "{tmp_path}/new" && exit; echo "cannot read: I/O error" >&2; exit 1')
    with pytest.raises(ConfigurationError, match="crontab -l failed: cannot read: I/O error"):
        install(scheduled(), "cron")
    assert not (tmp_path / "new").exists()
    machine("crontab", f'[ "$1" = - ] && cat > "{tmp_path}/new" && exit; echo "no crontab for me" >&2; exit 1')
    install(scheduled(), "cron")
    assert (tmp_path / "new").read_text(encoding="utf-8") == crontab_lines(scheduled())


def test_two_lakes_in_folders_of_one_name_have_schedules_of_their_own(scheduled, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    names = [scheduled(folder=folder).name for folder in ("one/lake", "two/lake", "one/lake-stg")]
    names += [scheduled(folder="one/lake", environment="stg").name]
    assert len({*names}) == 4


def test_a_link_is_named_as_it_is(scheduled, tmp_path):
    file = scheduled().file
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside/planlake.yaml").symlink_to(file)
    found = schedule_of(
        load_config(file), tmp_path / "beside/planlake.yaml", ["planlake"], environment=None, at="03:00"
    )
    assert found.file == tmp_path / "beside/planlake.yaml"


def test_a_machine_that_refuses_is_told_in_its_words(scheduled, machine, monkeypatch, tmp_path):
    machine("crontab", 'echo "you are not allowed to use this program" >&2; exit 1')
    with pytest.raises(ConfigurationError, match="crontab -l failed: you are not allowed"):
        install(scheduled(), "cron")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="there is no crontab on this machine"):
        install(scheduled(), "cron")


def test_units_are_written_and_switched_on(scheduled, machine, monkeypatch, tmp_path):
    monkeypatch.setattr("planlake.setup.schedule.SYSTEM_UNITS", tmp_path / "system")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    machine("systemctl", f'echo "$*" >> "{tmp_path}/called"')
    found = scheduled()
    install(found, "systemd")
    written = {file.name: file.read_text(encoding="utf-8") for file in (tmp_path / "system").iterdir()}
    assert written == systemd_units(found)
    called = (tmp_path / "called").read_text(encoding="utf-8")
    assert called == f"daemon-reload\nenable --now {found.name}.timer\n"
