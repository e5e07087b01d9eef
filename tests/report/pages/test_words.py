"""Numbers, days and names on the pages read as people write them."""

from datetime import date, datetime

import pytest

from planlake.report.pages import words

TODAY = date(2026, 11, 28)  # a Saturday
NOW = datetime(2026, 11, 28, 9, 0)  # noqa: DTZ001 - as tables keep it


def plain(text):
    return text.replace(words.BLANK, " ")


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0"), (1002, "1,002"), (-5, "\u22125"), (None, "not known"), (2_555_000, "2,555,000")]
)
def test_numbers(value, said):
    assert words.number(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        *((0, "0 %"), (0.06, "6.0 %"), (0.94, "94 %"), (1, "100 %"), (0.9999, "99.9 %"), (0.0001, "under 0.1 %")),
        *((None, "not known"), (-0.02, "\u22122.0 %")),
    ],
)
def test_shares_and_nothing_is_called_whole_that_is_not(value, said):
    assert plain(words.percent(value)) == said


def test_no_line_ends_between_a_number_and_its_unit():
    shown = (words.percent(0.5), words.size(4_200_000), words.duration(700), words.counted(2, "row", "rows"))
    assert [" " in one for one in shown] == [False] * 4


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0 bytes"), (999, "999 bytes"), (4_200_000, "4.2 MB"), (42e9, "42 GB"), (None, "not known")]
)
def test_sizes(value, said):
    assert plain(words.size(value)) == said


@pytest.mark.parametrize(
    ("value", "said"), [(0.42, "0.4 seconds"), (60, "60 seconds"), (660, "11 minutes"), (7300, "2 hours")]
)
def test_durations(value, said):
    assert plain(words.duration(value)) == said


@pytest.mark.parametrize(
    ("day", "said"),
    [
        *((TODAY, "today"), (date(2026, 11, 27), "yesterday"), (date(2026, 11, 26), "Thursday")),
        *((date(2026, 11, 21), "21 November"), (date(2025, 11, 21), "21 November 2025"), (None, "not known")),
        (date(2026, 12, 1), "1 December"),
    ],
)
def test_days_near_today_have_the_words_people_use(day, said):
    assert plain(words.near_day(day, TODAY)) == said


def test_moments_are_of_londons_clocks():
    assert words.moment(datetime(2026, 7, 1, 2, 11), date(2026, 7, 1)) == "today at 03:11"  # noqa: DTZ001
    assert words.moment(datetime(2026, 6, 30, 23, 30), date(2026, 7, 1)) == "today at 00:30"  # noqa: DTZ001


@pytest.mark.parametrize(
    ("then", "said"),
    [
        *((datetime(2026, 11, 28, 8, 59, 30), "just now"), (datetime(2026, 11, 28, 3, 0), "6 hours ago")),  # noqa: DTZ001
        *((datetime(2026, 11, 26, 9, 1), "48 hours ago"), (datetime(2026, 11, 25, 3, 0), "3 days ago")),  # noqa: DTZ001
        *((date(2026, 11, 28), "today"), (date(2026, 11, 26), "2 days ago")),
    ],
)
def test_ages(then, said):
    assert plain(words.age(then, NOW)) == said


def test_of_many_names_the_first_are_said():
    assert words.named(["a"]) == "a"
    assert words.named(["a", "b", "c"]) == "a, b and c"
    assert words.named(list("abcdefg")) == "a, b, c and 4 more"
