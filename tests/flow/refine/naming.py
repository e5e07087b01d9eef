"""Tables with names of any kind: what is declared and sent, and where each value must be found again."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime

from hypothesis import strategies as st

from planlake.engines.names import OWN_COLUMNS, OWN_TABLES
from planlake.errors import ConfigurationError
from planlake.simulator.dataset import Dataset
from planlake.sources.catalogue import resource_from

DAY_1, DAY_2 = "2026-11-17T03:00:00", "2026-11-18T03:00:00"
KEYWORDS = (
    "select",
    "from",
    "order",
    "group",
    "table",
    "user",
    "all",
    "end",
    "default",
    "null",
    "true",
    "at",
    "window",
)
OF_DUCKDB = (
    "main",
    "temp",
    "system",
    "memory",
    "export",
    "duckdb_tables",
    "sqlite_master",
    "pg_class",
    "information_schema",
)
USED_INSIDE = (
    *(
        "won",
        "places",
        "treated",
        "cells",
        "wanted",
        "texts",
        "arriving",
        "added",
        "held",
        "numbered",
        "stored",
        "ledger",
    ),
    *(
        "received",
        "sampled",
        "versions",
        "parsed",
        "api_response",
        "is_regular",
        "row",
        "id_range",
        "identity",
        "london",
    ),
    *(
        "before",
        "after",
        "contents",
        "key",
        "value",
        "resource",
        "window",
        "position",
        "request_id",
        "record_id",
        "published",
    ),
)
ALIKE = (
    "Receipt",
    "receipt",
    "RECEIPT",
    "caf\u00e9",
    "cafe\u0301",
    "\u212a",
    "k",
    "K",
    "\u0131d",
    "\u0130d",
    "\u017fum",
    "sum",
)
ODD = (
    "",
    " ",
    "  ",
    "_",
    "_2",
    "a.b",
    "a.b.c",
    "a",
    'say "x"',
    "officer's",
    "a\\b",
    "a\nb",
    "a\0b",
    "a_b",
    "a/b",
    "~",
    "`x`",
    "*",
)
LONG = ("n" * 300, "N" * 300, "\U0001f333" * 40)
NUMBERED = ("batch_2", "batch_3", "record_hash_2", "Id_2", "note_2", "__2")
KEYS = (*sorted(OWN_COLUMNS), *KEYWORDS, *OF_DUCKDB, *USED_INSIDE, *ALIKE, *ODD, *LONG, *NUMBERED, "ID", "Last_Updated")
RESOURCES = (
    *KEYWORDS,
    *OF_DUCKDB,
    *USED_INSIDE,
    *sorted(OWN_TABLES),
    *sorted(OWN_COLUMNS),
    "0",
    "-",
    "_",
    "a-b",
    "a_b",
    "a--b",
)
SENT_ALWAYS = ("id", "last_updated")
VALUES = {
    "integer": "47{}",
    "long": "47{}",
    "double": "47{}.5",
    "text": "text {}",
    "timestamp": "2001-02-03 04:05:{:02}",
}
TYPES = st.sampled_from((None, None, None, *VALUES))

any_text = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
any_case = st.sampled_from(KEYS).flatmap(lambda key: st.sampled_from((key, key.upper(), key.title(), f"{key}_2")))
keys = st.one_of(st.sampled_from(KEYS), any_case, any_text).filter(lambda key: key not in SENT_ALWAYS)
names = st.one_of(st.sampled_from(RESOURCES), st.from_regex(r"[a-z0-9_][a-z0-9_-]{0,20}", fullmatch=True))


@dataclass
class Sent:
    """A table: its name, its key, and each other key with its type (None: not declared) and whether it comes late."""

    name: str
    key: str = "id"
    others: dict[str, tuple[str | None, bool]] = field(default_factory=dict)

    @property
    def columns(self):
        declared = {key: kind for key, (kind, _) in self.others.items() if kind}
        return {self.key: "integer", "last_updated": "timestamp"} | declared

    def record(self, identity, changed, *, is_late):
        """One record as it is sent; every key has a value of its own."""
        sent = {self.key: str(identity), "last_updated": changed}
        for number, (key, (kind, late)) in enumerate(self.others.items(), start=10):
            if is_late or not late:
                sent[key] = VALUES[kind or "text"].format(number)
        return sent


def table_of(name, key, others):
    """A table, with the key `id` where its own is refused, and a name of its own where that is."""
    try:
        resource_from("things", {"columns": {key: "integer"}, "key": key})
    except ConfigurationError:
        key = "id"
    try:
        resource_from(name, {"columns": {"id": "integer"}})
    except ConfigurationError:
        name = f"of_{len(others)}"
    return Sent(name, key, {other: said for other, said in others.items() if other not in (key, "id")})


tables = st.lists(
    st.builds(
        table_of,
        names,
        st.one_of(st.just("id"), keys),
        st.dictionaries(keys, st.tuples(TYPES, st.booleans()), min_size=3, max_size=9),
    ),
    min_size=8,
    max_size=8,
    unique_by=lambda one: one.name,
)


def catalogue_text(sent):
    """The tables as a catalogue file; every sign that is not plain by its number."""
    lines = []
    for one in sent:
        about = {"key": quoted(one.key), "complete": quoted(one.key)}
        lines += [f"[{quoted(one.name)}]", *(f"{name} = {value}" for name, value in about.items())]
        lines += [f"[{quoted(one.name)}.columns]", *(f'{quoted(key)} = "{kind}"' for key, kind in one.columns.items())]
    return "\n".join(lines)


def quoted(text):
    plain = "".join(sign if re.fullmatch("[A-Za-z0-9_ .-]", sign) else f"\\U{ord(sign):08x}" for sign in text)
    return f'"{plain}"'


def settings_of(sent):
    listed = ", ".join(f'"{one.name}"' for one in sent)
    held = "name: has a day, holds: true, rows: 'import_date is null'"
    checks = "".join(f'  - {{table: "{one.name}", {held}}}\n' for one in sent)
    return f"source: ./names.toml\ntables: {{daily: [{listed}]}}\nchecks:\n{checks}"


def data_of(sent):
    data = Dataset({one.name: {"id": "integer"} for one in sent}, now=datetime.fromisoformat(DAY_1))
    for one in sent:
        put(data, one, 1, "2026-11-16 09:00:00", is_late=False)
    return data


def put(data, one, identity, changed, *, is_late):
    body = json.dumps(
        one.record(identity, changed, is_late=is_late), ensure_ascii=bool(identity % 2), separators=(",", ":")
    ).encode()
    data.put(one.name, {"id": str(identity), "last_updated": changed}, body=body)


def is_documented(key, column):
    """Whether a column may hold a key: it is called like its first 255 bytes, or like fewer of them and a number."""
    written = re.sub(r"[\x00-\x1f\ufffe\uffff]", "_", key).encode(errors="surrogatepass")
    number = re.search("_[0-9]+$", column)
    endings = ("", number[0]) if number else ("",)
    return any(column == written[: 255 - len(one)].decode(errors="ignore") + one for one in endings)


def columns_of(one, row, *, identity, is_late):
    """The column of each key that a row holds, found by its value; says which key is lost where one is."""
    found = {}
    record = one.record(identity, "", is_late=is_late)
    for key, value in record.items():
        if key == "last_updated":
            continue
        holding = [column for column, cell in row.items() if is_same(value, cell) and is_documented(key, column)]
        assert len(holding) == 1, (one, key, value, row)
        found[key] = holding[0]
    assert len({column.lower() for column in found.values()}) == len(found), (one, found)
    return found


def is_same(sent, cell):
    """Whether a cell is what was sent, whatever its type is."""
    return cell is not None and (str(cell) == sent or str(cell).removesuffix(".0") == sent)
