"""PS1: work in hand, what came and went, enforcement and prior approvals, each figure worked out by hand."""

import pytest

from flow.trust.returns import ASSESSED, COMMITTEE, DELEGATED, application, asked, day, returns_of, store
from flow.trust.shipped import failed

COMMITTEE_DAY = {"committee_actual_date": "03-26", "date_decision_taken": "03-26"}
WORK = "select line, count from trusted.return_ps1 where part = 'work' and quarter = "


def of_part(lake, part, quarter="01-01"):
    """The lines of a part in a quarter on which anything is counted."""
    query = f"from trusted.return_ps1 where part = '{part}' and quarter = '{day(quarter)}' and count > 0"
    return dict(asked(lake, f"select line, count {query}"))


YEARS = (
    application(valid="2024-12-31T23:59"),
    application(valid="2024-11-01", issued="01-01"),
    application(valid="2024-11-01", issued="2024-12-31"),
    application(valid="01-01T00:00"),
    application(valid="03-31", issued="04-01", decision="refused"),
    application(valid="02-01", issued="03-31", decision="withdrawn"),
    application(valid="02-01", issued="02-10", decision="called in"),
    application(valid="02-01", issued="02-10", decision="turned away"),
    application(valid="02-01", decision="withdrawn"),  # without a date: still on hand
    application(valid="02-01", issued="02-10", decision="No objection"),  # ended as nobody knows: still on hand
    application("certificate", "02-10", valid="02-01"),  # outside the totals
    application("trees", "02-10", valid="02-01"),
    application(valid=None, received_date="02-01"),
)


def test_work_on_hand_is_what_was_there_and_came_less_what_ended():
    lake = returns_of(*YEARS)
    store(lake, "return_ps2", "return_ps1")
    assert dict(asked(lake, f"{WORK} '2025-01-01'")) == {
        "on hand at start": 2,
        "received": 7,
        "withdrawn": 1,
        "called in": 1,
        "turned away": 1,
        "decided": 1,
        "on hand at end": 5,
    }
    assert of_part(lake, "work", "04-01") == {"on hand at start": 5, "decided": 1, "on hand at end": 4}
    ends = "select count from trusted.return_ps1 where line = 'on hand at {}' order by quarter"
    assert asked(lake, ends.format("start"))[1:] == asked(lake, ends.format("end"))[:-1]
    assert failed(lake, "return_ps1") == []


def test_a_withdrawn_application_is_on_ps1_and_not_on_ps2():
    lake = returns_of(application(issued="02-10", decision="withdrawn"))
    assert of_part(lake, "work") == {"received": 1, "withdrawn": 1}
    assert asked(lake, "select sum(total) from trusted.return_ps2") == [(0,)]


def test_a_decision_is_of_the_quarter_of_its_notice_not_of_its_committee():
    lake = returns_of(application("major dwellings", "04-02", **COMMITTEE_DAY))
    assert of_part(lake, "work") == {"received": 1, "on hand at end": 1}
    assert of_part(lake, "work", "04-01") == {"on hand at start": 1, "decided": 1}
    assert asked(lake, "select quarter from trusted.return_ps2 where line = 'Q7'") == [(day("04-01"),)]


def test_delegated_decisions_those_of_the_council_and_statements():
    lake = returns_of(
        application(issued="03-03", decision_level_id=DELEGATED, own_council_application=True),
        application(issued="03-03", decision_level_id=DELEGATED, regulation_4_application=True),
        application(issued="03-03", decision_level_id=COMMITTEE),
        application(issued="03-03"),
        application(issued="03-03", decision="refused", own_council_application=True, regulation_4_application=True),
        application(issued="03-03", decision="withdrawn", decision_level_id=DELEGATED, own_council_application=True),
        application(eia_id=ASSESSED, environmental_statement_es_attached=True),
    )
    assert of_part(lake, "delegated") == {"delegated": 2, "not delegated": 1, "unknown": 2}
    assert of_part(lake, "council") == {"regulation 3": 1, "regulation 4": 1}
    assert of_part(lake, "environment") == {"environmental statements": 1}


def test_what_is_listed_of_the_council_is_a_setting():
    row = application(issued="03-03", decision="refused", own_council_application=True)
    assert of_part(returns_of(row, settings={"returns_council": "decided"}), "council") == {"regulation 3": 1}
    with pytest.raises(Exception, match="returns_council is granted or decided"):
        of_part(returns_of(row, settings={"returns_council": "all"}), "council")


@pytest.mark.parametrize("broken", ["on hand at end", "decided", "unknown"])
def test_lines_that_do_not_agree_are_a_check_that_fails(broken):
    lake = returns_of(*YEARS)
    store(lake, "return_ps2", "return_ps1")
    lake.execute(f"update trusted.return_ps1 set count = count + 1 where line = '{broken}'")
    assert failed(lake, "return_ps1") == ["the lines of a quarter agree"]


def test_a_total_of_ps2_that_is_another_fails_ps1():
    lake = returns_of(*YEARS)
    store(lake, "return_ps2")
    lake.execute("update trusted.return_ps2 set total = total + 1 where line = 'Total'")
    store(lake, "return_ps1")
    assert failed(lake, "return_ps1") == ["the lines of a quarter agree"]


