"""The shipped models on a plain DuckDB: their headers read, their SELECTs carried out on rows written by hand."""

from datetime import date
from pathlib import Path

import duckdb
from ruamel.yaml import YAML

import planlake
from planlake.engines.duckdb.macros import define_macros

FOLDER = Path(planlake.__file__).parent / "models"
REPORTS = sorted(file.stem for file in FOLDER.glob("report_*.sql"))
RETURNS = sorted(file.stem for file in FOLDER.glob("return_*.sql"))
NAMES = sorted({file.stem for file in FOLDER.glob("*.sql")} - {*REPORTS, *RETURNS})  # tables of what there is
MONDAY = date(2026, 11, 30)  # the day of the run
CLOSED = (date(2026, 5, 4), date(2026, 12, 25), date(2026, 12, 28))
IMPORTED = {"import_date": "varchar", "snapshot_date": "varchar"}
DATES = (
    *("received_date", "valid_date", "registration_date", "decision_issued_date"),
    *("extension_of_time_due_date", "expiry_date", "ppa_decision_due_date", "ceased_date"),
)
NUMBERS = ("id", "application_type_id", "ps_development_code_id", "application_stage", "officer_id")
CODES = {"id": "integer", "name": "varchar", "expiry_days": "integer"}
OF_CODES = (
    *("major", "minor", "other", "exclude_from_stat_returns", "exclude_from_stat_return_totals"),
    *("certificates_of_lawful_development", "certificates_of_lawfulness_proposed_works", "notification", "nma"),
    *("certificates_of_appropriate_alternative_development", "pa_for_pd", "pa_for_pd_other"),
)
OF_DECISIONS = (
    *("approval_decision", "refusal_decision", "withdrawal", "called_in", "turned_away", "transfer"),
    "pa_not_required",
)
OF_ACTIONS = (
    *("is_notice", "stop_notice", "temporary_stop_notice", "breach_of_condition_notice", "injunction"),
    *("planning_contravention_notice", "planning_enforcement_order"),
)
OF_RETURNS = {
    **dict.fromkeys(("decision_type_id", "decision_level_id", "eia_id"), "integer"),
    **dict.fromkeys(("extension_of_time_agreed", "planning_performance_agreement_signed"), "boolean"),
    **dict.fromkeys(("county_matters", "own_council_application", "regulation_4_application"), "boolean"),
    **dict.fromkeys(("environmental_statement_es_attached", "appeal_against_non_determination"), "boolean"),
    **dict.fromkeys(("approved_units", "net_increase_in_dwellings"), "integer"),
    **dict.fromkeys(("site_area_hectares", "total_non_residential_total_gross_floorspace_proposed"), "double"),
    **dict.fromkeys(("planning_portal_reference", "application_reference_number"), "varchar"),
    **dict.fromkeys(("committee_actual_date", "date_decision_taken"), "timestamp"),
}
TABLES = {
    "applications": {**dict.fromkeys(NUMBERS, "integer"), **dict.fromkeys(DATES, "timestamp"), "proposal": "varchar"}
    | {"ceased": "boolean"}
    | OF_RETURNS,
    "enforcements": dict.fromkeys(("id", "case_officer_id", "user_team_id", "reason_for_file_closure_id"), "integer")
    | dict.fromkeys(("complaint_received_date", "complaint_received", "date_file_closed"), "timestamp")
    | {"ceased": "boolean", "ceased_date": "timestamp", "target_for_closure": "timestamp"},
    "application_types": {
        "id": "integer",
        "name": "varchar",
        "code": "varchar",
        "exclude_from_stat_returns": "boolean",
    },
    "ps_development_codes": CODES | dict.fromkeys(OF_CODES, "boolean"),
    "users": {"id": "integer"}
    | dict.fromkeys(("forename", "surname", "username", "email", "mobile", "phone", "job_title"), "varchar"),
    "user_team_map": {"id": "integer", "user_id": "integer", "user_team_id": "integer"},
    "user_teams": {"id": "integer", "name": "varchar", "description": "varchar", "location": "varchar"},
    "dtf_locations": {"id": "integer", "uprn": "bigint", "postcode": "varchar"},
    "decision_levels": {"id": "integer", "name": "varchar", "committee": "boolean"},
    "decision_types": {"id": "integer", "name": "varchar", "exacom_code": "varchar"}
    | dict.fromkeys(OF_DECISIONS, "boolean"),
    "eias": {"id": "integer", "eia_application": "boolean", "expiry_days": "integer"},
    "appeals": dict.fromkeys(("id", "application_id", "enforcement_id", "appeal_decision_id"), "integer")
    | dict.fromkeys(("appeal_decision_date", "appeal_start_date", "submit_date"), "timestamp"),
    "appeal_decision": {"id": "integer", "against_lpa": "boolean", "for_lpa": "boolean"},
    "enforcement_actions_taken": dict.fromkeys(
        ("id", "enforcement_id", "action_type_id", "injunction_decision_id"), "integer"
    )
    | dict.fromkeys(("issue_date", "date_served", "injunction_date", "court_decision_date"), "timestamp"),
    "action_types": {"id": "integer"} | dict.fromkeys(OF_ACTIONS, "boolean"),
    "contacts": {"id": "integer", "contact_type_id": "integer", "surname": "varchar"},
}
LED_BY = {  # the table whose import_* and snapshot_* columns a model carries
    **{name: name for name in ("applications", "ps_development_codes", "decision_levels", "decision_types")},
    "officers": "users",
    "locations": "dtf_locations",
    "agents": "contacts",
    "applicants": "contacts",
}


