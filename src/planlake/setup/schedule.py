"""Has a machine run Planlake by itself: as a systemd timer, or as a line of a crontab.

The hour is London's, through both changes of its clocks and in whatever zone the machine's own clock is.
"""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Literal

from planlake.clock import LONDON
from planlake.config import Config
from planlake.config_file import VARIABLE
from planlake.errors import ConfigurationError

Scheduler = Literal["systemd", "cron"]
SCHEDULERS: tuple[Scheduler, ...] = ("systemd", "cron")
KEYS = "planlake.env"  # beside the configuration: NAME=value, a line each
LOG = "planlake.log"
TWICE_OR_NEVER = 1  # the hour that London has twice in October and not at all on a day of March
SUNDAY = 6
SYSTEM_UNITS = Path("/etc/systemd/system")


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is run and when: a command with whole paths, its configuration, an hour of London's; weekly is on Sunday."""

    name: str
    command: tuple[str, ...]
    file: Path
    at: time
    is_weekly: bool = False

    @property
    def folder(self) -> Path:
        """Where the configuration lies, and with it `planlake.env`."""
        return self.file.parent

    def following(self, now: datetime) -> datetime:
        """When the next run begins, an instant of London's; `now` is aware."""
        local = now.astimezone(LONDON)
        days = (local.date() + timedelta(days=number) for number in range(9))
        moments = (datetime.combine(day, self.at, LONDON) for day in days)
        return next(one for one in moments if one > local and (not self.is_weekly or one.weekday() == SUNDAY))


def schedule_of(config: Config, file: Path, program: Sequence[str], *, environment: str | None, at: str) -> Schedule:
    """The schedule of a configuration: each day, or on Sundays where it has weekly tables alone.

    `program` is how Planlake is called, `at` HH:MM of London's. Raises ConfigurationError for another hour, for the one
    that London's clocks skip and repeat, and where no table is configured.
    """
    if not config.tables.daily and not config.tables.weekly:
        raise ConfigurationError("no table is configured, so there is nothing to run", hint="planlake add TABLE")
    whole = file.absolute()  # links stay: what the file says is beside it, where it is named
    if not str(whole).isprintable():
        raise ConfigurationError("the path of the configuration holds a line break", facts={"file": repr(str(whole))})
    mark = hashlib.sha256(f"{whole}\0{environment or ''}".encode()).hexdigest()[:6]
    name = re.sub(r"[^a-z0-9]+", "-", f"planlake {whole.parent.name} {environment or ''} {mark}".lower()).strip("-")
    options = ("--env", environment) if environment else ()
    command = (*program, "run", "--config", str(whole), *options)
    return Schedule(name, command, whole, _hour(at), is_weekly=not config.tables.daily)


def _hour(at: str) -> time:
    try:
        found = datetime.strptime(at, "%H:%M").time()  # noqa: DTZ007 - an hour of any day
    except ValueError:
        raise ConfigurationError(f'"{at}" is not an hour of the day', hint="planlake schedule --at 03:00") from None
    if found.hour == TWICE_OR_NEVER:
        message = f"{at} comes twice on one night of October and not at all on one of March"
        raise ConfigurationError(message, hint="planlake schedule --at 03:00")
    return found


def variables_of(file: Path, config: Config) -> list[str]:
    """The variables that the configuration refers to, such as those with the API's keys."""
    told = VARIABLE.findall(re.sub(r"(?m)(^|\s)#.*", "", file.read_text(encoding="utf-8")))
    keys = (config.api.public_key, config.api.private_key) if config.api and not config.catalogue_path else ()
    return list(dict.fromkeys([*told, *(name for key in keys for name in VARIABLE.findall(key))]))


def systemd_units(schedule: Schedule) -> dict[str, str]:
    """A service and the timer that starts it, by their file names.

    A service that runs is not started again; a machine that was off runs what it missed.
    """
    when = f"{'Sun ' if schedule.is_weekly else ''}*-*-* {schedule.at:%H:%M}:00 Europe/London"
    service = f"""\
[Unit]
Description=Planlake: run {_in_unit(str(schedule.file))}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={_in_unit(str(schedule.folder))}
EnvironmentFile=-{_in_unit(str(schedule.folder / KEYS))}
ExecStart={" ".join(map(_quoted_in_unit, schedule.command))}
Nice=10
NoNewPrivileges=true
PrivateTmp=true
"""
    timer = f"""\
[Unit]
Description=Planlake: when to run {_in_unit(str(schedule.file))}

[Timer]
OnCalendar={when}
Persistent=true

[Install]
WantedBy=timers.target
"""
    return {f"{schedule.name}.service": service, f"{schedule.name}.timer": timer}


