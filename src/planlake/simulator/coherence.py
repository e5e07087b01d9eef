"""Lets the cells of a generated record agree: flags with names, decisions with stages, dates with each other.

Beyond three numbers for the dates of an application nothing is left to chance here: the rest follows from ids.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from planlake.simulator.dataset import Record
from planlake.simulator.names import BASE_IDS, LOOKUP_NAMES
from planlake.simulator.values import number

APPLICATION_DATES = ("received_date", "valid_date", "registration_date", "decision_issued_date")
_LONGEST = 420  # days from registration to decision; half of them take less than 53
_WITH_DECISION = ("decision_type_id", "decision_level_id")
_AGREEMENTS = {
    "extension_of_time_due_date": "extension_of_time_agreed",
    "ppa_decision_due_date": "planning_performance_agreement_signed",
}
_OUTSIDE = "exclude_from_stat_return_totals"
_NO_GROUP = (
    *("exclude_from_stat_returns", "nma", "pa_for_pd_other", "certificates_of_lawfulness_proposed_works"),
    "certificates_of_appropriate_alternative_development",
)
# The flags that are true for a name; all others that are named here for the same resource are false.
_FLAGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "action_types": {
        "Enforcement Notice": ("is_notice",),
        "Stop Notice": ("is_notice", "stop_notice"),
        "Temporary Stop Notice": ("is_notice", "temporary_stop_notice"),
        "Breach of Condition Notice": ("is_notice", "breach_of_condition_notice"),
        "Planning Contravention Notice": ("is_notice", "planning_contravention_notice"),
        "Injunction": ("injunction",),
        "Planning Enforcement Order": ("planning_enforcement_order",),
    },
    "application_types": dict.fromkeys(
        ("Works to Trees", "Discharge of Condition", "Non-Material Amendment"), ("exclude_from_stat_returns",)
    ),
    "decision_levels": {"Committee": ("committee",)},
    "decision_types": {
        **dict.fromkeys(
            ("Granted", "Approved", "No objection", "Prior approval given", "Split decision"), ("approval_decision",)
        ),
        "Refused": ("refusal_decision",),
        "Withdrawn": ("withdrawal",),
        "Turned away": ("turned_away",),
        "Called in": ("called_in",),
        "Prior approval not required": ("approval_decision", "pa_not_required"),
        "Transferred": ("transfer",),
    },
    "ps_development_codes": {
        "Notifications": ("notification", _OUTSIDE),
        "Certificates of lawful development": ("certificates_of_lawful_development", _OUTSIDE),
        "Prior approvals": ("pa_for_pd", _OUTSIDE),
    },
}
_EXACOM = dict.fromkeys(("Granted", "Approved", "Split decision"), "Granted") | {
    "Refused": "Refused",
    "Withdrawn": "Withdrawn",
}
_DAYS = {
    "(E)Major Development (TDC)": 70,
    "(E)Minor (Housing-Led) (PIP)": 35,
    "(E)Minor (Housing-Led) (TDC)": 35,
    "Notifications": 28,
}


@dataclass(frozen=True, slots=True)
class Council:
    """What a record has to agree with: the day it is seen on, and the first ids of every table."""

    today: date
    ids: Mapping[str, Sequence[int]]


def order_dates(record: Record, random: Random, today: date) -> None:
    """An application is received, then valid, registered, decided; what its stage or the day has not reached is null.

    Most of those that could be decided by now are, whatever stage was drawn for them.
    """
    identity, stage = int(str(record["id"])), int(record["application_stage"] or 1)
    received = date.fromisoformat(str(record["received_date"])[:10])
    valid = received + timedelta(days=number(random, 9, 0))
    registered = valid + timedelta(days=number(random, 9, 0))
    decided = registered + timedelta(days=int(random.random() ** 3 * _LONGEST))
    if stage < 2 or registered > today:
        reached, stage = 0, 1 + identity % 2
    elif decided > today or (stage == 9 and identity % 4 == 0):
        reached, stage = 2, stage if 3 <= stage <= 9 else 3 + identity % 6
    else:
        reached, stage = 3, max(stage, 10)
    record["application_stage"] = str(stage)
    for place, (column, day) in enumerate(zip(APPLICATION_DATES, (received, valid, registered, decided), strict=True)):
        record[column] = f"{day} 00:00:00" if place <= reached else None


def agreeing(record: Record, resource: str, council: Council) -> Record:
    """The record with the cells that follow from its others; columns that it lacks are not added."""
    known = {key: value for key, value in _following(record, resource, council).items() if key in record}
    return record | known


def _following(record: Record, resource: str, council: Council) -> Record:
    identity, name = int(str(record["id"])), str(record.get("name"))
    if resource == "applications":
        return _outcome(record, identity, council) | _due(record, identity)
    if resource == "appeals":
        return _appeal(record, identity)
    if resource == "appeal_decision":
        return _flags([("against_lpa", "for_lpa")], ("against_lpa",) if identity % 3 == 0 else ("for_lpa",))
    if resource == "eias":
        assessed = identity % 9 == 2
        return {"eia_application": "t" if assessed else "f", "expiry_days": "112" if assessed else "56"}
    flags = _flags(_FLAGS[resource].values(), _FLAGS[resource].get(name, ())) if resource in _FLAGS else {}
    if resource == "decision_types":
        flags["exacom_code"] = _EXACOM.get(name)
    if resource == "ps_development_codes":
        flags |= _group(name)
    return flags


def _flags(known: Iterable[Sequence[str]], true: Sequence[str]) -> Record:
    return {flag: "t" if flag in true else "f" for flags in known for flag in flags}


def _group(name: str) -> Record:
    group = "major" if "Major" in name else "minor" if "Minor" in name else "other"
    return {
        **{one: "t" if one == group else "f" for one in ("major", "minor", "other")},
        **dict.fromkeys(_NO_GROUP, "f"),
        "expiry_days": str(_days(name)),
    }


def _days(name: str) -> int:
    return _DAYS.get(name, 91 if "Major" in name else 56)


def _outcome(record: Record, identity: int, council: Council) -> Record:
    """A decision has its kind and level, and nothing else has them."""
    if not record.get("decision_issued_date"):
        return dict.fromkeys(_WITH_DECISION)
    kinds = {column: council.ids.get(column.removesuffix("_id") + "s", ()) for column in _WITH_DECISION}
    return {
        column: record.get(column) or (str(ids[identity % len(ids)]) if ids else None) for column, ids in kinds.items()
    }


def _appeal(record: Record, identity: int) -> Record:
    """It is of an application or of an enforcement case, and decided after it began."""
    found: Record = {"application_id" if identity % 5 == 0 else "enforcement_id": None}
    begun, decided = record.get("appeal_start_date"), record.get("appeal_decision_date")
    if not decided:
        found["appeal_decision_id"] = None
    elif begun and begun > decided:
        found |= {"appeal_start_date": decided, "appeal_decision_date": begun}
    return found


def _due(record: Record, identity: int) -> Record:
    """The day a decision is due, and those agreed on: later ones, mostly kept, for most of those that took longer."""
    valid = _day(record.get("valid_date"))
    if valid is None:
        return dict.fromkeys(("expiry_date", *_AGREEMENTS))
    due = valid + timedelta(days=_days(_development(record.get("ps_development_code_id"))))
    late = _day(record.get("decision_issued_date")) or due
    found: Record = {"expiry_date": f"{due} 00:00:00"}
    for place, (column, flag) in enumerate(_AGREEMENTS.items()):
        if record.get(column) or (place == 0 and late > due and identity % 4):
            agreed = max(due + timedelta(days=7), late + timedelta(days=identity % 11 - 2 + 9 * place))
            found |= {column: f"{agreed} 00:00:00", flag: "t"}
    return found


def _development(code: str | None) -> str:
    names = LOOKUP_NAMES["ps_development_codes"]
    return names[(int(code) - BASE_IDS.get("ps_development_codes", 1)) % len(names)] if code else ""


def _day(cell: str | None) -> date | None:
    return date.fromisoformat(cell[:10]) if cell and not cell.startswith("0000") else None
