"""Every way in which the API spoils an answer, by name; and the tables that meet it, one for each stage."""

import json
import re
from dataclasses import dataclass

from flow.ingest.served import record
from planlake.simulator.faults import Rule

PAGE_SIZE, RECORDS = 3, 11  # pages 1 to 4, the last of two records
HTML = b"<!DOCTYPE html><html><body>Checking your browser before you go on</body></html>"
HEADERS = ("X-Number-Of-Results", "X-Results-Per-Page", "X-Page-Number")
STAGES = {"one_page": "1", "first": "1", "middle": "2", "last": "4"}


def every_record(body, change):
    """The page with `change` made to every record."""
    if not body.startswith(b"["):
        return body
    return json.dumps([change(one) for one in json.loads(body)]).encode()


def with_key(text, *, times=-1):
    """The page with a member added at the end of every record (or the first), as bytes no parser might write."""
    return lambda body: body.replace(b"}", b"," + text + b"}", times)


def last_replaced(text):
    """The page with its last record replaced."""

    def replaced(body):
        records = json.loads(body)
        return json.dumps([*records[:-1], text(records)]).encode()

    return replaced


def one_more(text):
    """The page with one element more than there should be."""

    def added(body):
        records = json.loads(body)
        return json.dumps([*records, text(records)]).encode()

    return added


def another(records):
    """A record that another page holds."""
    return record(2 if int(records[0]["id"]) > 3 else 5)


def bare(one):
    """A record whose id and amount are numbers, as an unknown id was once answered."""
    return {**one, "id": int(one["id"]), "amount": float(one["amount"])}


FAULTS = {
    "reset before any answer": {"reset": True},
    "reset in the body": {"cut_at": 40},
    "timeout": {"delay": 2.6},
    "slow drip": {"drip": 0.5},
    "403": {"status": 403},
    "404": {"status": 404},
    "429": {"status": 429},
    "429 with Retry-After": {"status": 429, "headers": {"Retry-After": "1"}},
    "429 for an hour": {"status": 429, "headers": {"Retry-After": "3600"}},
    "500": {"status": 500},
    "502": {"status": 502, "body": HTML},
    "503": {"status": 503, "body": b""},
    "firewall page": {"body": HTML, "headers": {"Content-Type": "text/html"}},
    "firewall challenge with 202": {"status": 202, "body": HTML, "drop_headers": HEADERS},  # as AWS WAF sends it
    "empty body": {"body": b""},
    "null body": {"body": b"null"},
    "truncated JSON": {"mutate": lambda body: body[: len(body) // 2]},
    "a number more in the array": {"mutate": one_more(lambda _: 17)},
    "a string more in the array": {"mutate": one_more(lambda _: "try later")},
    "a number in place of a record": {"mutate": last_replaced(lambda _: 17)},
    "a string in place of a record": {"mutate": last_replaced(lambda _: "try later")},
    "a record twice in its page": {"mutate": one_more(lambda records: records[0])},
    "no headers": {"drop_headers": HEADERS},
    "no total": {"drop_headers": HEADERS[:1]},
    "a record of 5 MB": {"mutate": with_key(b'"large":"' + b"x" * 5_000_000 + b'"', times=1)},
    "1,000 unknown columns": {
        "mutate": lambda body: every_record(body, lambda one: one | {f"unknown_{n}": f"{n}" for n in range(1000)})
    },
    "invalid UTF-8": {"mutate": with_key(b'"odd":"\xff\xfe\x80"')},
    "NUL characters": {"mutate": with_key(b'"odd":"a\\u0000b"')},
    "lone surrogates": {"mutate": with_key(b'"odd":"\\ud83d"')},
    "keys differing only in case": {"mutate": with_key(b'"NAME2":"upper","name2":"lower"')},
    "bare numbers": {"mutate": lambda body: every_record(body, bare)},
}
# Records take the place of others and the count is right: the first asking again tells them from the source's own.
REPEATS = {
    "a record of its page in place of another": {"mutate": last_replaced(lambda records: records[0])},
    "a record of another page in place of one": {"mutate": last_replaced(another)},
}
HARMLESS = ("a record of 5 MB", "1,000 unknown columns", "invalid UTF-8", "NUL characters", "lone surrogates")
HARMLESS += ("keys differing only in case", "bare numbers")
FINAL = ("403", "404", "429 for an hour")  # not asked again in the same run
PASSING = tuple(name for name in FAULTS if name not in (*HARMLESS, *FINAL))


@dataclass(frozen=True)
class Case:
    """One fault at one stage, and the table that meets it."""

    fault: str
    stage: str

    @property
    def table(self):
        return "of_" + re.sub("[^a-z0-9]+", "_", f"{self.fault} {self.stage}".lower()).strip("_")

    @property
    def records(self):
        return 2 if self.stage == "one_page" else RECORDS

    def rule(self, faults, *, times=None, **query):
        spoilt = faults[self.fault]
        return Rule(resource=self.table, query={"page": STAGES.get(self.stage, "1"), **query}, times=times, **spoilt)


def cases(stages, *, is_whole):
    """Every fault at one of these stages, in turns, or at each of them."""
    return [
        Case(fault, stage)
        for place, fault in enumerate(FAULTS)
        for turn, stage in enumerate(stages)
        if is_whole or place % len(stages) == turn
    ]


def label(case):
    """The name of a case in the list of tests."""
    return f"{case.fault} at {case.stage}"
