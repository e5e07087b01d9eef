"""A generated council of many applications, and its records written straight into the refined tables of a lake."""

from dataclasses import replace
from datetime import datetime

import pyarrow as pa
from pyiceberg.io.pyarrow import schema_to_pyarrow

from planlake.config import load_config
from planlake.lake.open_lake import open_lake
from planlake.lake.tables.columns import REFINED_OWN, schema_of
from planlake.lake.tables.commits import commit
from planlake.lake.tables.parquet import write_file
from planlake.setup.copy_models import copy_models
from planlake.simulator.generator import Shape, generate
from planlake.sources.catalogue import load_catalogue

NOW = "2026-11-23T03:00:00"
CATALOGUE = load_catalogue("tascomi")
OF_APPLICATIONS = (
    *("id", "last_updated", "application_stage", "application_type_id", "ps_development_code_id", "officer_id"),
    *("received_date", "valid_date", "registration_date", "decision_issued_date", "expiry_date", "ceased_date"),
    *("decision_type_id", "decision_level_id", "extension_of_time_due_date", "ppa_decision_due_date", "eia_id"),
    *("approved_units", "net_increase_in_dwellings", "site_area_hectares", "planning_portal_reference"),
    "application_reference_number",
    *("total_non_residential_total_gross_floorspace_proposed", "committee_actual_date", "date_decision_taken"),
    *("extension_of_time_agreed", "planning_performance_agreement_signed", "county_matters", "ceased"),
    *("own_council_application", "regulation_4_application", "environmental_statement_es_attached"),
)
RESOURCES = (
    *("applications", "application_types", "ps_development_codes", "decision_types", "decision_levels", "eias"),
    *("users", "user_teams", "user_team_map", "appeals", "appeal_decision", "enforcement_actions_taken"),
    *("action_types", "fees", "dtf_locations", "contacts", "enforcements"),
)


def council(applications, years):
    """Records by resource of so many applications over so many years; of their columns, those that models read.

    They are made with all booleans, of which few are true in one application: of less of them, more would be.
    """
    whole = CATALOGUE.resource("applications")
    columns = {key: kind for key, kind in whole.columns.items() if key in OF_APPLICATIONS or kind == "boolean"}
    resources = {name: CATALOGUE.resource(name) for name in RESOURCES}
    resources["applications"] = replace(whole, columns=columns, documented_types={})
    sizes = {"applications": applications, "appeals": applications // 20, "enforcement_actions_taken": 1_000}
    data = generate(
        replace(CATALOGUE, resources=resources),
        seed=20,
        now=datetime.fromisoformat(NOW),
        sizes=sizes,
        shape=Shape(days=years * 365),
    )
    records = {name: data.records(name) for name in RESOURCES}
    records["applications"] = [{key: one[key] for key in OF_APPLICATIONS} for one in records["applications"]]
    return records


def lake_with(records, folder, monkeypatch):
    """The configuration of a lake that holds these records as if loaded at NOW, with all models in its folder."""
    monkeypatch.setenv("PLANLAKE_NOW", NOW)
    file = folder / "planlake.yaml"
    file.write_text(f"source: tascomi\ntables: {{daily: [{', '.join(records)}]}}\n", encoding="utf-8")
    config = load_config(file)
    copy_models(config)
    lake = open_lake(config)
    for name, rows in records.items():
        kinds = {key: kind for key, kind in CATALOGUE.resource(name).columns.items() if key in rows[0]}
        for table in (f"increment_{name}", f"current_{name}"):
            made = lake.create("refined", table, schema_of(kinds | REFINED_OWN), bookmarked=True)
        file = write_file(made, _typed(rows, kinds, schema_to_pyarrow(made.schema())))
        commit(made, add=[file], properties={"planlake.batch": "1", "planlake.run": "1"})
    return config


def _typed(rows, kinds, schema):
    own = {"is_deleted": False}
    columns = [
        pa.array([_value(row[field.name], kinds[field.name]) for row in rows], field.type)
        if field.name in kinds
        else pa.repeat(pa.scalar(own.get(field.name), field.type), len(rows))
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _value(text, kind):
    if text is None or text in ("n/a", "approx. 2") or text.startswith("0000"):
        return None
    if kind == "boolean":
        return text == "t"
    if kind.startswith("timestamp"):
        return datetime.fromisoformat(text)
    return {"integer": int, "long": int, "float": float, "double": float}.get(kind, str)(text)