def lake_of(*, settings=None, **rows):
    """A DuckDB with the refined tables of `rows` (dictionaries; what none names is NULL), mappings and macros."""
    lake = duckdb.connect()
    lake.execute("set disabled_optimizers = 'build_side_probe_side'")
    for schema in ("refined", "trusted", "mapping"):
        lake.execute(f"create schema {schema}")
    for table, types in TABLES.items():
        columns = types | IMPORTED
        lake.execute(f"create table refined.{table} ({', '.join(f'{name} {columns[name]}' for name in columns)})")
        for row in rows.get(table, ()):
            whole = {"import_date": f"of {table}", "snapshot_date": "20261129"} | row
            marks = ", ".join("?" for _ in whole)
            lake.execute(f"insert into refined.{table} ({', '.join(whole)}) values ({marks})", list(whole.values()))
    for file in (FOLDER / "mappings").glob("*.csv"):
        lake.execute(f"""create table mapping.{file.stem} as
            select * from read_csv('{file}', header = true, delim = ',', all_varchar = true)""")
    define_macros(lake, closing_days=CLOSED, day=MONDAY, settings=settings or {})
    return lake


def header_of(name):
    """The comment of a model and what its YAML says, by the rule: all lines up to the first that is no comment."""
    lines = []
    for line in text_of(name).splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").removeprefix(" "))
    end = lines.index("")
    return " ".join(lines[:end]), YAML(typ="safe").load("\n".join(lines[end:])) or {}


def text_of(name):
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def build(lake, name):
    """Make the trusted table of a model; its rows as dictionaries, in the order of its first column."""
    if name == "applications":
        build(lake, "ps_development_codes")
    lake.execute(f"create or replace table trusted.{name} as {text_of(name)}")
    found = lake.execute(f"select * from trusted.{name} order by all")
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def failed(lake, name):
    """Which checks of its header do not hold for the table of a model."""
    checks = header_of(name)[1]["checks"]
    table = f"trusted.{name}"
    conditions = {
        **{f"complete {column}": f"{column} is not null" for column in checks.get("complete", ())},
        **{f"accepted {one}": f"{one} in {values!r}" for one, values in _accepted(checks)},
        **checks.get("conditions", {}),
    }
    found = [what for what, holds in conditions.items() if _one(lake, f"from {table} where not ({holds})")]
    for key in checks.get("unique", ()):
        columns = ", ".join(key if isinstance(key, list) else [key])
        if _one(lake, f"from (select 1 from {table} group by {columns} having count(*) > 1)"):
            found.append(f"unique {columns}")
    return found


def _accepted(checks):
    return [(column, tuple(values)) for column, values in checks.get("accepted", {}).items()]


def _one(lake, query):
    return lake.execute(f"select count(*) {query}").fetchall()[0][0]
