"""Reads planlake.yaml and the environment into one frozen record, `Config`.

Precedence: command-line flag, `PLANLAKE_*` variable, file, default. Secrets are kept as references and read by
`sources.keys` when a request is first signed, so that no record, log or repr ever holds one.
"""

import os
import re
from collections.abc import Collection, Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from planlake.config_file import SECRETS, path_of, place_of, read_file
from planlake.config_sections import Cost, Email, Lineage, Notify, Record, Report, WholePath
from planlake.config_values import as_spark_says, filled, no_truth, printed, reference, trouble_of_address
from planlake.errors import ConfigurationError

DEFAULT_FILE = "planlake.yaml"
_MAPPING = ("must hold keys and values", "see docs/settings.md")
SHAPES = {  # what pydantic calls a value of another shape, in our words, with a hint
    "tuple_type": ("must be a list", "[applications, wards], for example"),
    "model_type": _MAPPING,
    "mapping_type": _MAPPING,
    "dict_type": _MAPPING,
    "string_type": ("must be a text", ""),
}
LONGEST_DAYS, LARGEST_MEGABYTES = 36_500, 2**20


_Number = BeforeValidator(no_truth)
_Said = Annotated[str, AfterValidator(filled)]
_Count = Annotated[int, Field(ge=0, le=10**9), _Number]
_Days = Annotated[int, Field(ge=1, le=LONGEST_DAYS), _Number]
_Megabytes = Annotated[int, Field(ge=1, le=LARGEST_MEGABYTES), _Number]
_Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False), _Number]
_Together = Annotated[int, Field(ge=1, le=100), _Number]


class Api(Record):
    """Where the API is and where its two keys, or its token, are found.

    Each is a place: `${VARIABLE}`, `file:PATH` or `aws-secret:NAME`; which are used is said by the catalogue.
    `documentation` is the vendor's page, an address or a file; where it is given, runs compare it once a week.
    """

    base_url: str
    public_key: str = "${TASCOMI_PUBLIC_KEY}"
    private_key: str = "${TASCOMI_PRIVATE_KEY}"
    token: str = "${PLANLAKE_API_TOKEN}"  # noqa: S105 - its place
    documentation: WholePath = Field(default="", repr=False)  # the vendor's address holds a key

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if trouble := trouble_of_address(value):
            raise ValueError(trouble)
        return value.rstrip("/")

    @field_validator(*SECRETS)
    @classmethod
    def _is_reference(cls, value: str) -> str:
        return reference(value)


class Tables(Record):
    """Which resources are loaded, and how often."""

    daily: tuple[str, ...] = ()
    weekly: tuple[str, ...] = ()


class Catalog(Record):
    """Which Iceberg catalogue keeps the tables: `sql` (SQLite, one machine), `glue` (AWS) or `rest` (any other)."""

    type: Literal["sql", "glue", "rest"] = "sql"
    uri: WholePath = "sqlite:///lake/catalog.db"
    properties: Mapping[str, str] = Field(default_factory=dict, repr=False)  # with credentials

    @field_validator("uri")
    @classmethod
    def _is_file(cls, value: str) -> str:
        """Every sign of a file's path stands for itself, so that nothing may follow it."""
        if value.startswith("sqlite:") and ("?" in value or not re.match("sqlite:///.", value)):
            raise ValueError("must be sqlite:///PATH, without a ?")
        return value

    @model_validator(mode="after")
    def _has_address(self) -> "Catalog":
        if self.type == "rest" and trouble_of_address(self.uri):
            raise ValueError("a catalogue of type rest needs uri: https://HOST/PATH, without keys in it")
        return self


class Warehouses(Record):
    """Where the files of each zone are kept; zones that are not named lie with the refined ones."""

    refined: WholePath
    raw: WholePath | None = None
    trusted: WholePath | None = None
    operations: WholePath | None = None


class Environment(Record):
    """One lake: its Iceberg catalogue, where its files are, and a prefix for its database names.

    What is `protected` is not rolled back, reset or dropped unless somebody says yes.
    """

    catalog: Catalog = Catalog()
    warehouse: WholePath | Warehouses = "lake/"
    lease: str = ""  # where on S3, if not below the warehouse
    database_prefix: Annotated[str, AfterValidator(printed)] = ""
    protected: bool = False

    @field_validator("lease")
    @classmethod
    def _is_on_s3(cls, value: str) -> str:
        if value and not re.match("s3[an]?://[^/]", value):
            raise ValueError("must be s3://BUCKET/FOLDER/")
        return printed(value)

    @field_validator("database_prefix")
    @classmethod
    def _is_part_of_a_name(cls, value: str, info: ValidationInfo) -> str:
        if re.search(r"[./\\]", value):
            raise ValueError("is part of the names of databases and folders, so it has no dot and no slash")
        catalog = info.data.get("catalog")
        if isinstance(catalog, Catalog) and catalog.type == "glue" and value != value.lower():
            raise ValueError(f"must be in lower case, as Glue keeps names: write {value.lower()}")
        return value


