"""The returns of the Isle of Man's published applications, counted from the rows of the files.

Nothing is published of agreements, assessments and appeals, so that a case is in time or it is not.
"""

from collections import Counter
from datetime import date, timedelta
from typing import NamedTuple

from flow.trust.counted_returns import BANDS, next_quarter, quarter_of, quarters_between
from flow.trust.isle_of_man import DECISIONS, TYPES, code_of, type_of

LINE_OF_CODE = ("Q20", "Q21", "Q22", "Q23", "Q26", "Q13", "Q18")
OUTSIDE = "Q26"  # certificates
MEASURED = ("Q13", "Q18", "Q20", "Q21")  # as not major, for speed and for the guarantee
OUTCOMES = {
    "approval_decision": "granted",
    "refusal_decision": "refused",
    "withdrawal": "withdrawn",
    "turned_away": "turned away",
}
IN_TIME = 56


class Case(NamedTuple):
    """An application that is of a type that counts."""

    number: int
    line: str | None
    valid: date | None
    ended: date | None
    outcome: str
    is_delegated: bool

    @property
    def is_placed(self):
        return self.line is not None and self.valid is not None

    @property
    def is_decided(self):
        return self.outcome in ("granted", "refused")

    @property
    def days(self):
        return (self.ended - self.valid).days


def manx_cases(published):
    """The cases of the files, numbered as they are served."""
    rows = [*published.determined, *published.live]
    return [
        _case(number, row, published)
        for number, row in enumerate(rows, 1)
        if not TYPES.get(type_of(row["pa_ref"]), ("", False))[1]
    ]


def _case(number, row, published):
    reference, code = row["pa_ref"], code_of(row["pa_ref"], row.get("proposal") or row.get("details"))
    listed = published.listed.get(reference)
    decision = row.get("decision")
    return Case(
        number=number,
        line=LINE_OF_CODE[code - 1] if code else None,
        valid=date.fromisoformat(listed["date_received_iso"]) if listed else None,
        ended=date.fromisoformat(row["decision_issued_iso"]) if decision else None,
        outcome=OUTCOMES[DECISIONS[decision]] if decision else "live",
        is_delegated=reference in published.delegated,
    )


def quarters_of(cases, today):
    """The quarters from the first case's to that of the day."""
    return quarters_between(min(case.valid for case in cases if case.is_placed), today)


def counted_ps2(cases, quarters):
    """The columns of PS2 that are not 0, by quarter and line; a total for each quarter."""
    found = {(quarter, "Total"): Counter() for quarter in quarters}
    for case in cases:
        if case.is_placed and case.is_decided:
            for line in (case.line,) if case.line == OUTSIDE else (case.line, "Total"):
                columns = found.setdefault((quarter_of(case.ended), line), Counter())
                columns.update(("total", case.outcome, _band(case.days)))
                columns.update(("in_time", "in_statutory_time") if case.days <= IN_TIME else ())
    return found


def _band(days):
    return next((name for most, name in BANDS if days <= most), "over_52")


def counted_ps1(cases, quarters):
    """The lines of PS1 that are not 0, by quarter, part and line."""
    found = Counter()
    for case in cases:
        if not case.is_placed or case.line == OUTSIDE:
            continue
        found[quarter_of(case.valid), "work", "received"] += 1
        for quarter in quarters:
            for at, day in (("start", quarter), ("end", next_quarter(quarter))):
                if case.valid < day and (case.ended is None or case.ended >= day):
                    found[quarter, "work", f"on hand at {at}"] += 1
        if case.ended:
            quarter = quarter_of(case.ended)
            found[quarter, "work", "decided" if case.is_decided else case.outcome] += 1
            if case.is_decided:
                found[quarter, "delegated", "delegated" if case.is_delegated else "not delegated"] += 1
    return found


def counted_speed(cases, quarters):
    """Decisions that are not major, and those in time, in the twelve months up to the end of each quarter."""
    found = []
    for quarter in quarters:
        end = next_quarter(quarter) - timedelta(days=1)
        start = next_quarter(quarter).replace(year=next_quarter(quarter).year - 1)
        days = [
            case.days
            for case in cases
            if case.is_placed and case.is_decided and case.line in MEASURED and start <= case.ended <= end
        ]
        found.append((end, "non-majors", len(days), sum(count <= IN_TIME for count in days)))
    return found


def counted_guarantee(cases, today):
    """Cases past the guarantee or within four weeks of its end: number, last day, whether it is over."""
    found = []
    for case in cases:
        if case.is_placed and case.line in MEASURED:
            weeks = 16 * 7 if case.valid >= date(2023, 12, 6) else 26 * 7 - 1
            last = case.valid + timedelta(days=weeks)
            if last < today + timedelta(days=28) and (case.ended is None or case.ended > last):
                found.append((case.number, last, last < today))
    return found


def not_placed(cases):
    """Number and reasons of each case that no return counts."""
    found = []
    for case in cases:
        reasons = [
            *(["no development type"] if case.line is None else []),
            *(["ended without valid_date"] if case.ended and not case.valid else []),
        ]
        if reasons:
            found.append((case.number, "; ".join(reasons)))
    return found
