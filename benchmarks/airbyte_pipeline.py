"""The same load with PyAirbyte: a declarative source, run in this process, into its DuckDB cache, with the same types.

python benchmarks/airbyte_pipeline.py http://127.0.0.1:8000/rest/v1 FOLDER TYPES.json [DAY]

Without a day everything is read and replaced; with one, what changed on it is merged on `id`. The manifest is what the
Connector Builder would write: pages by number until the headers' total, a schema of the catalogue's types, to which the
source casts by its default normalization. As in dlt's pipeline nothing is signed; the
server does not look. Telemetry is off, and the registry of connectors is not asked. A key that is not in the schema
would be dropped, so the types here name those that nobody declared too.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

SETTINGS = {"DO_NOT_TRACK": "1", "AIRBYTE_OFFLINE_MODE": "1", "AIRBYTE_LOGGING_ROOT": f"{sys.argv[2]}/logs"}
for setting, value in SETTINGS.items():  # before airbyte is imported, which reads them
    os.environ.setdefault(setting, value)

import airbyte as ab  # noqa: E402
from airbyte.caches import DuckDBCache  # noqa: E402

TYPES = {
    "integer": {"type": ["null", "integer"]},
    "long": {"type": ["null", "integer"]},
    "float": {"type": ["null", "number"]},
    "double": {"type": ["null", "number"]},
    "boolean": {"type": ["null", "boolean"]},
    "timestamp": {"type": ["null", "string"], "format": "date-time", "airbyte_type": "timestamp_without_timezone"},
    "text": {"type": ["null", "string"]},
}
DROPPED = "gis_map_image_base64"
BAD_COLUMN = "site_area_hectares"
# A cell that does not cast ends the load of its table, so the column that has some is told beforehand.
WITHOUT_BAD_CELLS = {
    "type": "AddFields",
    "fields": [
        {
            "type": "AddedFieldDefinition",
            "path": [BAD_COLUMN],
            "value": f"{{{{ record['{BAD_COLUMN}'] if record['{BAD_COLUMN}'] != 'n/a' else None }}}}",
        }
    ],
}
NEXT_PAGE = "{{ headers['X-Page-Number'] | int + 1 }}"
IS_LAST = (
    "{{ headers['X-Page-Number'] | int * headers['X-Results-Per-Page'] | int >= headers['X-Number-Of-Results'] | int }}"
)


def stream(name: str, types: dict[str, str], base_url: str, day: str | None) -> dict[str, Any]:
    """How one resource is read."""
    return {
        "type": "DeclarativeStream",
        "name": name,
        "primary_key": ["id"],
        "retriever": {
            "type": "SimpleRetriever",
            "requester": {
                "type": "HttpRequester",
                "url_base": base_url,
                "path": f"/{name}",
                "http_method": "GET",
                "request_parameters": {"last_updated": day} if day else {},
                "error_handler": {
                    "type": "DefaultErrorHandler",
                    "response_filters": [{"type": "HttpResponseFilter", "http_codes": [202], "action": "IGNORE"}],
                },
            },
            "record_selector": {
                "type": "RecordSelector",
                "extractor": {"type": "DpathExtractor", "field_path": []},
                "schema_normalization": "Default",
            },
            "paginator": {
                "type": "DefaultPaginator",
                "page_token_option": {
                    "type": "RequestOption",
                    "inject_into": "request_parameter",
                    "field_name": "page",
                },
                "pagination_strategy": {
                    "type": "CursorPagination",
                    "cursor_value": NEXT_PAGE,
                    "stop_condition": IS_LAST,
                },
            },
        },
        "transformations": [
            {"type": "RemoveFields", "field_pointers": [[DROPPED]]},
            *([WITHOUT_BAD_CELLS] if BAD_COLUMN in types else []),
        ],
        "schema_loader": {
            "type": "InlineSchemaLoader",
            "schema": {"type": "object", "properties": {column: TYPES[kind] for column, kind in types.items()}},
        },
    }


def manifest(resources: dict[str, dict[str, str]], base_url: str, day: str | None) -> dict[str, Any]:
    """The whole source."""
    return {
        "version": "7.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": [next(iter(resources))]},
        "concurrency_level": {"type": "ConcurrencyLevel", "default_concurrency": 4},
        "streams": [stream(name, types, base_url, day) for name, types in resources.items()],
        "spec": {
            "type": "Spec",
            "connection_specification": {"type": "object", "properties": {}, "additionalProperties": True},
        },
    }


def main() -> None:
    base_url, folder, described, *days = sys.argv[1:]
    resources = json.loads(Path(described).read_text())
    day = days[0] if days else None
    source = ab.get_source("source-tascomi", config={}, source_manifest=manifest(resources, base_url, day), streams="*")
    cache = DuckDBCache(
        db_path=str(Path(folder) / "tascomi.duckdb"), schema_name="refined", cache_dir=str(Path(folder) / "cache")
    )
    print(source.read(cache, write_strategy="merge" if day else "replace", force_full_refresh=True).processed_records)


if __name__ == "__main__":
    main()
