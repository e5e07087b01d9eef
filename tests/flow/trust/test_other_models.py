"""The other shipped models: each rule with values that were worked out by hand."""

import pytest

from flow.trust.shipped import FOLDER, build, failed, lake_of


def rows_of(name, **tables):
    """The rows a model makes of these tables; its checks hold."""
    lake = lake_of(**tables)
    found = build(lake, name)
    assert failed(lake, name) == []
    return found


def picked(rows, *columns):
    return [tuple(row[column] for column in columns) for row in rows]


ADA = {"id": 1, "forename": "Ada", "surname": "Byron", "username": "ab", "email": "ab@example.org"}
ADA |= {"mobile": "07", "phone": "020", "job_title": "Planner"}
SOUTH = {"id": 5, "name": "South", "description": "South of the park", "location": "Annexe"}
TEAMS = [SOUTH, {"id": 6, "name": "North"}]


def member(user, team):
    return {"user_id": user, "user_team_id": team}


def test_an_officer_has_a_row_with_the_columns_of_user_and_team():
    (found,) = rows_of("officers", users=[ADA], user_team_map=[member(1, 5)], user_teams=TEAMS)
    assert found == {
        "officer_id": 1,
        "officer_forename": "Ada",
        "officer_surname": "Byron",
        "officer_name": "Ada Byron",
        "username": "ab",
        "email": "ab@example.org",
        "mobile": "07",
        "phone": "020",
        "job_title": "Planner",
        "user_team_id": 5,
        "team_name": "South",
        "team_description": "South of the park",
        "location": "Annexe",
        "counter_officer": 1,
        "import_date": "of users",
        "snapshot_date": "20261129",
    }


def test_there_is_one_row_for_each_officer_and_team_and_one_for_an_officer_in_none():
    links = [(1, 5), (1, 6), (1, 6), (2, None), (None, 5), (1, None), (3, 9), (4, 5)]  # 3 is in a team nobody knows
    users = [{"id": 1}, {"id": 2}, {"id": 3}]  # nobody knows user 4
    found = rows_of("officers", users=users, user_team_map=[member(*link) for link in links], user_teams=TEAMS)
    assert picked(found, "officer_id", "user_team_id", "team_name") == [
        (1, 5, "South"),
        (1, 6, "North"),
        (2, None, None),
        (3, 9, None),
    ]


@pytest.mark.parametrize(
    ("forename", "surname", "name"),
    [
        ("Ada", "Byron", "Ada Byron"),
        ("  Ada ", " Byron  ", "Ada Byron"),
        (None, "Byron", "Byron"),
        ("Ada", None, "Ada"),
        ("Ada", " ", "Ada"),
        ("Mary Ann", "D&#39;Souza", "Mary Ann D&#39;Souza"),  # text stays as received
        (" ", "", None),
        (None, None, None),
    ],
)
def test_an_officers_name_is_both_names_with_one_blank(forename, surname, name):
    (found,) = rows_of("officers", users=[{"id": 1, "forename": forename, "surname": surname}])
    assert found["officer_name"] == name


PLACES = [{"id": 1, "uprn": 100, "postcode": "E8 1EA"}, {"id": 2, "uprn": 100}, {"id": 3, "uprn": 7}, {"id": 4}]
ADDRESS = ("blpu_class", "lpi_key", "logical_status", "ward", "postcode", "line1", "line2", "line3", "line4", "address")


def locations(*addresses):
    """What `locations` makes of PLACES where the council's file has these lines."""
    lake = lake_of(dtf_locations=PLACES)
    for line in addresses:
        lake.execute(f"insert into mapping.latest_llpg values ({', '.join('?' for _ in line)})", list(line))
    found = build(lake, "locations")
    assert failed(lake, "locations") == []
    return found


def address(uprn, key="K1", status="1", ward="Dalston"):
    return (uprn, "RD", key, status, ward, "E8 2AA", "1", "High St", "Hackney", "London", "1 High St")


def test_without_the_councils_addresses_locations_are_as_they_are():
    found = locations()
    assert picked(found, "id", "uprn", "postcode", "counter_location", "import_date") == [
        (1, 100, "E8 1EA", 1, "of dtf_locations"),
        (2, 100, None, 1, "of dtf_locations"),
        (3, 7, None, 1, "of dtf_locations"),
        (4, None, None, 1, "of dtf_locations"),
    ]
    assert [row[f"llpg_{name}"] for row in found for name in ("uprn", *ADDRESS)] == [None] * 44


def test_the_councils_address_is_joined_by_uprn_with_a_prefix():
    found = locations(address("0000000100"), address("8"), address("no number"), address(None))
    expected = (100, *address("")[1:])
    assert picked(found, "llpg_uprn", *(f"llpg_{name}" for name in ADDRESS)) == [
        expected,
        expected,
        *[(None,) * 11] * 2,
    ]


