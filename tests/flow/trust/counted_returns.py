"""PS1 and PS2 counted in plain Python from the records as the API sends them, by the rules of the returns alone.

It knows nothing of the models: a case is placed by its development type, timed from the day after its valid date and
counted in the quarter of each of its days. What the rules leave open is decided as the comments of the models say.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from html import unescape

LINES = {  # of the return, by the name of the development type; of majors the line for those of a small scale
    "Major Dwellings": "Q7",
    "Major Office": "Q8",
    "Major Industrial": "Q9",
    "Major Retail": "Q10",
    "Major Gypsy and Traveller sites development": "Q11",
    "Other Major Developments": "Q12",
    "Minor Residential": "Q13",
    "Minor Office": "Q14",
    "Minor Industrial": "Q15",
    "Minor Retail": "Q16",
    "(E)Minor Gypsy and Traveller sites development": "Q17",
    "Other Minor Developments": "Q18",
    "Minerals": "Q19",
    "Change of use": "Q20",
    "Householder": "Q21",
    "Advertisements": "Q22",
    "Listed Building Alterations": "Q23",
    "Listed Building Consent to Demolish": "Q24",
    "(E)Relevant Demolition In A Conservation Area (Other)": "Q25",
    "Certificates of lawful development": "Q26",
    "Notifications": "Q27",
    "(E)Major Development (TDC)": "TDC major",
    "(E)Minor (Housing-Led) (TDC)": "TDC non-major",
    "(E)Minor (Housing-Led) (PIP)": "PIP",
}
LARGE = {"Q7": "Q1", "Q8": "Q2", "Q9": "Q3", "Q10": "Q4", "Q11": "Q5", "Q12": "Q6"}
ENDED = {  # how a case ends without a decision of the council, by the flag of the kind of decision
    "withdrawal": "withdrawn",
    "called_in": "called in",
    "turned_away": "turned away",
}
BANDS = (
    (56, "up_to_8_weeks"),
    (91, "over_8_to_13"),
    (112, "over_13_to_16"),
    (182, "over_16_to_26"),
    (364, "over_26_to_52"),
)
WEEKS_OF_ASSESSMENT = 16
MEASURED = {
    "majors": {*LARGE, *LARGE.values(), "TDC major"},
    "non-majors": {"Q13", "Q14", "Q15", "Q16", "Q17", "Q18", "Q20", "Q21"},
}
HECTARE_IS_MAJOR = MEASURED["non-majors"] - {"Q21"}  # by law, though not on the return
GUARANTEED = MEASURED["majors"] | MEASURED["non-majors"] | {"Q19", "Q25", "TDC non-major"}  # what asks for permission


@dataclass(frozen=True)
class Case:
    """One application as the returns see it."""

    id: str
    line: str | None
    in_totals: bool
    is_prior_approval: bool
    prior_class: str  # of a prior approval
    extended: date | None
    has_agreement: bool  # in writing; an assessment is none
    area: float
    valid: date | None
    ended: date | None
    is_closed: bool  # by a decision of any kind, or ceased
    closed: date | None
    outcome: str | None  # granted, refused, or how it ended otherwise; None while it is on hand
    is_not_required: bool
    days_allowed: int
    is_agreed: bool
    agreed: date | None
    delegated: str
    council: tuple[str, ...]
    has_statement: bool

    @property
    def is_decided(self):
        return self.outcome in ("granted", "refused")

    @property
    def is_in_time(self):
        return self.ended <= self.agreed if self.agreed else not self.is_agreed and self.days <= self.days_allowed

    @property
    def days(self):
        return (self.ended - self.valid).days


def cases_of(records):
    """The cases that count for the returns of a district, from records by resource."""
    known = {name: {one["id"]: one for one in rows} for name, rows in records.items()}
    kinds = known["application_types"]
    found = []
    for one in records["applications"]:
        code = known["ps_development_codes"].get(one["ps_development_code_id"], {})
        kind = kinds.get(one["application_type_id"], {})
        if (
            _is(one, "county_matters")
            or _is(kind, "exclude_from_stat_returns")
            or _is(code, "exclude_from_stat_returns")
        ):
            continue
        found.append(_case(one, code, known))
    return found


def _case(one, code, known):
    decision = known["decision_types"].get(one["decision_type_id"], {})
    ended = _day(one["decision_issued_date"])
    outcome = _outcome(decision) if ended else None
    assessment = known["eias"].get(one["eia_id"], {})
    agreed, is_agreed = _agreed(one, assessment)
    line = LINES.get(code.get("name"))
    if line in LARGE and _is_large(line, one):
        line = LARGE[line]
    return Case(
        id=one["id"],
        line=line,
        in_totals=line is not None and not _is(code, "exclude_from_stat_return_totals"),
        is_prior_approval=_is(code, "pa_for_pd") or _is(code, "pa_for_pd_other"),
        prior_class=_class(known["application_types"].get(one["application_type_id"], {}).get("name")),
        extended=_day(one["extension_of_time_due_date"]),
        valid=_day(one["valid_date"]),
        ended=ended if outcome else None,
        is_closed=bool(ended or one["decision_type_id"] or _is(one, "ceased")),
        closed=ended or (_day(one["ceased_date"]) if _is(one, "ceased") else None),
        outcome=outcome,
        has_agreement=_agreed(one, {})[1],
        area=_number(one["site_area_hectares"]) or 0,
        is_not_required=_is(decision, "pa_not_required"),
        days_allowed=int(code.get("expiry_days", 0)),
        is_agreed=is_agreed,
        agreed=agreed,
        delegated=_level(known["decision_levels"].get(one["decision_level_id"], {}).get("name")),
        council=tuple(
            name
            for name, flag in (
                ("regulation 3", "own_council_application"),
                ("regulation 4", "regulation_4_application"),
            )
            if _is(one, flag)
        ),
        has_statement=_is(one, "environmental_statement_es_attached"),
    )


def _is_large(line, one):
    """200 dwellings, or 4 hectares where their number is not known; of other uses 10,000 m² or 2 hectares."""
    area = _number(one["site_area_hectares"])
    if line == "Q7":
        units = _number(one["approved_units"] or one["net_increase_in_dwellings"])
        return units >= 200 if units is not None else (area or 0) >= 4
    floorspace = _number(one["total_non_residential_total_gross_floorspace_proposed"])
    return (floorspace or 0) >= 10_000 or (area or 0) >= 2


def _number(text):
    return None if text in (None, "n/a", "approx. 2") else float(text)


def _outcome(decision):
    if _is(decision, "approval_decision"):
        return "granted"
    if _is(decision, "refusal_decision"):
        return "refused"
    return next((how for flag, how in ENDED.items() if _is(decision, flag)), None)


def _agreed(one, assessment):
    """The latest day that was agreed on, and whether anything was; an assessment has 16 weeks by itself."""
    days = [_day(one[column]) for column in ("extension_of_time_due_date", "ppa_decision_due_date")]
    flags = _is(one, "extension_of_time_agreed") or _is(one, "planning_performance_agreement_signed")
    if _is(assessment, "eia_application"):
        flags = True
        if one["valid_date"]:
            days.append(_day(one["valid_date"]) + timedelta(weeks=WEEKS_OF_ASSESSMENT))
    days = [day for day in days if day]
    return max(days, default=None), bool(days) or flags


def _level(name):
    return "unknown" if name is None else "delegated" if unescape(name) == "Delegated" else "not delegated"


def ps2(cases):
    """The columns of PS2 by quarter and line, with a line "Total" of all lines that are in the totals."""
    found = {}
    for case in cases:
        if not case.is_decided or case.line is None or case.valid is None:
            continue
        for line in (case.line, "Total") if case.in_totals else (case.line,):
            found.setdefault((quarter_of(case.ended), line), Counter()).update(_columns(case))
    return found


def _columns(case):
    yield "total"
    yield case.outcome
    if case.is_agreed:
        yield "agreed"
        if case.agreed and case.ended <= case.agreed:
            yield from ("in_agreed_time", "in_time")
        return
    yield next((name for most, name in BANDS if case.days <= most), "over_52")
    if case.days <= case.days_allowed:
        yield from ("in_statutory_time", "in_time")


def ps1(cases, quarters, today):
    """How many by quarter, part and line of PS1, without enforcement."""
    counted = [case for case in cases if case.in_totals and case.valid]
    found = Counter()
    for case in counted:
        for quarter in quarters:
            if case.valid < quarter and not (case.ended and case.ended < quarter):
                found[quarter, "work", "on hand at start"] += 1
            after = next_quarter(quarter)
            if case.valid < after and not (case.ended and case.ended < after):
                found[quarter, "work", "on hand at end"] += 1
        found[quarter_of(case.valid), "work", "received"] += 1
        found[quarter_of(case.valid), "environment", "environmental statements"] += case.has_statement
        if case.ended:
            quarter = quarter_of(case.ended)
            found[quarter, "work", "decided" if case.is_decided else case.outcome] += 1
            if case.is_decided:
                found[quarter, "delegated", case.delegated] += 1
            if case.outcome == "granted":
                found.update((quarter, "council", regulation) for regulation in case.council)
    return +found + _prior_approvals(cases, today)


def _class(type_name):
    """Of a householder it is a larger home extension; nothing else is told of the class in these records."""
    return "larger home extensions" if type_name == "Householder" else "all others"


def _prior_approvals(cases, today):
    found = Counter()
    for case in cases:
        if case.is_prior_approval and case.valid:
            found[quarter_of(case.valid), "prior approvals", f"{case.prior_class} received"] += 1
            how, day = _answer(case, today)
            if how:
                found[quarter_of(day), "prior approvals", f"{case.prior_class} {how}"] += 1
    return found


def _answer(case, today):
    """What became of a prior approval, and when; a larger home extension is permitted by 42 days without an answer."""
    if case.is_decided:
        return "not required" if case.is_not_required else case.outcome, case.ended
    if case.ended:  # withdrawn, for which there is no line
        return None, None
    last = max(case.valid + timedelta(days=42), case.extended or case.valid)
    if case.prior_class == "larger home extensions" and last < today:
        return "not required", last + timedelta(days=1)
    return None, None


def enforcement(records):
    """How many notices and orders by quarter."""
    kinds = {one["id"]: one for one in records["action_types"]}
    found = Counter()
    for one in records["enforcement_actions_taken"]:
        kind = kinds.get(one["action_type_id"], {})
        line, column = _notice(kind)
        if line and _day(one[column]):
            found[quarter_of(_day(one[column])), "enforcement", line] += 1
    return found


def _notice(kind):
    served = {
        "stop_notice": "stop notices",
        "temporary_stop_notice": "temporary stop notices",
        "breach_of_condition_notice": "breach of condition notices",
        "planning_contravention_notice": "planning contravention notices",
    }
    for flag, line in served.items():
        if _is(kind, flag):
            return line, "date_served"
    if _is(kind, "planning_enforcement_order"):
        return "enforcement orders", "court_decision_date"
    if _is(kind, "injunction"):  # what a court said is a number that the API does not explain
        return "injunctions of unknown outcome", "injunction_date"
    return ("enforcement notices", "issue_date") if _is(kind, "is_notice") else (None, None)


def speed(cases, quarters):
    """Decisions and those in time in the twelve months up to the end of each quarter, by its last day and measure."""
    return {
        (end, measure): (len(inside), sum(case.is_in_time for case in inside))
        for end, start in _windows(quarters, years=1)
        for measure, lines in MEASURED.items()
        for inside in [[case for case in _decided(cases, lines) if start <= case.ended <= end]]
    }


def quality(cases, quarters, records):
    """Decisions and those overturned at appeal, of the 24 months up to the end of each quarter.

    An appeal that was decided where the council had not is a failure to decide, whether it thought it valid or not.
    """
    refusals = {case.id: case.ended for case in cases if case.outcome == "refused"}
    begun, allowed = _appeals(records, refusals, are_decided=True)
    found = {}
    for end, start in _windows(quarters, years=2):
        until = next_quarter(next_quarter(next_quarter(end + timedelta(days=1)))) - timedelta(days=1)
        for measure, lines in MEASURED.items():
            decided = [case for case in _decided(cases, lines) if start <= case.ended <= end]
            failures = [case for case in cases if case.line in lines and not case.is_decided and case.id in begun]
            inside = decided + [case for case in failures if start <= begun[case.id] <= end]
            lost = [case for case in inside if case.outcome != "granted" and allowed.get(case.id, date.max) <= until]
            found[end, measure] = (len(inside), len(lost))
    return found


def guarantee(cases, records, today):
    """Cases past the planning guarantee or within four weeks of its end: the last day and whether the fee is due."""
    begun, _ = _appeals(records, {}, are_decided=False)
    found = {}
    for case in cases:
        if case.valid is None or case.valid < date(2013, 10, 1) or case.line not in GUARANTEED:
            continue
        is_major = case.line in MEASURED["majors"] or (case.area >= 1 and case.line in HECTARE_IS_MAJOR)
        days = 26 * 7 - 1 if is_major or case.valid < date(2023, 12, 6) else 16 * 7
        last = case.valid + timedelta(days=days)
        if last < today + timedelta(days=28) and (case.closed or date.max) > last:
            is_closed_some_day = case.is_closed and not case.closed
            stands_against = (
                *(case.has_agreement, case.outcome == "called in", is_closed_some_day),
                begun.get(case.id, date.max) <= last,
            )
            found[int(case.id)] = (last, last < today and not any(stands_against))
    return found


def _appeals(records, refusals, *, are_decided):
    """The first day of an appeal of each application, all or those decided, and the first day one was allowed.

    What was allowed before the refusal it is said to be of does not count.
    """
    decisions = {one["id"]: one for one in records["appeal_decision"]}
    begun, allowed = {}, {}
    for one in records["appeals"]:
        identity, is_decided = one["application_id"], one["appeal_decision_id"] in decisions
        if one["enforcement_id"] or not identity or (are_decided and not is_decided):
            continue
        day = _day(one["appeal_start_date"]) or _day(one["submit_date"])
        begun[identity] = min(day, begun.get(identity, day))
        decided = _day(one["appeal_decision_date"])
        is_later = decided and decided >= refusals.get(identity, decided)
        if is_later and is_decided and _is(decisions[one["appeal_decision_id"]], "against_lpa"):
            allowed[identity] = min(decided, allowed.get(identity, decided))
    return begun, allowed


def _decided(cases, lines):
    return [case for case in cases if case.is_decided and case.valid and case.line in lines]


def _windows(quarters, *, years):
    for quarter in quarters:
        after = next_quarter(quarter)
        yield after - timedelta(days=1), after.replace(year=after.year - years)


def quarter_of(day):
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def next_quarter(quarter):
    return quarter_of(quarter + timedelta(days=95))


def quarters_between(first, last):
    """The first days of the quarters from one day's to another's."""
    found = [quarter_of(first)]
    while found[-1] < quarter_of(last):
        found.append(next_quarter(found[-1]))
    return found


def _is(record, flag):
    return record.get(flag) == "t"


def _day(text):
    return date.fromisoformat(text[:10]) if text and not text.startswith("0000") else None
