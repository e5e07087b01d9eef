"""Raw rows that count, for whoever reads them: what is asked of the ledger is asked once and handed on."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import literal
from planlake.errors import PlanlakeError
from planlake.lake.aws.file_access import FileAccess, access_of
from planlake.lake.lake import Lake
from planlake.lake.state.ledger import raw_files, voided_batches_and_good_requests
from planlake.lake.tables.data_files import bounds_in, bounds_of, data_files

MOST_CONDITIONS = 20  # more ranges of requests are joined

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema


@dataclass(frozen=True, slots=True)
class RawRows:
    """The rows of a resource in these files of raw, of batches above one, of none that is voided.

    Those of requests that went well: `requests` are ranges of their numbers, both ends included, in order. The files
    are in the order in which their rows were asked for.
    """

    files: tuple["DataFile", ...] = field(repr=False)
    schema: "Schema" = field(repr=False)
    resource: str
    above: int
    voided: tuple[int, ...]
    requests: tuple[tuple[int, int], ...] = field(repr=False)
    access: FileAccess = field(default_factory=FileAccess)

    def sql(self, columns: Collection[str] | None = None) -> str:
        """A table expression of these rows; `columns` must name `resource`, `batch` and `request_id`.

        As a rule the rows come in the order of their files. A join would shuffle them by row group, and ids that follow
        one another would lie apart in every table behind raw: each range of ids would be read from many places.
        """
        if not self.requests:
            return f"(select * from {rows_sql((), self.schema, columns=columns)})"
        self.access.let_duckdb_read(file.file_path for file in self.files[:1])
        rows = rows_sql(self.files, self.schema, columns=columns)
        voided = f"and batch not in ({', '.join(map(str, self.voided))})" if self.voided else ""
        return f"""(select * from {rows} where resource = {literal(self.resource)} and batch > {self.above} {voided}
                    and {self._is_good()})"""

    def _is_good(self) -> str:
        """A condition for the rows of requests that went well."""
        if len(self.requests) <= MOST_CONDITIONS:
            return f"({' or '.join(f'request_id between {low} and {high}' for low, high in self.requests)})"
        ends = ", ".join(f"({low}, {high})" for low, high in self.requests)
        good = f"select unnest(generate_series(low::bigint, high::bigint)) from (values {ends}) as ranges(low, high)"
        return f"request_id in ({good})"

    def part(self, files: Sequence["DataFile"]) -> "RawRows":
        """The rows in some of the files, with as much of the ledger as they need."""
        low, high = bounds_in(self.schema, files, "request_id")
        needed = tuple(ends for ends in self.requests if ends[1] >= low and ends[0] <= high)
        return replace(self, files=tuple(files), requests=needed)


@dataclass(frozen=True, slots=True)
class RawFiles:
    """The files of raw by resource, for who asks for those of many: lists are read once for all of them.

    Where lists are damaged, those of each resource are read for it alone, so that what others need hides nothing.
    """

    lake: Lake
    listed: dict[str, Mapping[str, list["DataFile"]] | None] = field(default_factory=dict, repr=False)

    def of(self, resource: str) -> list["DataFile"]:
        """The files that may hold rows of a resource; a LakeError where lists that name them are gone or damaged."""
        holder = self.lake.holder(resource)
        if holder.preview not in self.listed:
            self.listed[holder.preview] = _listed(holder)
        found = self.listed[holder.preview]
        return raw_files(holder, resource, 0) if found is None else found.get(resource, [])

    def above(self, resource: str, batch: int) -> list["DataFile"]:
        """Those that may hold rows of batches above one."""
        files, table = self.of(resource), self.lake.holder(resource).find("raw", "api_responses")
        return [one for one in files if table is not None and bounds_in(table.schema(), [one], "batch")[1] > batch]


def _listed(lake: Lake) -> dict[str, list["DataFile"]] | None:
    """Every file of raw by its resource; None where some list that names them is gone or damaged."""
    found: dict[str, list[DataFile]] = {}
    try:
        table = lake.find("raw", "api_responses")
        for file in data_files(table) if table is not None else ():
            found.setdefault(str(file.partition[0]), []).append(file)
    except PlanlakeError:
        return None
    return found


def raw_rows_above(lake: Lake, connection: Connection, resource: str, *, above: int) -> RawRows:
    """The raw rows of a resource in batches above one, by what the ledger says now."""
    found = raw_files(lake, resource, above)
    if not found:
        from pyiceberg.schema import Schema  # noqa: PLC0415 - who asks whether there are any needs none of it

        return RawRows((), Schema(), resource, above, (), ())
    table = lake.find_or_create_built_in_table("raw", "api_responses")
    files = tuple(sorted(found, key=lambda file: bounds_of(table, file, "request_id")))
    voided, requests = voided_batches_and_good_requests(lake, connection, resource, above)
    rows = RawRows(files, table.schema(), resource, above, tuple(voided), tuple(_joined(requests)), access_of(table))
    return rows if len(rows.requests) <= MOST_CONDITIONS else _with_few_ranges(connection, rows)


def _with_few_ranges(connection: Connection, rows: RawRows) -> RawRows:
    """The same rows by fewer ranges, which may reach over numbers of requests that brought no row of the resource.

    Tables that are read side by side take their numbers in turns.
    """
    lows = [low for low, _ in rows.requests]
    with connection.cursor() as cursor:
        query = (
            f"select distinct request_id from {rows_sql(rows.files, rows.schema, columns=('request_id',))} order by 1"
        )
        brought = [int(number) for (number,) in cursor.execute(query).fetchall()]
    ranges: list[tuple[int, int]] = []
    is_going_on = False
    for number in brought:
        place = bisect_right(lows, number) - 1
        is_good = place >= 0 and number <= rows.requests[place][1]
        if is_good:
            ranges[-1:] = [(ranges[-1][0], number)] if is_going_on else [*ranges[-1:], (number, number)]
        is_going_on = is_good
    return replace(rows, requests=tuple(ranges))


def _joined(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Ranges in order, those that touch or overlap as one."""
    last: tuple[int, int] | None = None
    for low, high in sorted(ranges):
        if last is not None and low <= last[1] + 1:
            last = last[0], max(high, last[1])
        else:
            if last is not None:
                yield last
            last = low, high
    if last is not None:
        yield last
