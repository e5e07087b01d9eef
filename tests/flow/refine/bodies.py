"""Bodies that an API might send, and what plain Python makes of them: nothing of Planlake's own."""

import codecs
import json
import re

from hypothesis import strategies as st

GOOD = (
    {"id": "901", "last_updated": "2026-11-16 09:00:00", "name": "Leïla £5 €", "note": "🌳", "amount": "1.5"},
    {"id": "902", "last_updated": None, "name": "", "note": None, "amount": None},
    {"id": "903", "last_updated": "2026-11-16 09:00:00", "name": 'a\\b "c" \n', "note": "\x7f\u2028", "amount": "-7"},
)
TYPED = ("id", "last_updated", "amount", "whole", "flag", "at")  # of the tables of these tests; all else is text
LARGEST = 2**31
BYTES = 0x10FF00  # a byte that is no ASCII stands for itself among characters nobody sends
_RUN = re.compile(f"[{chr(BYTES + 0x80)}-{chr(BYTES + 0xFF)}]+")
WHOLE = re.compile("[+-]?[0-9]{1,19}")


class Written(str):
    """A value that is no text, as it is written."""

    __slots__ = ()


class Pairs(list):
    """The members of an object, in their order."""


# ---------------------------------------------------------------- what plain Python makes of a body


def parsed(body):
    """The elements of the array a body is; ValueError where it is none. A RecursionError where Python gives up."""
    found = json.loads(
        characters(body),
        strict=False,
        object_pairs_hook=Pairs,
        parse_int=Written,
        parse_float=Written,
        parse_constant=Written,
    )
    if not isinstance(found, list) or isinstance(found, Pairs):
        raise ValueError("no array")
    return found


def characters(body):
    """A body as text, whatever it is: a byte of no known character stands for itself."""
    body = body.removeprefix(codecs.BOM_UTF8)
    name = json.detect_encoding(body)
    if name.startswith(("utf-16", "utf-32")):
        try:
            return _without_halves(body.decode(name, "surrogatepass").removeprefix("\ufeff"))
        except UnicodeDecodeError:
            pass
    return "".join(chr(BYTES + byte) if byte > 0x7F else chr(byte) for byte in body)


def read(text, *, is_key=False):
    """A text in quotes: UTF-8 where all of it is, else Windows-1252; halves of pairs alone are U+FFFD."""
    runs = [bytes(ord(one) - BYTES for one in run) for run in _RUN.findall(text)]
    try:
        decoded = iter([run.decode() for run in runs])
    except UnicodeDecodeError:
        decoded = iter(["".join(map(windows, run)) for run in runs])
    text = _RUN.sub(lambda _: next(decoded), text)
    return _halves(text) if is_key else _without_halves(text)


def _without_halves(text):
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _halves(key):
    """A key in which a half of a pair stands as it is written."""
    return "".join(f"\\u{ord(one):04x}" if 0xD800 <= ord(one) < 0xE000 else one for one in key)


def windows(byte):
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


def values(record):
    """The values of a record by key, as text; nested ones as what JSON makes of them."""
    return {read(key, is_key=True): _value(value) for key, value in record}


def _value(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Written):
        return str(value)
    return read(value) if isinstance(value, str) else plain(value)


def plain(value):
    """A nested value, comparable."""
    if isinstance(value, Pairs):
        return {read(key): plain(inner) for key, inner in value}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value if isinstance(value, Written) or not isinstance(value, str) else read(value)


def nested(text):
    """The same of the text that a cell holds; lone halves of pairs were replaced there already."""
    hooks = {"parse_int": Written, "parse_float": Written, "parse_constant": Written}
    return plain(json.loads(text, strict=False, object_pairs_hook=Pairs, **hooks))


def number(identity):
    """An id as an integer key holds it; None where it cannot."""
    if not isinstance(identity, str) or not WHOLE.fullmatch(identity):
        return None
    found = int(identity)
    return found if -LARGEST <= found < LARGEST else None


# ---------------------------------------------------------------- what an API might send

LONG = int("7" * 40)
texts = st.text(st.characters(codec="utf-8", max_codepoint=BYTES - 1), max_size=6)
numbers = st.integers() | st.floats() | st.sampled_from([LONG, -0.0, 1e300])
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
ids = st.sampled_from(["++8", "9" * 5001, "007", "-0", "+7", "1e3", "1.0", " 7 ", "", "\uff17", "2147483648", None, 7])
keys = texts | st.sampled_from(["name", "Name", "amount", "whole", "flag", "gis_map_image_base64", "ID", "note"])
odd_records = st.dictionaries(keys, json_values, max_size=4).flatmap(
    lambda record: (ids | json_values).map(lambda identity: {**record, "id": identity})
)
signs = st.sampled_from(
    [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"},{", b"null", b"\x00", b"\xff", b"\xe9", b"\xef\xbb\xbf",
     b"\n", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b'"id":"7",', b'"gis_map_image_base64":{"a":"b"},', b"-0"]
)  # fmt: skip


def written(value, *, ascii_only=True):
    """JSON, in which a long number is a very long one."""
    text = json.dumps(value, ensure_ascii=ascii_only).replace(str(LONG), "7" * 5001)
    return text.encode(errors="surrogatepass")


@st.composite
def among_good(draw, odd):
    """A page with something odd between good records."""
    return written([GOOD[0], draw(odd), *GOOD[1:]], ascii_only=draw(st.booleans()))


@st.composite
def spoilt(draw):
    """A good page with bytes put in, taken out or replaced at any place."""
    body = written(list(GOOD), ascii_only=draw(st.booleans()))
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, len(body)))
        body = body[:place] + draw(signs | st.binary(max_size=3)) + body[place + draw(st.integers(0, 2)) :]
    return body


@st.composite
def encoded(draw):
    """A page in another encoding, or with a mark before it."""
    text = written([*GOOD, draw(odd_records)], ascii_only=draw(st.booleans())).decode(errors="surrogatepass")
    name = draw(st.sampled_from(["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]))
    if name == "cp1252":
        return text.encode("cp1252", "ignore")
    return text.encode(name, "surrogatepass" if name.startswith("utf-16") else "replace")


bodies = st.one_of(
    spoilt(), spoilt(), among_good(odd_records), among_good(json_values), encoded(), st.binary(max_size=40),
    st.lists(json_values, max_size=3).map(written), json_values.map(written),
)  # fmt: skip