class Settings(Record):
    """Everything that has a sensible default; `docs/settings.md` explains each."""

    concurrency: _Together = 8
    timeout_seconds: Annotated[float, Field(ge=0.1, le=3600, allow_inf_nan=False), _Number] = 60.0
    connect_timeout_seconds: Annotated[float, Field(ge=0.1, le=3600, allow_inf_nan=False), _Number] = 3.0
    answer_megabytes: Annotated[int, Field(ge=1, le=4096), _Number] = 64
    attempts: Annotated[int, Field(ge=1, le=20), _Number] = 3
    retry_budget: _Count = 200
    look_back_days: _Days = 60
    gap_after_runs: Annotated[int, Field(ge=1, le=1000), _Number] = 3
    uncastable_percent: _Percent = 1.0
    uncastable_cells: _Count = 20
    rejected_percent: _Percent = 1.0
    rejected_records: _Count = 20
    dropped_rows_percent: _Percent = 20.0
    deletion_limit_percent: _Percent = 5.0
    compact_after_days: _Days = 90
    keep_days: _Days = 35
    keep_month_ends: Annotated[int, Field(ge=0, le=1200), _Number] = 120
    expire_after_versions: Annotated[int, Field(ge=1, le=10**6), _Number] = 20
    merge_after_files: Annotated[int, Field(ge=2, le=10**6), _Number] = 16
    count_every_days: _Days = 7
    audit_days: Annotated[int, Field(ge=0, le=LONGEST_DAYS), _Number] = 28
    lease_wait_seconds: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False), _Number] = 10.0
    day_grace_hours: Annotated[int, Field(ge=0, le=23), _Number] = 2
    checkpoint_megabytes: _Megabytes = 64
    checkpoint_seconds: Annotated[int, Field(ge=1, le=86_400), _Number] = 30
    batch_megabytes: _Megabytes = 192
    memory_limit_megabytes: Annotated[int, Field(ge=64, le=LARGEST_MEGABYTES), _Number] = 700
    table_concurrency: _Together = 8
    query_seconds: Annotated[float, Field(ge=0.1, le=86_400, allow_inf_nan=False), _Number] = 600.0
    query_memory_megabytes: Annotated[int, Field(ge=64, le=LARGEST_MEGABYTES), _Number] = 1000
    query_rows: Annotated[int, Field(ge=1, le=10**7), _Number] = 10_000
    lake_readers: Literal["owner", "group", "everyone"] = "owner"
    log: Literal["auto", "json", "text", "off"] = "auto"
    engine: Literal["local", "spark", "auto"] = "local"


class Spark(Record):
    """How Spark is started: its master (none where `spark-submit` says it), its own settings, packages it fetches.

    With `engine: auto` tables are its work from so many megabytes of files on.
    """

    master: Annotated[str, AfterValidator(printed)] = ""
    settings: Mapping[str, Annotated[str, BeforeValidator(as_spark_says)]] = Field(default_factory=dict, repr=False)
    packages: tuple[_Said, ...] = ()
    from_megabytes: _Megabytes = 1024


class SqlCheck(Record):
    """A check of one's own: a condition on the rows of a table that no row may meet.

    Rows that meet it are a warning, or with `holds` keep the whole new version back.
    """

    table: str
    name: _Said
    rows: _Said
    holds: bool = False


class ModelSettings(Record):
    """Where the models of the trusted zone are, the council's closing days, values and more checks for models."""

    folder: WholePath = "models"
    closing_days: str = ""
    checks: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    settings: Mapping[str, str | int | float | bool | date] = Field(default_factory=dict)


class Ui(Record):
    """What `planlake ui` and assistants may show: personal values or not, and how many seconds a query may take."""

    personal: bool = False
    seconds: Annotated[float, Field(ge=0.1, le=3600, allow_inf_nan=False), _Number] = 10.0


class Config(Record):
    """The whole configuration of one lake."""

    source: WholePath = "tascomi"
    api: Api | None = None
    tables: Tables = Tables()
    environments: Mapping[str, Environment] = Field(default_factory=lambda: {"local": Environment()}, min_length=1)
    resources: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    checks: tuple[SqlCheck, ...] = ()
    lineage: Lineage | None = None
    settings: Settings = Settings()
    spark: Spark = Spark()
    models: ModelSettings = ModelSettings()
    ui: Ui = Ui()
    report: Report = Report()
    notify: Notify | None = None
    cost: Cost = Cost()
    folder: Path = Path()

    @field_validator("environments", "resources", mode="before")
    @classmethod
    def _named_alone(cls, given: Any) -> Any:  # noqa: ANN401 - what stands in the file
        """A name with nothing behind it has no settings of its own."""
        return {name: {} if own is None else own for name, own in given.items()} if isinstance(given, dict) else given

    @property
    def catalogue_path(self) -> Path | None:
        """The catalogue's own file or folder, where `source` names one rather than a catalogue of Planlake's."""
        is_path = "/" in self.source or os.sep in self.source or self.source.endswith(".toml")
        return self.folder / self.source if is_path else None

    @property
    def source_name(self) -> str:
        """What databases are named after: the source, or the file or folder it is kept in."""
        return self.catalogue_path.stem if self.catalogue_path else self.source

    def environment(self, name: str | None = None) -> Environment:
        """The environment of this name; the first of the file when none is named."""
        if name is None:
            return next(iter(self.environments.values()))
        if name not in self.environments:
            raise ConfigurationError(f'no environment is called "{name}"', hint=suggestion(name, self.environments))
        return self.environments[name]

    def source_api(self) -> Api:
        """The API section; a ConfigurationError where the file has none."""
        if self.api is None:
            raise ConfigurationError("the configuration has no api section", hint="planlake init shows one")
        return self.api


