"""Writes the Tascomi catalogue, one TOML file for each resource, from three CSV files of facts.

    python scripts/build_tascomi_catalogue.py FACTS_FOLDER [OUT_FOLDER]

The files are the product's own from then on: edit them by hand when the vendor's API changes.
"""

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

Row = dict[str, str]
DEFAULT_OUT = Path(__file__).parent.parent / "src/planlake/sources/tascomi"

# Values seen in the service (reference, section 5): the stages of an application.
ACCEPTED = {"applications": {"application_stage": [str(stage) for stage in range(1, 12)]}}
DROPPED_KEYS = {"gis_map_image_base64"}
PERSONAL_RESOURCES = {"additional_contacts", "contacts", "emails", "public_comments", "users"}
PERSONAL_COLUMN = re.compile(r"(^|_)(signed_by|applicants?_name|agents?_name|site_visit_please_contact)$")


def read_csv(path: Path) -> list[Row]:
    """Read a CSV file with a header row."""
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def by_resource(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Group rows by their `resource` value."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["resource"]].append(row)
    return groups


def table_of(name: str, pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Lines of one TOML table of quoted values, or nothing when there are no pairs."""
    lines = [f'{key} = "{value}"' for key, value in pairs]
    return ["", f"[{name}]", *lines] if lines else []


def personal_columns(resource: str, columns: list[Row]) -> list[str]:
    """Columns whose values name or reach a person; `*` means every column but the key."""
    if resource in PERSONAL_RESOURCES:
        return ["*"]
    return [row["column"] for row in columns if PERSONAL_COLUMN.search(row["column"])]


def resource_file(facts: Row, columns: list[Row], relations: list[Row]) -> str:
    """The catalogue file of one resource as text."""
    name = facts["resource"]
    kept = [row for row in columns if row["column"] not in DROPPED_KEYS]
    has_changed = any(row["column"] == "last_updated" for row in kept)
    lines = [f"[{name}]", f'cadence = "{facts["cadence"]}"', 'key = "id"']
    if not has_changed:
        lines.append('changed = ""  # nothing says when a record changed: read whole each time')
    complete = facts["complete_column_parse"] or "id"
    lines += [f'complete = "{complete}"', "complete_minimum = 0.99"]
    personal = personal_columns(name, kept)
    if personal:
        lines.append(f"personal = {personal!r}".replace("'", '"'))
    unresolved = [row["column"] for row in relations if row["how"] == "unresolved"]
    if unresolved:
        lines.append(f"relations_unresolved = {unresolved!r}".replace("'", '"'))
    lines += table_of(f"{name}.columns", ((row["column"], row["type"]) for row in kept))
    overridden = [row for row in kept if row["documented_type"] not in ("", row["type"])]
    lines += table_of(f"{name}.documented_types", ((row["column"], row["documented_type"]) for row in overridden))
    accepted = [f"{column} = {values!r}".replace("'", '"') for column, values in ACCEPTED.get(name, {}).items()]
    lines += ["", f"[{name}.accepted]", *accepted] if accepted else []
    for how, table in (("name", "relations"), ("guess", "relations_guessed")):
        pairs = ((row["column"], row["target_resource"]) for row in relations if row["how"] == how)
        lines += table_of(f"{name}.{table}", pairs)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write every resource file."""
    facts = Path(sys.argv[1])
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else DEFAULT_OUT
    columns = by_resource(read_csv(facts / "columns.csv"))
    relations = by_resource(read_csv(facts / "relations.csv"))
    resources = read_csv(facts / "resources.csv")
    for row in resources:
        text = resource_file(row, columns[row["resource"]], relations.get(row["resource"], []))
        (out / f"{row['resource']}.toml").write_text(text, encoding="utf-8")
    print(f"{len(resources)} resources written to {out}")


if __name__ == "__main__":
    main()
