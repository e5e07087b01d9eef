"""Makes the OpenLineage events of a step: that it began, and how it ended.

Datasets are named by where their files lie, as OpenLineage asks, and by their name in the catalogue beside it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    JobFacet,
    OutputDatasetFacet,
    RunFacet,
    base_subset_dataset,
    dataset_version_dataset,
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    processing_engine_run,
    schema_dataset,
    symlinks_dataset,
    tags_run,
    test_run,
)
from pyiceberg.schema import Schema

from planlake.checks.quality import CheckResult
from planlake.lake.lake import Lake
from planlake.telemetry.steps import StepEnd, StepName, StepOutcome
from planlake.version import __version__

PRODUCER = f"urn:planlake:{__version__}"
STATES: Mapping[StepOutcome, RunState] = {
    "done": RunState.COMPLETE,
    "unchanged": RunState.COMPLETE,
    "open": RunState.FAIL,
    "held": RunState.FAIL,
    "failed": RunState.FAIL,
    "stopped": RunState.ABORT,
}
SEVERITIES = {"held": "error", "warning": "warn"}


@dataclass(frozen=True, slots=True)
class OfRun:
    """What all events of a run say: its identity, their namespace, the API's address, the lake, and what it is."""

    identity: str
    namespace: str
    api: str
    lake: Lake
    about: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class OfStep:
    """What both events of a step say; a trusted table is called `trusted.NAME` and says which tables it `reads`."""

    run: OfRun
    identity: str
    table: str
    step: StepName
    reads: tuple["Place", ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A table of a lake: its zone and its name there."""

    lake: Lake
    zone: str
    name: str


@dataclass(frozen=True, slots=True)
class Made:
    """The columns and the version of the table that a step wrote; neither where it wrote nothing."""

    schema: Schema | None = None
    version: int | None = None


def made_by(this: OfStep, how: StepEnd) -> Made:
    """What a step made, as the lake has it now."""
    if how.outcome != "done":
        return Made()
    if this.step == "ingest":
        return Made(this.run.lake.built_in_schema("raw", "api_responses"))
    place = _place(this, this.step)
    table = place.lake.find(place.zone, place.name)
    return Made() if table is None else Made(table.schema(), table.metadata.current_snapshot_id)


def start_event(this: OfStep, at: str) -> RunEvent:
    """The event of a step that begins."""
    about = this.run.about
    tags = [tags_run.TagsRunFacetFields(name, str(value), "PLANLAKE") for name, value in about.items()]
    facets: dict[str, RunFacet] = {
        "processing_engine": processing_engine_run.ProcessingEngineRunFacet(str(about["version"]), "Planlake"),
        "tags": tags_run.TagsRunFacet(tags=tags),
    }
    return _event(this, RunState.START, at, facets=facets, read=_inputs(this), written=_output(this))


def end_event(this: OfStep, at: str, how: StepEnd, made: Made) -> RunEvent:
    """The event of a step that ended."""
    facets: dict[str, RunFacet] = {}
    if how.message:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(how.message, "PYTHON")
    if how.checks:
        facets["test"] = test_run.TestRunFacet(list(_tests(how.checks)))
    read, written = _inputs(this, how), _output(this, how, made)
    return _event(this, STATES[how.outcome], at, facets=facets, read=read, written=written)


def _event(
    this: OfStep,
    state: RunState,
    at: str,
    *,
    facets: dict[str, RunFacet],
    read: list[InputDataset],
    written: OutputDataset,
) -> RunEvent:
    run = this.run
    parent = parent_run.ParentRunFacet(parent_run.Run(run.identity), parent_run.Job(run.namespace, "run"))
    kind: dict[str, JobFacet] = {"jobType": job_type_job.JobTypeJobFacet("BATCH", "PLANLAKE", "TASK")}
    run_facets: dict[str, RunFacet] = {"parent": parent, **facets}
    of_inputs = (group for one in read for group in (one.facets, one.inputFacets))
    for group in (run_facets, kind, *of_inputs, written.facets, written.outputFacets):
        for facet in (group or {}).values():
            facet._producer = PRODUCER  # else each says that the client made it
    return RunEvent(
        eventType=state,
        eventTime=at,
        run=Run(this.identity, run_facets),
        job=Job(run.namespace, f"{this.table}.{this.step}", kind),
        inputs=read,
        outputs=[written],
        producer=PRODUCER,
    )


def _inputs(this: OfStep, how: StepEnd | None = None) -> list[InputDataset]:
    """What a step reads: the API's resource, its records in raw, `increment_`, or the tables of a model."""
    if this.step == "ingest":
        parts = urlsplit(this.run.api)
        facets: dict[str, InputDatasetFacet] = {}
        if how is not None and how.received is not None:
            counted = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(how.received, how.received_bytes)
            facets["inputStatistics"] = counted
        return [InputDataset(f"{parts.scheme}://{parts.netloc}", f"{parts.path}/{this.table}", inputFacets=facets)]
    if this.step == "refine":
        subset = base_subset_dataset.InputSubsetInputDatasetFacet(_of_resource(this.table))
        raw = _place(this, "ingest")
        return [InputDataset(*_path(raw), facets=_names(raw), inputFacets={"subset": subset})]
    read = this.reads if this.step == "trust" else (_place(this, "refine"),)
    return [InputDataset(*_path(one), facets=_names(one)) for one in read]


def _output(this: OfStep, how: StepEnd | None = None, made: Made | None = None) -> OutputDataset:
    """What a step writes; columns, version and size only where it wrote something."""
    place = _place(this, this.step)
    facets, own = _names(place), dict[str, OutputDatasetFacet]()
    if made is not None and made.schema is not None:
        facets["schema"] = _schema(made.schema)
    if made is not None and made.version is not None:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(str(made.version))
    if how is not None and how.outcome in ("done", "unchanged"):
        own["outputStatistics"] = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
            how.rows, how.bytes
        )
    if this.step == "ingest":
        own["subset"] = base_subset_dataset.OutputSubsetOutputDatasetFacet(_of_resource(this.table))
    return OutputDataset(*_path(place), facets=facets, outputFacets=own)