FLAGS = {
    "enforcement notices": ({"is_notice": True}, "issue_date"),
    "stop notices": ({"is_notice": True, "stop_notice": True}, "date_served"),
    "temporary stop notices": ({"is_notice": True, "temporary_stop_notice": True}, "date_served"),
    "breach of condition notices": ({"is_notice": True, "breach_of_condition_notice": True}, "date_served"),
    "planning contravention notices": ({"planning_contravention_notice": True}, "date_served"),
    "injunctions of unknown outcome": ({"injunction": True}, "injunction_date"),
    "enforcement orders": ({"planning_enforcement_order": True}, "court_decision_date"),
}
ACTION_TYPES = [*(flags for flags, _ in FLAGS.values()), {}]
DAYS = ("issue_date", "date_served", "injunction_date", "court_decision_date")
LAST = "injunctions of unknown outcome"
INJUNCTION = [*FLAGS].index(LAST) + 1


@pytest.mark.parametrize("line", FLAGS)
def test_enforcement_is_counted_on_the_day_that_its_line_goes_by(line):
    others = dict.fromkeys(DAYS, "04-01")
    action = {"action_type_id": [*FLAGS].index(line) + 1, **others, FLAGS[line][1]: "03-31T23:00"}
    no_day = {"action_type_id": action["action_type_id"]}
    no_notice = {"action_type_id": len(ACTION_TYPES), **dict.fromkeys(DAYS, "03-31")}
    actions = [action, action, no_day, no_notice]
    lake = returns_of(application(), enforcement_actions_taken=actions, action_types=ACTION_TYPES)
    assert of_part(lake, "enforcement") == {line: 2}
    assert of_part(lake, "enforcement", "04-01") == {}


def test_an_enforcement_action_that_cannot_be_counted_is_listed():
    order, notice, injunction = (
        [*FLAGS].index(line) + 1 for line in ("enforcement orders", "enforcement notices", LAST)
    )
    actions = [
        {"action_type_id": notice, "date_served": "02-10", "enforcement_id": 7},
        {"action_type_id": order, "issue_date": "02-10"},
        {"action_type_id": injunction},
        {"action_type_id": 99, "issue_date": "02-10"},
        {"issue_date": "02-10"},
        {"action_type_id": notice, "issue_date": "2026-12-01"},
        {"action_type_id": len(ACTION_TYPES)},
        {"action_type_id": notice, "issue_date": "2026-11-30"},
    ]
    listed = "select reason from trusted.return_not_placed where not is_counted and application_id is null"
    lake = returns_of(application(), enforcement_actions_taken=actions, action_types=ACTION_TYPES)
    assert [reason for (reason,) in asked(lake, f"{listed} order by all")] == [
        "enforcement action 1 of enforcement case 7: no issue_date",
        "enforcement action 2: no court_decision_date",
        "enforcement action 3: no injunction_date",
        "enforcement action 4: its kind of action 99 is not known",
        "enforcement action 5: no kind of action",
        "enforcement action 6: a date after today",
    ]
    assert of_part(lake, "enforcement", "2026-10-01") == {"enforcement notices": 1}
    assert asked(returns_of(application(), enforcement_actions_taken=actions), listed) == []


def test_injunctions_granted_and_refused_go_by_the_codes_of_the_council_and_interim_ones_count_once():
    def injunction(code, case, on="02-10"):
        known = {"action_type_id": INJUNCTION, "injunction_decision_id": code, "enforcement_id": case}
        return {**known, "injunction_date": on}

    actions = [
        *(injunction(5, 1), injunction(5, 1, "04-10"), injunction(6, 1), injunction(5, 2), injunction(7, 2)),
        *(injunction(5, None), injunction(5, None), injunction(8, 3), injunction(None, 3)),
    ]
    codes = {"returns_injunctions_granted": " 5, 6 ", "returns_injunctions_refused": "7"}
    tables = {"enforcement_actions_taken": actions, "action_types": ACTION_TYPES}
    lake = returns_of(application(), settings=codes, **tables)
    assert of_part(lake, "enforcement") == {
        "injunctions granted": 4,
        "injunctions refused": 1,
        "injunctions of unknown outcome": 2,
    }
    assert of_part(lake, "enforcement", "04-01") == {}
    assert of_part(returns_of(application(), **tables), "enforcement") == {"injunctions of unknown outcome": 8}


def test_without_kinds_of_action_there_are_no_lines_of_enforcement_rather_than_0():
    parts = "select distinct part from trusted.return_ps1 order by part"
    others = [("council",), ("delegated",), ("environment",), ("prior approvals",), ("work",)]
    assert asked(returns_of(application()), parts) == others
    assert asked(returns_of(application(), action_types=ACTION_TYPES), parts) == others
    assert asked(returns_of(application(), enforcement_actions_taken=[{}]), parts) == others
    lake = returns_of(application(), action_types=ACTION_TYPES, enforcement_actions_taken=[{}])
    assert asked(lake, parts) == sorted([*others, ("enforcement",)])


