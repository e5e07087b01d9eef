"""A Singer tap for the API by Meltano's SDK, with the catalogue's types; with `target-duckdb` it is the same load.

python benchmarks/singer_tap.py --config CONFIG.json | target-duckdb --config TARGET.json

`tap-rest-api-msdk`, which needs no code, was tried first: it ends at an answer without a body (202: no data, or a last
page that is full) and every "f" becomes true. So this is the tap that the SDK's documentation has one write: a
`RESTStream`, a paginator by the headers' total, casts in `post_process`. A cell that does not cast is NULL, and nobody
is told. The configuration has `url`, `types` (a file), and `day` where only what changed on it is asked for.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.pagination import PageNumberPaginator
from singer_sdk.streams import RESTStream

SCHEMAS = {
    "integer": {"type": ["null", "integer"], "maximum": 2**31 - 1},
    "long": {"type": ["null", "integer"], "maximum": 2**63 - 1},
    "float": {"type": ["null", "number"]},
    "double": {"type": ["null", "number"]},
    "boolean": {"type": ["null", "boolean"]},
    "timestamp": {"type": ["null", "string"], "format": "date-time"},
    "text": {"type": ["null", "string"]},
}
CASTS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": {"t": True, "f": False}.__getitem__,
}
DROPPED = "gis_map_image_base64"


class ByHeaders(PageNumberPaginator):
    """Pages by number, as many as the API's own headers say: there is no total in its JSON."""

    def has_more(self, response: Any) -> bool:  # noqa: ANN401
        """Whether the total lies beyond this page."""
        headers = response.headers
        if "X-Number-Of-Results" not in headers:
            return False
        total, size = int(headers["X-Number-Of-Results"]), int(headers["X-Results-Per-Page"])
        return self.current_value * size < total


class Records(RESTStream[int]):
    """One resource."""

    primary_keys = ("id",)

    def __init__(self, tap: Tap, name: str, types: dict[str, str]) -> None:
        schema = {"type": "object", "properties": {column: SCHEMAS[kind] for column, kind in types.items()}}
        super().__init__(tap, name=name, schema=schema, path=f"/{name}")
        self.casts = {column: CASTS[kind] for column, kind in types.items() if kind in CASTS}

    @property
    def url_base(self) -> str:
        """Where the API is."""
        return str(self.config["url"])

    def get_new_paginator(self) -> ByHeaders:
        """From the first page on."""
        return ByHeaders(start_value=1)

    def get_url_params(self, context: Any, next_page_token: int | None) -> dict[str, Any]:  # noqa: ANN401, ARG002
        """The page, and the day where one is asked for."""
        day = {"last_updated": self.config["day"]} if self.config.get("day") else {}
        return {"page": next_page_token or 1, **day}

    def parse_response(self, response: Any) -> Iterable[dict[str, Any]]:  # noqa: ANN401
        """The records of a page; an answer without a body has none."""
        return response.json() if response.content else ()

    def post_process(self, row: dict[str, Any], context: Any = None) -> dict[str, Any]:  # noqa: ANN401, ARG002
        """The record in its types, without its map image."""
        row.pop(DROPPED, None)
        for column, cast in self.casts.items():
            if (value := row.get(column)) is not None:
                try:
                    row[column] = cast(value)
                except (ValueError, KeyError):
                    row[column] = None
        return row


class TapPlanning(Tap):
    """All resources of the file of types."""

    name = "tap-planning"
    config_jsonschema = th.PropertiesList(
        th.Property("url", th.StringType, required=True),
        th.Property("types", th.StringType, required=True),
        th.Property("day", th.StringType),
    ).to_dict()

    def discover_streams(self) -> list[Records]:
        """One stream for each."""
        types = json.loads(Path(self.config["types"]).read_text())
        return [Records(self, name, columns) for name, columns in types.items()]


if __name__ == "__main__":
    TapPlanning.cli()
