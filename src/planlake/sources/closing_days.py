"""The days on which nobody works: England's bank holidays, and those on which the council itself is closed."""

from csv import Error, reader
from datetime import date
from pathlib import Path

from planlake.config import Config
from planlake.errors import ConfigurationError

FIRST_YEAR, LAST_YEAR = 1990, 2040


def read_closing_days(file: Path | None = None) -> tuple[date, ...]:
    """England's bank holidays from 1990 to 2040 and the days in the council's file, each once, in order.

    The file is a CSV with a day such as 2026-12-24 in the first column of each line; the first line may be a header,
    which begins with no digit. A ConfigurationError where it cannot be read or where anything else stands there.
    """
    own = _days_in(file) if file is not None else set()
    return tuple(sorted(own | _bank_holidays()))


def closing_days_of(config: Config) -> tuple[date, ...]:
    """The closing days that models count with, by the configuration."""
    file = config.models.closing_days
    return read_closing_days(config.folder / file if file else None)


def _bank_holidays() -> set[date]:
    from holidays import country_holidays  # noqa: PLC0415 - a tenth of a second, and only models count working days

    return set(country_holidays("GB", subdiv="ENG", years=range(FIRST_YEAR, LAST_YEAR + 1)))


def _days_in(file: Path) -> set[date]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            first_cells = [row[0].strip() if row else "" for row in reader(stream)]
    except (OSError, ValueError, Error) as error:
        message = f"the council's closing days cannot be read: {error}"
        raise ConfigurationError(message, facts={"file": file}) from None
    days = set()
    for number, cell in enumerate(first_cells, start=1):
        try:
            days.add(date.fromisoformat(cell))
        except ValueError:
            if cell and (number > 1 or cell[0].isdigit()):
                raise _not_a_day(file, number, cell) from None
    return days


def _not_a_day(file: Path, number: int, cell: str) -> ConfigurationError:
    message = f'line {number} of the closing days begins with "{cell[:20]}", which is not a day'
    return ConfigurationError(message, facts={"file": file}, hint="write a day as 2026-12-24")
