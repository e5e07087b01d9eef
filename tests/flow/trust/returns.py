"""The statutory returns on a plain DuckDB: what a test of them needs, so that it says only what matters to it."""

import re
from datetime import date, datetime

from flow.trust.shipped import build, lake_of, text_of

CODES = {  # development types by a short name: the planning system's name for it, and its flags
    "householder": {"name": "Householder", "other": True, "expiry_days": 56},
    "major dwellings": {"name": "Major Dwellings", "major": True, "expiry_days": 91},
    "minor dwellings": {"name": "Minor Residential", "minor": True, "expiry_days": 56},
    "change of use": {"name": "Change of use", "other": True, "expiry_days": 56},
    "in principle": {"name": "(E)Minor (Housing-Led) (PIP)", "expiry_days": 35},
    "infrastructure": {"name": "Major Public Service Infrastructure", "major": True, "expiry_days": 70},
    "technical details": {"name": "(E)Major Development (TDC)", "expiry_days": 70},
    "minerals": {"name": "Minerals", "other": True, "expiry_days": 56},
    "major offices": {"name": "Major Office", "major": True, "expiry_days": 91},
    "listed": {"name": "Listed Building Alterations", "other": True, "expiry_days": 56},
    "certificate": {
        "name": "Certificates",
        "other": True,
        "certificates_of_lawful_development": True,
        "expiry_days": 56,
    },
    "notification": {"name": "Notifications", "notification": True, "expiry_days": 42},
    "left out": {"name": "Householder", "exclude_from_stat_returns": True},
    "not in totals": {"name": "Householder", "exclude_from_stat_return_totals": True, "expiry_days": 56},
    "amendment": {"name": "Householder", "nma": True},
    "prior approval": {"name": "Larger home extension", "pa_for_pd": True},
    "other prior approval": {"name": "Something", "pa_for_pd_other": True},
    "trees": {"name": "Works to Trees"},
}
DECISIONS = {
    "granted": {"approval_decision": True},
    "refused": {"refusal_decision": True},
    "withdrawn": {"withdrawal": True},
    "called in": {"called_in": True},
    "turned away": {"turned_away": True},
    "transferred": {"transfer": True},
    "both": {"approval_decision": True, "refusal_decision": True},
    "Split decision": {},
    "No objection": {},
    "Quashed": {"approval_decision": True},
    "not required": {"pa_not_required": True},
}
ASSESSED, NOT_ASSESSED = 1, 2  # ids in eias
DELEGATED, COMMITTEE = 1, 2  # ids in decision_levels
TYPES = {"full": {}, "trees": {"exclude_from_stat_returns": True}, "Prior Approval": {}}


def numbered(rows):
    return [{"id": number, "name": name} | row for number, (name, row) in enumerate(rows.items(), 1)]


def moment(value):
    """A text as a time of the clock: a day without a year is one of 2025."""
    if isinstance(value, str) and value[:1].isdigit():
        return datetime.fromisoformat(value if value[2] != "-" else f"2025-{value}")
    return value


def application(kind="householder", issued=None, decision="granted", *, valid="01-06", **others):
    """An application that became valid on Monday, 6 January 2025, and was granted if it was issued."""
    given = {
        "ps_development_code_id": [*CODES].index(kind) + 1 if kind else None,
        "valid_date": valid,
        "decision_issued_date": issued,
        "decision_type_id": [*DECISIONS].index(decision) + 1 if issued or decision != "granted" else None,
        "application_type_id": 1,
    }
    return {key: moment(value) for key, value in {**given, **others}.items()}


def returns_of(*applications, settings=None, **tables):
    """A DuckDB in which the returns of these applications can be asked; the run is on 30 November 2026."""
    return lake_of(
        applications=[{"id": number} | one for number, one in enumerate(applications, 1)],
        ps_development_codes=numbered(CODES),
        decision_types=numbered(DECISIONS),
        application_types=numbered(TYPES),
        decision_levels=[{"id": 1, "name": " delegated"}, {"id": 2, "name": "Committee"}],
        eias=[{"id": ASSESSED, "eia_application": True, "expiry_days": 112}, {"id": NOT_ASSESSED}],
        **{
            name: [
                {"id": number} | {key: moment(value) for key, value in row.items()}
                for number, row in enumerate(rows, 1)
            ]
            for name, rows in tables.items()
        },
        settings={name: str(value) for name, value in (settings or {}).items()},
    )


def asked(lake, query):
    """The rows of a query, once the returns that it names are there as views."""
    _ready(lake, query)
    return lake.execute(query).fetchall()


def store(lake, *names):
    """Make tables of returns, as a run does."""
    for name in names:
        _ready(lake, text_of(name))
        build(lake, name)


def _ready(lake, text):
    held = {
        name
        for (name,) in lake.execute("select table_name from duckdb_tables() where schema_name = 'trusted'").fetchall()
    }
    for name in dict.fromkeys(re.findall(r"trusted\.(\w+)", text)):
        if name not in held:
            _ready(lake, text_of(name))
            lake.execute(f"create view if not exists trusted.{name} as {text_of(name)}")


def day(text):
    return date.fromisoformat(text if text.startswith("20") else f"2025-{text}")
