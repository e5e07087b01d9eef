"""Days on which nobody works: England's bank holidays and the council's own."""

from datetime import date

import pytest

from planlake.errors import ConfigurationError
from planlake.sources.closing_days import read_closing_days

KNOWN = {  # weekdays that were closed in years with something out of the ordinary, by gov.uk
    1995: ["01-02", "04-14", "04-17", "05-08", "05-29", "08-28", "12-25", "12-26"],
    1999: ["01-01", "04-02", "04-05", "05-03", "05-31", "08-30", "12-27", "12-28", "12-31"],
    2002: ["01-01", "03-29", "04-01", "05-06", "06-03", "06-04", "08-26", "12-25", "12-26"],
    2011: ["01-03", "04-22", "04-25", "04-29", "05-02", "05-30", "08-29", "12-26", "12-27"],
    2012: ["01-02", "04-06", "04-09", "05-07", "06-04", "06-05", "08-27", "12-25", "12-26"],
    2020: ["01-01", "04-10", "04-13", "05-08", "05-25", "08-31", "12-25", "12-28"],
    2022: ["01-03", "04-15", "04-18", "05-02", "06-02", "06-03", "08-29", "09-19", "12-26", "12-27"],
    2023: ["01-02", "04-07", "04-10", "05-01", "05-08", "05-29", "08-28", "12-25", "12-26"],
    2026: ["01-01", "04-03", "04-06", "05-04", "05-25", "08-31", "12-25", "12-28"],
}


@pytest.fixture
def listed(tmp_path):
    def write(content):
        file = tmp_path / "closing_days.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


@pytest.mark.parametrize("year", KNOWN)
def test_bank_holidays_are_those_of_england(year):
    found = [f"{day:%m-%d}" for day in read_closing_days() if day.year == year and day.weekday() < 5]
    assert found == KNOWN[year]


def test_bank_holidays_reach_from_1990_to_2040_in_order():
    days = read_closing_days()
    assert {day.year for day in days} == set(range(1990, 2041))
    assert list(days) == sorted(set(days))


@pytest.mark.parametrize(
    "content",
    [
        "2026-12-24\n2026-12-29\n",
        "day,why\n2026-12-24,Christmas Eve\n2026-12-29,closed\n",
        '"day"\r\n"2026-12-29"\r\n\r\n 2026-12-24 ,"said\ntwice"\r\n2026-12-24',
        b"\xef\xbb\xbf2026-12-24\n2026-12-29\n2026-12-25",
    ],
)
def test_the_councils_own_days_are_added(listed, content):
    added = set(read_closing_days(listed(content))) - set(read_closing_days())
    assert added == {date(2026, 12, 24), date(2026, 12, 29)}


def test_an_empty_file_adds_nothing(listed):
    assert read_closing_days(listed("day\n")) == read_closing_days(listed("")) == read_closing_days()


@pytest.mark.parametrize(
    ("content", "line", "shown"),
    [
        ("day\n2026-12-24\n2026-02-30\n", 3, "2026-02-30"),
        ("24/12/2026\n", 1, "24/12/2026"),  # no header begins with a digit
        ("day\nChristmas Eve,2026-12-24\n", 2, "Christmas Eve"),
    ],
)
def test_what_is_no_day_is_named_with_its_line(listed, content, line, shown):
    with pytest.raises(ConfigurationError) as raised:
        read_closing_days(listed(content))
    assert raised.value.message == f'line {line} of the closing days begins with "{shown}", which is not a day'
    assert raised.value.hint == "write a day as 2026-12-24"


@pytest.mark.parametrize("content", [b"2026-12-24\n\xff\xfe", b'2026-12-24\n"' + b"x" * 200_000])
def test_a_file_that_cannot_be_read_is_named(listed, content):
    file = listed(content)
    with pytest.raises(ConfigurationError) as raised:
        read_closing_days(file)
    assert raised.value.message.startswith("the council's closing days cannot be read: ")
    assert raised.value.facts == {"file": file}


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_closing_days(tmp_path / "closing_days.csv")