def _in_unit(text: str) -> str:
    return text.replace("%", "%%")


def _quoted_in_unit(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return _in_unit(plain if re.fullmatch(r"[\w./:@+=,-]+", text) else f'"{plain}"')


def crontab_lines(schedule: Schedule) -> str:
    """The lines of a crontab, between two comments by which they are found again.

    Cron knows its machine's clock alone: it looks each hour whether it is the hour in London.
    """
    begin, end = _marks(schedule)
    asked, wanted = ("+%u %H", f"7 {schedule.at:%H}") if schedule.is_weekly else ("+%H", f"{schedule.at:%H}")
    # Line by line as systemd reads it, and nothing of a value is a command.
    line = 'while IFS= read -r one || [ -n "$one" ]; do case "$one" in [A-Za-z_]*=*) export "$one";; esac; done'
    keys = f"if [ -f {KEYS} ]; then {line} < {KEYS}; fi"
    command = (
        f'[ "$(TZ=Europe/London date \'{asked}\')" = "{wanted}" ] && cd {shlex.quote(str(schedule.folder))} && '
        f"{{ {keys}; {shlex.join(schedule.command)} >> {LOG} 2>&1; }}"
    )
    # To cron a plain % ends the command.
    return f"{begin}\n{schedule.at.minute} * * * * {command.replace('%', chr(92) + '%')}\n{end}\n"


def _marks(schedule: Schedule) -> tuple[str, str]:
    return f"# {schedule.name}: begin, written by planlake schedule", f"# {schedule.name}: end"


def install(schedule: Schedule, scheduler: Scheduler) -> list[str]:
    """Put a schedule in its place, in that of an earlier one of the same name; what was written, in sentences.

    Raises ConfigurationError where it cannot be written, or the machine does not take it.
    """
    return _install_units(schedule) if scheduler == "systemd" else _install_lines(schedule)


def _install_units(schedule: Schedule) -> list[str]:
    is_root = os.name == "posix" and os.geteuid() == 0
    folder = SYSTEM_UNITS if is_root else Path.home() / ".config/systemd/user"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in systemd_units(schedule).items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror}", hint="planlake schedule") from None
    control = ("systemctl",) if is_root else ("systemctl", "--user")
    for command in ((*control, "daemon-reload"), (*control, "enable", "--now", f"{schedule.name}.timer")):
        _carry_out(command)
    said = [f"{folder}/{schedule.name}.timer is on; {shlex.join((*control, 'list-timers'))} shows it"]
    if not is_root:
        said.append("it runs while you are logged in; loginctl enable-linger has it run always")
    return said


def _install_lines(schedule: Schedule) -> list[str]:
    begin, end = _marks(schedule)
    before = _carry_out(("crontab", "-l"), unless="no crontab for")
    before += "\n" if before and not before.endswith("\n") else ""
    others = re.sub(rf"{re.escape(begin)}\n.*?{re.escape(end)}\n", "", before, flags=re.DOTALL)
    _carry_out(("crontab", "-"), given=others + crontab_lines(schedule))
    return [f"your crontab has {schedule.name}; crontab -l shows it, {schedule.folder / LOG} what runs say"]


def _carry_out(command: Sequence[str], *, given: str = "", unless: str = "") -> str:
    """What a command says; nothing where it fails with words that are no trouble."""
    if shutil.which(command[0]) is None:
        raise ConfigurationError(f"there is no {command[0]} on this machine", hint="planlake schedule")
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode and not (unless and unless in done.stderr):
        said = (done.stderr or done.stdout).strip().split("\n")[0]
        raise ConfigurationError(f"{shlex.join(command)} failed: {said}", hint="planlake schedule")
    return "" if done.returncode else done.stdout
