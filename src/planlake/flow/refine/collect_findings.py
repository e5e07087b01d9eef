"""Makes rows of `uncastable` and `rejected` from one part of the work: cells that did not cast, records refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from planlake.checks.examples import masked
from planlake.engines.duckdb.casting import BadCells
from planlake.sources.catalogue import Resource


@dataclass(frozen=True, slots=True)
class Findings:
    """Makes rows of findings from rows of one part; `keys` are those its columns hold, by column."""

    run: int
    resource: Resource
    texts: pa.Table
    keys: Mapping[str, str]

    def _places(self, positions: pa.Array) -> list[dict[str, Any]]:
        key = self.resource.key
        names = ["batch", key, "import_request_id", "page_number", "import_position"]
        places = self.texts.select(names).take(positions).to_pylist()
        return [
            {
                "run": self.run,
                "resource": self.resource.name,
                "batch": place["batch"],
                "id": place[key],
                "request_id": place["import_request_id"],
                "page_number": place["page_number"],
                "position": place["import_position"],
            }
            for place in places
        ]

    def uncastable(self, cells: BadCells) -> list[dict[str, Any]]:
        """Rows of `uncastable` for the cells of one column; values of personal columns are masked."""
        is_key = cells.column == self.resource.key
        key = self.keys[cells.column]
        is_personal = self.resource.is_personal(key) or (is_key and bool(self.resource.personal))
        return [
            {
                **place,
                "id": masked(place["id"], is_personal=is_key and is_personal),
                "column": cells.column,
                "raw_value": masked(value, is_personal=is_personal),
                "wanted_type": cells.wanted_type,
            }
            for place, value in zip(self._places(cells.positions), cells.values.to_pylist(), strict=True)
        ]

    def rejected(self, is_refused: pa.ChunkedArray) -> list[dict[str, Any]]:
        """Rows of `rejected` for the rows that are refused, without their record."""
        positions = pc.indices_nonzero(is_refused)
        if not len(positions):
            return []
        is_personal = bool(self.resource.personal)  # an id that is none may be anything
        return [
            {**place, "id": masked(place["id"], is_personal=is_personal), "reason": self._reason(place["id"])}
            for place in self._places(positions)
        ]

    def _reason(self, record_id: str | None) -> str:
        if record_id is None:
            return f"no {self.resource.key}"
        return f"{self.resource.key} is no {self.resource.type_of(self.resource.key)}"