def test_of_several_addresses_of_a_uprn_the_approved_one_is_taken_and_no_location_is_doubled():
    found = locations(
        address("100", "K1", "8"), address("100", "K3", "1"), address("100", "K2", "1"), address("100", "K0", "10")
    )
    assert picked(found, "id", "llpg_lpi_key") == [(1, "K2"), (2, "K2"), (3, None), (4, None)]


def test_a_decision_level_is_delegated_by_its_name():
    names = ["Delegated", " delegated ", "Committee", "Delegated to chair", None]
    levels = [{"id": number, "name": name, "committee": number == 3} for number, name in enumerate(names, 1)]
    found = rows_of("decision_levels", decision_levels=levels)
    assert picked(found, "decision_level_id", "decision_level", "committee", "flag_delegated") == [
        (1, "Delegated", False, 1),
        (2, " delegated ", False, 1),
        (3, "Committee", True, 0),
        (4, "Delegated to chair", False, 0),
        (5, None, False, 0),
    ]
    assert {row["counter_decision_level"] for row in found} == {1}


@pytest.mark.parametrize(
    ("code", "withdrawn", "granted", "refused"),
    [
        ("Withdrawn", 1, 0, 0),
        ("Granted", 0, 1, 0),
        ("Refused", 0, 0, 1),
        (" granted", 0, 1, 0),
        ("Granted in part", 0, 0, 0),
        ("", 0, 0, 0),
        (None, 0, 0, 0),
    ],
)
def test_a_decision_type_is_flagged_by_its_exacom_code_alone(code, withdrawn, granted, refused):
    says = {"approval_decision": True, "refusal_decision": False, "withdrawal": None}
    (found,) = rows_of("decision_types", decision_types=[{"id": 9, "name": "Approve", "exacom_code": code, **says}])
    assert found == {
        "decision_type_id": 9,
        "decision_type": "Approve",
        **says,
        "decision_exacom_code": code,
        "counter_decision_type": 1,
        "flag_dec_withdrawn": withdrawn,
        "flag_dec_granted": granted,
        "flag_dec_refused": refused,
        "import_date": "of decision_types",
        "snapshot_date": "20261129",
    }


GROUPS = {
    "Major": "Major Dwellings, Major Gypsy and Traveller sites development, Major Industrial, Major Office, "
    "Major Retail, Other Major Developments",
    "Minor": "(E)Minor Gypsy and Traveller sites development, Minor Industrial, Minor Office, Minor Residential, "
    "Minor Retail, Other Minor Developments",
    "Other": "(E)Major Development (TDC), (E)Minor (Housing-Led) (PIP), (E)Minor (Housing-Led) (TDC), "
    "(E)Relevant Demolition In A Conservation Area (Other), Advertisements, Change of use, Householder, "
    "Listed Building Alterations, Listed Building Consent to Demolish, Minerals",
    "No Reg. on Stat Returns": "Notifications, householder, (E)Minor Dwellings, Major",
}


@pytest.mark.parametrize("group", GROUPS)
def test_development_types_are_grouped_by_name(group):
    codes = [{"id": number, "name": name} for number, name in enumerate(GROUPS[group].split(", "), 1)]
    found = rows_of("ps_development_codes", ps_development_codes=codes)
    assert [row["development_type"] for row in found] == GROUPS[group].split(", ")
    assert {row["dev_type"] for row in found} == {group}


def test_a_development_type_keeps_what_the_planning_system_says():
    says = {"expiry_days": 56, "major": True, "minor": None, "exclude_from_stat_returns": False}
    codes = [{"id": 1, "name": " Householder ", **says}, {"id": 2}]
    found = rows_of("ps_development_codes", ps_development_codes=codes)
    assert found[0] == {
        "ps_development_code_id": 1,
        "development_type": " Householder ",
        **says,
        "dev_type": "Other",
        "counter_ps_code": 1,
        "import_date": "of ps_development_codes",
        "snapshot_date": "20261129",
    }
    assert found[1]["dev_type"] == "No Reg. on Stat Returns"


@pytest.mark.parametrize(
    ("name", "key", "types"), [("agents", "agent_id", {2, 32}), ("applicants", "applicant_id", {1, 31})]
)
def test_agents_and_applicants_are_contacts_of_two_types_with_all_their_columns(name, key, types):
    contacts = [{"id": number, "contact_type_id": number, "surname": f"S{number}"} for number in range(40)]
    found = rows_of(name, contacts=[*contacts, {"id": 99}])
    assert found == [
        {
            key: one,
            "contact_type_id": one,
            "surname": f"S{one}",
            "import_date": "of contacts",
            "snapshot_date": "20261129",
        }
        for one in sorted(types)
    ]


def test_the_file_for_the_councils_addresses_names_their_columns_and_has_no_line():
    text = (FOLDER / "mappings/latest_llpg.csv").read_text(encoding="utf-8")
    assert text.splitlines() == [",".join(("uprn", *ADDRESS))]