PRIOR = "select class, last_day, outcome, ended_day, lapsed from trusted.return_prior_approvals"
LARGER = "larger home extensions"


def test_a_prior_approval_without_an_answer_is_not_required_where_its_class_is_deemed():
    rows = (
        application("prior approval", valid="2026-10-19"),  # the 42nd day is the day of the run
        application("prior approval", valid="2026-10-18"),
        application("prior approval"),
        application("prior approval", "02-17"),
        application("prior approval", "02-18", "refused"),
        application("prior approval", "02-10", "not required"),
        application("prior approval", decision="withdrawn"),
        application("prior approval", "02-10", "withdrawn"),
        application("prior approval", extension_of_time_due_date="04-10"),
        application("prior approval", "02-10", "Quashed", valid=None),
        application("prior approval", "02-10", "No objection"),
        application("other prior approval"),
        application("prior approval", county_matters=True),
        application("prior approval", application_type_id=2),
        application(),
    )
    lake = returns_of(*rows)
    feb = day("02-17")
    assert asked(lake, f"{PRIOR} order by application_id") == [
        (LARGER, day("2026-11-30"), "live", None, False),
        (LARGER, day("2026-11-29"), "not required", day("2026-11-30"), True),
        (LARGER, feb, "not required", day("02-18"), True),
        (LARGER, feb, "granted", feb, False),
        (LARGER, feb, "refused", day("02-18"), False),
        (LARGER, feb, "not required", day("02-10"), False),
        (LARGER, feb, "withdrawn", None, False),
        (LARGER, feb, "withdrawn", day("02-10"), False),
        (LARGER, day("04-10"), "not required", day("04-11"), True),
        (LARGER, None, "granted", day("02-10"), False),
        (LARGER, feb, "unknown", None, False),
        ("all others", day("03-03"), "live", None, False),
    ]
    assert of_part(lake, "prior approvals") == {
        f"{LARGER} received": 8,
        f"{LARGER} not required": 2,
        f"{LARGER} granted": 1,
        f"{LARGER} refused": 1,
        "all others received": 1,
    }
    assert of_part(lake, "prior approvals", "04-01") == {f"{LARGER} not required": 1}
    assert of_part(lake, "work") == {"received": 1, "on hand at end": 1}


@pytest.mark.parametrize(
    ("row", "settings", "expected"),
    [
        (application("prior approval"), {"returns_lapsed": "live"}, ("live", None)),
        (
            application("prior approval", extension_of_time_due_date="04-10"),
            {"returns_lapsed_extended": "not extended"},
            ("not required", day("02-18")),
        ),
    ],
)
def test_what_a_prior_approval_without_an_answer_is_can_be_set(row, settings, expected):
    query = "select outcome, ended_day from trusted.return_prior_approvals"
    assert asked(returns_of(row, settings=settings), query) == [expected]


@pytest.mark.parametrize("name", ["returns_lapsed", "returns_lapsed_extended"])
def test_a_setting_of_prior_approvals_that_is_no_choice_is_refused(name):
    with pytest.raises(Exception, match=f"the setting {name} is "):
        asked(returns_of(application("prior approval"), settings={name: "maybe"}), PRIOR)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Householder Prior Approval", (LARGER, 42)),
        ("Prior Approval Class AA - upward", ("upward extensions", 56)),
        ("Class Q agricultural building to dwelling", ("to residential from agriculture", 56)),
        ("Commercial to residential (Class MA)", ("to residential from commercial", 56)),
        ("Householder prior approval: additional storey (class AA)", ("upward extensions", 56)),
        ("Prior approval class M", ("to residential from launderettes and takeaways", 56)),
        ("AGRICULTURAL building", ("agriculture", 28)),
        ("Demolition", ("demolition", 28)),
        ("Telecommunications mast", ("telecoms", 56)),
        ("Prior approvals", ("all others", 56)),
        ("Agricultural building to flexible commercial use (Class R)", ("all others", 56)),
        ("Agricultural buildings to schools (Class S)", ("all others", 56)),
        ("Agricultural building (Class R)", ("all others", 56)),
        ("Larger telecommunications mast (Part 16)", ("telecoms", 56)),
        ("Upward extension larger than 2 storeys", ("upward extensions", 56)),
    ],
)
def test_the_class_of_a_prior_approval_is_in_its_names(name, expected):
    lake = returns_of(application("other prior approval"))
    lake.execute(f"update refined.ps_development_codes set name = '{name}' where pa_for_pd_other")
    assert asked(lake, "select class, last_day - valid_day from trusted.return_prior_approvals") == [expected]


@pytest.mark.parametrize("column", ["rank", "days", "is_deemed"])
def test_a_slip_in_the_mapping_of_classes_is_refused(column):
    lake = returns_of(application("prior approval"))
    lake.execute(f"update mapping.return_classes set {column} = null where class = 'demolition'")
    with pytest.raises(Exception, match=f"the column {column} of the mapping return_classes is "):
        asked(lake, "from trusted.return_prior_approvals")
