"""What an API may make us hold or ask: no more than the setting says, and no figure that cannot be."""

import gzip
import itertools
import tracemalloc
import zlib

import pytest

from planlake.simulator.faults import Rule
from planlake.sources.http.client import Totals
from planlake.sources.records import Records
from sources.answering import answering, head
from sources.asking import fail, is_ok, read

MEGABYTE = 2**20
PAGING = {"X_Number_Of_Results": "1", "X_Results_Per_Page": "50", "X_Page_Number": "1"}
TOO_LARGE = "the answer is larger than 1 MB, which settings.answer_megabytes allows"
PIECE = b"[" + b" " * 2**16


def endless(start):
    yield start
    yield from itertools.repeat(PIECE)


def bomb(pack):
    """Some 100 kB that stand for 100 MB."""
    packer, piece = pack(), b" " * MEGABYTE
    return b"".join([*(packer.compress(piece) for _ in range(100)), packer.flush()])


BOMBS = {
    "gzip": bomb(lambda: zlib.compressobj(wbits=31)),
    "deflate": bomb(zlib.compressobj),
    "gzip in many members": gzip.compress(b" " * MEGABYTE) * 100,
}


@pytest.mark.parametrize("status", [200, 202, 404])
def test_an_answer_without_end_is_read_up_to_the_setting_and_no_further(status):
    with answering(endless(head(status, **PAGING))) as (url, _):
        [answer] = read(url, answer_megabytes=1, attempts=1)
    told = {200: TOO_LARGE, 202: "status 202 with a body: a firewall answers, not the API", 404: "status 404"}
    assert (answer.error, answer.records, answer.totals) == (told[status], Records(), None)
    assert answer.size == MEGABYTE


@pytest.mark.parametrize("kind", BOMBS)
def test_few_bytes_that_stand_for_many_are_unpacked_up_to_the_setting_and_no_further(simulator, kind):
    fail(simulator, Rule(headers={"Content-Encoding": kind.split()[0]}, body=BOMBS[kind], times=None))
    tracemalloc.start()
    try:
        [answer] = read(simulator.url, answer_megabytes=1, attempts=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.error == TOO_LARGE
    assert peak < 16 * MEGABYTE


@pytest.mark.parametrize(("more", "error"), [(0, ""), (1, TOO_LARGE)])
def test_the_last_byte_that_is_allowed_is_taken_and_the_next_is_not(simulator, more, error):
    fail(simulator, Rule(mutate=lambda body: body.ljust(MEGABYTE + more)))
    [answer] = read(simulator.url, answer_megabytes=1, attempts=1)
    assert (answer.error, len(answer.records)) == (error, 0 if error else 50)


def test_a_packed_answer_is_read_like_any_other(simulator):
    fail(simulator, Rule(headers={"Content-Encoding": "gzip"}, mutate=gzip.compress))
    [answer] = read(simulator.url)
    assert (is_ok(answer), len(answer.records)) == (True, 50)


def test_an_answer_that_was_too_large_once_is_asked_for_again_on_a_new_connection(simulator):
    fail(simulator, Rule(mutate=lambda body: body.ljust(2 * MEGABYTE)))
    [answer] = read(simulator.url, answer_megabytes=1)
    assert (is_ok(answer), answer.attempts) == (True, 2)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"Jane Doe, 1 High Street\r\n\r\n", id="no HTTP at all"),
        pytest.param(head(200, X_Owner="Jane Doe" * 20_000), id="a header without end"),
        pytest.param(head(200, Content_Length="-1") + b"Jane Doe", id="a length below nothing"),
        pytest.param(head(200, Transfer_Encoding="chunked") + b"zz Jane Doe\r\n", id="a piece of no length"),
        pytest.param(head(200, Content_Encoding="gzip", **PAGING) + b"Jane Doe", id="not packed as it says"),
        pytest.param(head(200, Content_Encoding="br", **PAGING) + b"Jane Doe", id="packed in another way"),
    ],
)
def test_what_is_no_answer_of_http_is_a_line_that_repeats_nothing_of_it(simulator, answer):
    with answering([head(404)], [answer]) as (url, _):
        _, broken = read(url, {"page": 1}, {"page": 2}, attempts=1)
    assert broken.status in (0, 200)
    assert broken.error
    assert "Jane" not in broken.error
    assert "\n" not in broken.error


# ---------------------------------------------------------------- figures

FIGURES = {
    "a total above 31 bits": ("X-Number-Of-Results", "2147483648", "is 2147483648, above 2,147,483,647"),
    "a total above 63 bits": ("X-Number-Of-Results", "9223372036854775808", "above 2,147,483,647"),
    "a total of 5,001 digits": ("X-Number-Of-Results", "9" * 5001, "above 2,147,483,647"),
    "a total below nothing": ("X-Number-Of-Results", "-1", "make no sense: -1 results"),
    "a total far below nothing": ("X-Number-Of-Results", "-99999999999", "make no sense: -99999999999 results"),
    "a total endlessly below nothing": (
        "X-Number-Of-Results",
        "-" + "9" * 5001,
        "make no sense: X-Number-Of-Results is",
    ),
    "a total with an exponent": ("X-Number-Of-Results", "1e9", 'X-Number-Of-Results is "1e9"'),
    "a total that is empty": ("X-Number-Of-Results", "", 'X-Number-Of-Results is ""'),
    "a total with strokes": ("X-Number-Of-Results", "1_000", 'X-Number-Of-Results is "1_000"'),
    "a total in a sentence": ("X-Number-Of-Results", "of Jane Doe", "X-Number-Of-Results is something else"),
    "a page size above 31 bits": ("X-Results-Per-Page", "4294967296", "X-Results-Per-Page is 4294967296, above"),
    "a page size below nothing": ("X-Results-Per-Page", "-50", "make no sense: 120 results, -50 per page"),
    "a page number above 31 bits": ("X-Page-Number", "2147483648", "X-Page-Number is 2147483648, above"),
    "a page number below nothing": ("X-Page-Number", "-1", "page 2 was asked for, the answer says it is page -1"),
    "a page number from 0": ("X-Page-Number", "1", "page 2 was asked for, the answer says it is page 1"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_that_cannot_be_is_an_error_of_its_page_that_says_which(simulator, name):
    header, value, said = FIGURES[name]
    fail(simulator, Rule(headers={header: value}, times=None))
    [answer] = read(simulator.url, {"page": 2}, attempts=1)
    assert said in answer.error
    assert (answer.totals, answer.records) == (None, Records())


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (["1", "1"], ""),
        (["1", "2"], 'X-Number-Of-Results is "1, 2"'),
        (["1", ""], 'X-Number-Of-Results is "1,"'),
    ],
)
def test_a_header_that_comes_twice_counts_where_both_say_the_same(values, error):
    sent = head(200, **{**PAGING, "X_Number_Of_Results": values}) + b'[{"id": "1"}]'
    with answering([sent]) as (url, _):
        [answer] = read(url, attempts=1)
    assert answer.totals == (None if error else Totals(1, 50, 1))
    assert error in answer.error