def _place(this: OfStep, step: StepName) -> Place:
    """The table that a step of a table, or of a model, writes."""
    written = {
        "ingest": ("raw", "api_responses"),
        "refine": ("refined", f"increment_{this.table}"),
        "snapshot": ("refined", f"current_{this.table}"),
        "trust": ("trusted", this.table.removeprefix("trusted.")),
    }
    return Place(this.run.lake, *written[step])


def _path(place: Place) -> tuple[str, str]:
    """Namespace and name of a table: the bucket and the path in it, or a file's path."""
    scheme, separator, rest = place.lake.place(place.zone, place.name).partition("://")
    if not separator:
        return "file", scheme
    bucket, _, inside = rest.partition("/")
    return f"{scheme}://{bucket}", inside


def _names(place: Place) -> dict[str, DatasetFacet]:
    """The name of the same table in the catalogue."""
    lake, zone = place.lake, place.zone
    name = f"{lake.database(zone)}.{place.name}"
    known = symlinks_dataset.Identifier(namespace=lake.warehouses[zone], name=name, type="TABLE")
    return {"symlinks": symlinks_dataset.SymlinksDatasetFacet([known])}


def shown_at(lake: Lake, zone: str, name: str) -> Place:
    """Where the table lies that a lake shows under a name: of a preview its own, or its base's."""
    table = lake.shown(zone, name)
    is_of_base = lake.base is not None and table is not None and table.name()[0] == lake.base.database(zone)
    return Place(lake.stands_on if is_of_base else lake, zone, name)


def _of_resource(table: str) -> base_subset_dataset.PartitionSubsetCondition:
    """The rows of one resource, among those of all in `api_responses`."""
    return base_subset_dataset.PartitionSubsetCondition([base_subset_dataset.Partition({"resource": table})])


def _schema(schema: Schema) -> schema_dataset.SchemaDatasetFacet:
    fields = [
        schema_dataset.SchemaDatasetFacetFields(field.name, str(field.field_type), ordinal_position=place)
        for place, field in enumerate(schema.fields, start=1)
    ]
    return schema_dataset.SchemaDatasetFacet(fields)


def _tests(checks: Iterable[CheckResult]) -> Iterable[test_run.TestExecution]:
    """The checks of a step as OpenLineage's tests; messages are those of `checks`, without examples."""
    for check in checks:
        yield test_run.TestExecution(
            name=f"{check.check} {check.column}".strip(),
            status="pass" if check.verdict == "ok" else "fail",
            severity=SEVERITIES.get(check.verdict),
            type=check.check,
            description=check.message_without_example or None,
            expected=f"{check.limit:g}",
            actual=f"{check.figure:g}",
        )
