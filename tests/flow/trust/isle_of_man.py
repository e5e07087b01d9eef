"""Real applications of the Isle of Man, mapped to the tables of a Tascomi, to be served by the simulator.

The published files are those that were determined, those decided by officers, and the weekly lists of new ones. A case
on a list is live until it is determined; a case that is on no list has no known day of receipt. What kind of case it
is says the end of its reference (23/00456/C is a change of use); for buildings the proposal's words have to do.
"""

import csv
import gzip
import re
from datetime import datetime, time

from planlake.simulator.dataset import Dataset
from planlake.sources.catalogue import load_catalogue

TYPES = {  # by the end of the reference: name, and whether the returns leave it out
    "A": ("Approval in Principle", False),
    "B": ("Detailed Approval", False),
    "C": ("Change of Use", False),
    "D": ("Advertisement", False),
    "CON": ("Registered Building Consent", False),
    "GB": ("Detailed Approval and Registered Building", False),
    "LAW": ("Certificate of Lawfulness", False),
    "REM": ("Reserved Matters", False),
    "MCH": ("Minor Changes", True),
    "AIR": ("Information for a Condition", True),
}
CODES = {  # name: the group, days, and whether it is outside the totals
    "Change of use": ("other", 56, False),
    "Householder": ("other", 56, False),
    "Advertisements": ("other", 56, False),
    "Listed Building Alterations": ("other", 56, False),
    "Certificates of lawful development": ("other", 56, True),
    "Minor Residential": ("minor", 56, False),
    "Other Minor Developments": ("minor", 56, False),
}
CODE_OF_TYPE = {"C": 1, "D": 3, "CON": 4, "LAW": 5}
DECISIONS = {  # as published: the flag that it has here
    "Permitted": "approval_decision",
    "Refused": "refusal_decision",
    "Application Withdrawn": "withdrawal",
    "Certificate of Lawfulness AGREED": "approval_decision",
    "Deemed withdrawn 4(3) Dev Pro Order 2005": "withdrawal",
    "Certificate of Lawfulness DECLINED": "refusal_decision",
    "Deemed withdrawn": "withdrawal",
    "Split Decision": "approval_decision",
    "Department Application": "approval_decision",
    "Deemed Consent - telecommunication appli": "approval_decision",
    "Committee Declined to consider": "turned_away",
    "Application Invalid": "turned_away",
}
FLAGS = (
    "approval_decision",
    "refusal_decision",
    "withdrawal",
    "called_in",
    "turned_away",
    "transfer",
    "pa_not_required",
)
APPLICATION = (
    *("id", "last_updated", "application_reference_number", "proposal", "application_stage", "officer_id"),
    *("received_date", "valid_date", "registration_date", "decision_issued_date", "expiry_date", "ceased_date"),
    *("application_type_id", "ps_development_code_id", "decision_type_id", "decision_level_id", "eia_id", "ceased"),
    *("extension_of_time_due_date", "ppa_decision_due_date", "extension_of_time_agreed", "county_matters"),
    *("planning_performance_agreement_signed", "own_council_application", "regulation_4_application"),
    "environmental_statement_es_attached",
)


class Published:
    """The rows of the files, as they could be seen on a day."""

    def __init__(self, folder, day):
        determined = _rows(folder, "applications_determined_2011_2023")
        self.determined = [row for row in determined if row["decision_issued_iso"] <= str(day)]
        self.delegated = {row["pa_ref"] for row in _rows(folder, "delegated_decisions_2011_2023")}
        self.listed = {}  # the first row of each reference
        for row in sorted(_rows(folder, "weekly_lists_2023_2024"), key=lambda row: row["published_date"]):
            if row["published_date"] <= str(day):
                self.listed.setdefault(row["pa_ref"], row)
        known = {row["pa_ref"] for row in self.determined}
        self.live = [row for reference, row in self.listed.items() if reference not in known]
        self.bodies = sorted({row["determining_body"] for row in self.determined})


