"""The same load with dlt: its `rest_api` source, by Parquet files, into DuckDB, with the same types as hints.

python benchmarks/dlt_pipeline.py http://127.0.0.1:8000/rest/v1 FOLDER TYPES.json [DAY [WHOLE.json]]

Without a day everything is read and replaced; with one, what changed on it is merged on `id`, and the resources of a
second file of types are read whole and replaced. The vendor's names are
kept (`naming = direct`), both resources are read at once, files are cut so that two processes can normalize: what its
own documentation recommends for speed. A setting that the environment has already stays (NORMALIZE__WORKERS=1 is dlt's
default). Telemetry is off. A cell that does not cast lands in a column beside its own, as dlt does it
(`site_area_hectares__v_text`).
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

SETTINGS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "SCHEMA__NAMING": "direct",
    "NORMALIZE__WORKERS": "2",
    "EXTRACT__DATA_WRITER__FILE_MAX_ITEMS": "5000",  # so that two processes have something to share
    "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": "50000",
}
for setting, value in SETTINGS.items():  # before dlt is imported, which reads them; what is set already stays
    os.environ.setdefault(setting, value)

import dlt  # noqa: E402
from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator  # noqa: E402
from dlt.sources.rest_api import rest_api_source  # noqa: E402

TYPES = {
    "integer": "bigint",
    "long": "bigint",
    "float": "double",
    "double": "double",
    "boolean": "bool",
    "timestamp": "timestamp",
    "text": "text",
}
DROPPED = "gis_map_image_base64"


class HeaderPaginator(PageNumberPaginator):
    """Pages by number, as many as the API's own headers say: there is no total in its JSON."""

    def __init__(self) -> None:
        super().__init__(base_page=1, page_param="page", total_path=None)

    def update_state(self, response: Any, data: list[Any] | None = None) -> None:  # noqa: ANN401
        """Go on until the last page of the total."""
        super().update_state(response, data)
        total, size = (int(response.headers[name]) for name in ("X-Number-Of-Results", "X-Results-Per-Page"))
        if (self.current_value - 1) * size >= total:
            self._has_next_page = False


def without_image(record: dict[str, Any]) -> dict[str, Any]:
    """The record without its map image, which nobody keeps."""
    record.pop(DROPPED, None)
    return record


def resource(name: str, types: dict[str, str], day: str | None) -> dict[str, Any]:
    """How one resource is read and kept."""
    return {
        "name": name,
        "primary_key": "id",
        "write_disposition": "merge" if day else "replace",
        "columns": {column: {"data_type": TYPES[kind]} for column, kind in types.items()},
        "max_table_nesting": 0,
        "parallelized": True,
        "processing_steps": [{"map": without_image}],
        "endpoint": {
            "path": name,
            "params": {"last_updated": day} if day else {},
            "paginator": HeaderPaginator(),
            "data_selector": "$",
            "response_actions": [{"status_code": 202, "action": "ignore"}],
        },
    }


def main() -> None:
    base_url, folder, described, *days = sys.argv[1:]
    resources = json.loads(Path(described).read_text())
    day = days[0] if days else None
    whole = json.loads(Path(days[1]).read_text()) if len(days) > 1 else {}
    source = rest_api_source(
        {
            "client": {"base_url": f"{base_url}/"},
            "resources": [
                *(resource(name, types, day) for name, types in resources.items()),
                *(resource(name, types, None) for name, types in whole.items()),
            ],
        },
        name="tascomi",
    )
    pipeline = dlt.pipeline(
        "tascomi",
        pipelines_dir=str(Path(folder) / "pipelines"),
        destination=dlt.destinations.duckdb(str(Path(folder) / "tascomi.duckdb")),
        dataset_name="refined",
    )
    print(pipeline.run(source, loader_file_format="parquet"))


if __name__ == "__main__":
    main()