def load_config(path: Path | None = None, *, flags: Mapping[str, Any] | None = None) -> Config:
    """Read and check the configuration; every mistake is one ConfigurationError that names the place and the cure.

    `flags` are settings given on the command line; they win over `PLANLAKE_*` variables, which win over the file.
    """
    file = path or Path(os.environ.get("PLANLAKE_CONFIG") or DEFAULT_FILE)
    raw = read_file(file)
    if "folder" in raw:
        raise ConfigurationError("unknown key: folder", facts={"file": file})
    try:
        return Config.model_validate({**raw, "folder": file.parent, "settings": _settings(raw, flags or {})})
    except ValidationError as error:
        raise _explained(error, file) from None


def _settings(raw: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    found = raw.get("settings") or {}
    if not isinstance(found, dict):
        raise ConfigurationError("settings is a list of names and values", hint="see docs/settings.md")
    settings = dict(found)
    for name in Settings.model_fields:
        variable = os.environ.get(f"PLANLAKE_{name.upper()}")
        if variable:
            settings[name] = variable
    settings.update({name: value for name, value in flags.items() if value is not None})
    return settings


def _explained(error: ValidationError, file: Path) -> ConfigurationError:
    first = max(error.errors(), key=lambda one: (one["type"] == "extra_forbidden", len(one["loc"])))
    path, place = path_of(first["loc"]), place_of(first["loc"])
    facts: dict[str, object] = {"file": file}
    others = dict.fromkeys(place_of(one["loc"]) for one in error.errors())
    if len(others) > 1:
        facts["wrong too"] = " and ".join(one for one in others if one != place)
    if first["type"] == "extra_forbidden":
        hint = suggestion(str(path[-1]), _keys_beside(path))
        return ConfigurationError(f"unknown key: {place}", facts=facts, hint=hint)
    if first["type"] == "missing":
        return ConfigurationError(f"missing: {place}", facts=facts, hint="planlake init shows every key")
    if path[0] == "settings" and len(path) == 2 and (allowed := _allowed(str(path[1]))):
        variable = f"PLANLAKE_{str(path[1]).upper()}"
        facts |= {"variable": variable} if os.environ.get(variable) else {}
        return ConfigurationError(f"{place}: must be {allowed}", facts=facts, hint="see docs/settings.md")
    said, hint = SHAPES.get(first["type"], (first["msg"].removeprefix("Value error, "), ""))
    return ConfigurationError(f"{place}: {said}", facts=facts, hint=hint)


def _allowed(setting: str) -> str:
    """The range of a setting in words; empty where it is no number."""
    field = Settings.model_fields[setting]
    bounds = {name: getattr(one, name) for one in field.metadata for name in ("ge", "le") if hasattr(one, name)}
    if len(bounds) < 2:
        return ""
    kind = "a whole number" if field.annotation is int else "a number"
    return f"{kind} from {bounds['ge']:,} to {bounds['le']:,}"


def _keys_beside(place: tuple[int | str, ...]) -> list[str]:
    """The keys that are allowed where the wrong one stands."""
    models: dict[str, type[BaseModel]] = {
        "api": Api,
        "lineage": Lineage,
        "tables": Tables,
        "settings": Settings,
        "checks": SqlCheck,
        "report": Report,
        "notify": Notify,
        "email": Email,
        "cost": Cost,
        "catalog": Catalog,
        "warehouse": Warehouses,
        "ui": Ui,
    }
    parent = str(place[-2]) if len(place) > 1 else ""
    if parent in models:
        return list(models[parent].model_fields)
    if len(place) == 3 and place[0] == "environments":
        return list(Environment.model_fields)
    return [name for name in Config.model_fields if name != "folder"]


def suggestion(name: str, known: Collection[str]) -> str:
    """A hint for a misspelt name: the nearest known ones, or the first few there are."""
    close = get_close_matches(name, list(known), n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"one of: {', '.join(sorted(known)[:12])}{' ...' if len(known) > 12 else ''}"