def _rows(folder, name):
    with gzip.open(folder / f"iom_{name}.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def type_of(reference):
    """The end of a reference, where it is one of those that are known."""
    end = reference.rsplit("/", 1)[-1]
    return end if end in TYPES else None


def code_of(reference, proposal):
    """The number of a development type, from 1; None for what the returns leave out or nobody knows."""
    kind = type_of(reference)
    if kind is None or TYPES[kind][1]:
        return None
    if kind in CODE_OF_TYPE:
        return CODE_OF_TYPE[kind]
    if re.search(r"extension|garage|conservatory|porch|dormer|window|driveway|shed", proposal, re.IGNORECASE):
        return 2
    return 6 if re.search(r"dwelling|house|apartment|flat|bungalow", proposal, re.IGNORECASE) else 7


def team_of(body):
    """The team in the name of whoever determines: South, North or Enf."""
    found = re.search(r"- (South|North|Enf)\b", body)
    return found[1] if found else None


def served(folder, day):
    """The published rows of a day as records of a Tascomi."""
    published = Published(folder, day)
    bodies, kinds, decisions = published.bodies, list(TYPES), list(DECISIONS)
    teams = ["South", "North", "Enf"]
    stamp = {"last_updated": f"{day} 00:00:00"}
    members = [(number, team_of(body)) for number, body in enumerate(bodies, 1) if team_of(body)]
    tables = {
        "applications": [*_determined(published), *_live(published)],
        "application_types": [
            {"name": TYPES[kind][0], "code": kind, "exclude_from_stat_returns": _flag(TYPES[kind][1])} for kind in kinds
        ],
        "ps_development_codes": [_code(name) for name in CODES],
        "decision_types": [
            {"name": name} | {flag: _flag(flag == DECISIONS[name]) for flag in FLAGS} for name in decisions
        ],
        "decision_levels": [{"name": "Delegated", "committee": "f"}, {"name": "Committee", "committee": "t"}],
        "eias": [{"eia_application": "f", "expiry_days": "56"}],
        "users": [{"surname": body} for body in bodies],
        "user_teams": [{"name": team} for team in teams],
        "user_team_map": [
            {"user_id": str(number), "user_team_id": str(teams.index(team) + 1)} for number, team in members
        ],
    }
    catalogue = load_catalogue("tascomi")
    fields = {
        name: {key: catalogue.resource(name).type_of(key) for key in ("id", "last_updated", *rows[0])}
        for name, rows in tables.items()
    }
    for name in ("enforcements", "appeals", "appeal_decision"):  # of which nothing is published
        fields[name] = {"id": "integer", "last_updated": "timestamp"}
    data = Dataset(fields, now=datetime.combine(day, time(3)), page_size=catalogue.page_size)
    for name, rows in tables.items():
        for number, row in enumerate(rows, 1):
            data.put(name, {"id": str(number), **stamp, **row})
    return data


def _determined(published):
    for row in published.determined:
        reference, decision = row["pa_ref"], row["decision_issued_iso"]
        level = 1 if reference in published.delegated else 2
        yield _application(
            row,
            published.listed.get(reference),
            decision_issued_date=f"{decision} 00:00:00",
            decision_type_id=str(list(DECISIONS).index(row["decision"]) + 1),
            decision_level_id=str(level),
            officer_id=str(published.bodies.index(row["determining_body"]) + 1),
            application_stage="10",
        )


def _live(published):
    for row in published.live:
        yield _application({"pa_ref": row["pa_ref"], "proposal": row["details"]}, row, application_stage="3")


def _application(row, listed, **cells):
    reference, kind = row["pa_ref"], type_of(row["pa_ref"])
    code = code_of(reference, row["proposal"])
    received = f"{listed['date_received_iso']} 00:00:00" if listed else None
    known = {
        "application_reference_number": reference,
        "proposal": row["proposal"],
        "received_date": received,
        "valid_date": received,
        "application_type_id": str(list(TYPES).index(kind) + 1) if kind else None,
        "ps_development_code_id": str(code) if code else None,
    }
    return dict.fromkeys(APPLICATION[2:]) | known | cells


def _code(name):
    group, days, outside = CODES[name]
    flags = {one: _flag(one == group) for one in ("major", "minor", "other")}
    flags |= {"certificates_of_lawful_development": _flag(name.startswith("Certificates"))}
    flags |= dict.fromkeys(("exclude_from_stat_returns", "notification", "pa_for_pd", "pa_for_pd_other"), "f")
    return {"name": name, "expiry_days": str(days), "exclude_from_stat_return_totals": _flag(outside), **flags}


def _flag(value):
    return "t" if value else "f"
