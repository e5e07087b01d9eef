"""Commits raw and ledger rows of many tables together, as they arrive from the API.

A commit costs about the same for one table as for ten. So tables whose rows are ready at the same moment share one:
whoever gets its turn commits everything that waits, raw rows first, their ledger rows after them.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import pyarrow as pa
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile

from planlake.lake.lake import Lake
from planlake.lake.tables.commits import commit
from planlake.lake.tables.parquet import write_file

TABLE_OF = {"records": "api_responses", "requests": "api_requests"}  # in the order of their commits


@dataclass(frozen=True, slots=True)
class _Arrival:
    """Files of one resource that wait to be committed, and how that went."""

    records: list[DataFile]
    requests: list[DataFile]
    landed: Future[None] = field(default_factory=Future)


class Arrivals:
    """The way into raw, shared by the tables of a run."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._waiting: SimpleQueue[_Arrival] = SimpleQueue()

    def land(self, resource: str, records: pa.Table, requests: Sequence[Mapping[str, Any]]) -> None:
        """Commit raw rows and ledger rows of one resource; they are committed when this returns.

        Trouble of a commit is raised to every table that took part in it.
        """
        arrival = _Arrival(self._record_files(resource, records), self._request_files(resource, requests))
        self._waiting.put(arrival)
        with self._lake.commits:
            if not arrival.landed.done():  # otherwise somebody else's turn took it along
                self._commit_waiting()
        arrival.landed.result()

    def land_requests(self, requests: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Commit ledger rows of several resources, which bring no records, together."""
        files = [file for resource, rows in requests.items() for file in self._request_files(resource, rows)]
        if files:
            with self._lake.commits:
                table = self._lake.reload("raw", TABLE_OF["requests"])
                commit(table, add=files)
                self._lake.loaded["raw", TABLE_OF["requests"]] = table

    def _commit_waiting(self) -> None:
        taken = [self._waiting.get() for _ in range(self._waiting.qsize())]
        try:
            for name in ("records", "requests"):
                files = [file for arrival in taken for file in getattr(arrival, name)]
                if files:
                    table = self._lake.reload("raw", TABLE_OF[name])
                    commit(table, add=files)
                    self._lake.loaded["raw", TABLE_OF[name]] = table
        except BaseException as error:
            for arrival in taken:
                arrival.landed.set_exception(error)
            return
        for arrival in taken:
            arrival.landed.set_result(None)

    def _record_files(self, resource: str, records: pa.Table) -> list[DataFile]:
        if not len(records):
            return []
        with self._lake.commits:
            table = self._lake.find_or_create_built_in_table("raw", "api_responses")
        return [write_file(table, records, partition=(resource,))]

    def _request_files(self, resource: str, requests: Sequence[Mapping[str, Any]]) -> list[DataFile]:
        if not requests:
            return []
        with self._lake.commits:
            table = self._lake.find_or_create_built_in_table("raw", "api_requests")
        rows = pa.Table.from_pylist(list(requests), schema_to_pyarrow(table.schema()))
        return [write_file(table, rows, partition=(resource,))]
