"""The configuration: in goes planlake.yaml and the environment, out comes one frozen record.

Precedence: command-line flag, `PLANLAKE_*` variable, file, default. Secrets are kept as references and read by
`sources.keys` when a request is first signed, so that no record, log or repr ever holds one.
"""

import os
import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from planlake.errors import ConfigurationError

DEFAULT_FILE = "planlake.yaml"
QUOTED = re.compile(r"""(["']).*\1""")  # values stay out of messages: one may be a secret
ADDRESS = re.compile(r"(?i:https?)://[^\s/?#@]+(/[^\s?#]*)?")
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
SECRETS = ("public_key", "private_key", "token")
REFERENCES = {"api": SECRETS, "lineage": ("key",)}  # never replaced by what they refer to
_Positive = Annotated[int, Field(gt=0)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: Any) -> Any:  # noqa: ANN401 - what stands in the file
        """A known key with nothing behind it is as if it was not there."""
        if not isinstance(given, Mapping):
            return given
        return {key: value for key, value in given.items() if value is not None or key not in cls.model_fields}


class Api(_Record):
    """Where the API is and where its two keys, or its token, are found.

    Each is a place: `${VARIABLE}`, `file:PATH` or `aws-secret:NAME`; which are used is said by the catalogue.
    `documentation` is the vendor's page, an address or a file; where it is given, runs compare it once a week.
    """

    base_url: str
    public_key: str = "${TASCOMI_PUBLIC_KEY}"
    private_key: str = "${TASCOMI_PRIVATE_KEY}"
    token: str = "${PLANLAKE_API_TOKEN}"  # noqa: S105 - its place
    documentation: str = Field(default="", repr=False)  # the vendor's address holds a key

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if trouble := _trouble_of_address(value):
            raise ValueError(trouble)
        return value.rstrip("/")

    @field_validator(*SECRETS)
    @classmethod
    def _is_reference(cls, value: str) -> str:
        return _checked_reference(value)


class Lineage(_Record):
    """Where OpenLineage events go: `file:PATH` or an address, which may want a key (a reference, as in `Api`)."""

    to: str
    key: str | None = None
    namespace: str | None = None

    @field_validator("to")
    @classmethod
    def _is_place(cls, value: str) -> str:
        if not value.startswith("file:") and (trouble := _trouble_of_address(value)):
            raise ValueError(trouble if "variable" in trouble else "is no place: file:PATH, or https://HOST/PATH")
        return value

    @field_validator("key")
    @classmethod
    def _is_reference(cls, value: str | None) -> str | None:
        return None if value is None else _checked_reference(value)


class Tables(_Record):
    """Which resources are loaded, and how often."""

    daily: tuple[str, ...] = ()
    weekly: tuple[str, ...] = ()


class Catalog(_Record):
    """Which Iceberg catalogue keeps the tables: `sql` (SQLite, one machine) or `glue` (AWS)."""

    type: Literal["sql", "glue"] = "sql"
    uri: str = "sqlite:///lake/catalog.db"
    properties: Mapping[str, str] = Field(default_factory=dict)


class Warehouses(_Record):
    """Where the files of each zone are kept; zones that are not named lie with the refined ones."""

    refined: str
    raw: str | None = None
    trusted: str | None = None
    operations: str | None = None


class Environment(_Record):
    """One lake: its Iceberg catalogue, where its files are, and a prefix for its database names.

    What is `protected` is not rolled back, reset or dropped unless somebody says yes.
    """

    catalog: Catalog = Catalog()
    warehouse: str | Warehouses = "lake/"
    database_prefix: str = ""
    protected: bool = False

    @field_validator("database_prefix")
    @classmethod
    def _is_in_small_letters(cls, value: str, info: ValidationInfo) -> str:
        catalog = info.data.get("catalog")
        if isinstance(catalog, Catalog) and catalog.type == "glue" and value != value.lower():
            raise ValueError("must be in small letters: Glue keeps names so")
        return value


class Settings(_Record):
    """Everything that has a sensible default; `docs/settings.md` explains each."""

    concurrency: _Positive = 8
    timeout_seconds: float = Field(default=60.0, gt=0)
    connect_timeout_seconds: float = Field(default=3.0, gt=0)
    answer_megabytes: int = Field(default=64, ge=1, le=4096)
    attempts: _Positive = 3
    retry_budget: int = Field(default=200, ge=0)
    look_back_days: _Positive = 60
    gap_after_runs: _Positive = 3
    uncastable_percent: float = Field(default=1.0, ge=0, le=100)
    uncastable_cells: int = Field(default=20, ge=0)
    rejected_percent: float = Field(default=1.0, ge=0, le=100)
    rejected_records: int = Field(default=20, ge=0)
    dropped_rows_percent: float = Field(default=20.0, ge=0, le=100)
    deletion_limit_percent: float = Field(default=5.0, ge=0, le=100)
    compact_after_days: _Positive = 90
    keep_days: _Positive = 35
    keep_month_ends: int = Field(default=120, ge=0)
    expire_after_versions: _Positive = 20
    merge_after_files: int = Field(default=16, ge=2)
    count_every_days: _Positive = 7
    lease_wait_seconds: float = Field(default=10.0, ge=0)
    day_grace_hours: int = Field(default=2, ge=0, le=23)
    checkpoint_megabytes: _Positive = 64
    checkpoint_seconds: _Positive = 30
    batch_megabytes: _Positive = 192
    memory_limit_megabytes: _Positive = 700
    table_concurrency: _Positive = 8
    query_seconds: float = Field(default=600.0, gt=0)
    query_memory_megabytes: _Positive = 1000
    query_rows: _Positive = 10_000
    log: Literal["auto", "json", "text", "off"] = "auto"


class SqlCheck(_Record):
    """A check of one's own: a condition on the rows of a table that no row may meet.

    Rows that meet it are a warning, or with `holds` keep the whole new version back.
    """

    table: str
    name: str = Field(min_length=1)
    rows: str = Field(min_length=1)
    holds: bool = False


class Config(_Record):
    """The whole configuration of one lake."""

    source: str = "tascomi"
    api: Api | None = None
    tables: Tables = Tables()
    environments: Mapping[str, Environment] = Field(default_factory=lambda: {"local": Environment()}, min_length=1)
    resources: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    checks: tuple[SqlCheck, ...] = ()
    lineage: Lineage | None = None
    settings: Settings = Settings()
    folder: Path = Path()

    @field_validator("environments", "resources", mode="before")
    @classmethod
    def _named_alone(cls, given: Any) -> Any:  # noqa: ANN401 - what stands in the file
        """A name with nothing behind it has no settings of its own."""
        return {name: {} if own is None else own for name, own in given.items()} if isinstance(given, dict) else given

    @property
    def catalogue_path(self) -> Path | None:
        """The catalogue's own file or folder, where `source` names one rather than a catalogue of Planlake's."""
        return self.folder / self.source if "/" in self.source or self.source.endswith(".toml") else None

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


def _checked_reference(text: str) -> str:
    if not (VARIABLE.fullmatch(text) or text.startswith(("file:", "aws-secret:"))):
        raise ValueError("must say where the key is kept: ${VARIABLE}, file:PATH or aws-secret:NAME")
    return text


def _trouble_of_address(text: str) -> str:
    """What is wrong with the address of an API; empty where nothing is."""
    if unset := VARIABLE.search(text):
        return f"the variable {unset[1]} is not set"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
        is_named = bool(host) and (":" in host or bool(host.encode("idna")))
    except ValueError:  # a port that is no number, brackets that do not close, a name longer than names are
        is_named = False
    return "" if is_named and ADDRESS.fullmatch(text) else "is no address; it looks like https://HOST/rest/v1"


def check_address(text: str) -> None:
    """Refuse what is no address of an API."""
    if _trouble_of_address(text):
        raise ConfigurationError(f'"{text}" is no address', hint="it looks like https://HOST/rest/v1")


def load_config(path: Path | None = None, *, flags: Mapping[str, Any] | None = None) -> Config:
    """Read and check the configuration; every mistake is one ConfigurationError that names the place and the cure.

    `flags` are settings given on the command line; they win over `PLANLAKE_*` variables, which win over the file.
    """
    file = path or Path(os.environ.get("PLANLAKE_CONFIG", DEFAULT_FILE))
    raw = _read_yaml(file)
    if "folder" in raw:
        raise ConfigurationError("unknown key: folder", facts={"file": file})
    try:
        return Config.model_validate({**raw, "folder": file.parent, "settings": _settings(raw, flags or {})})
    except ValidationError as error:
        raise _explained(error, file) from None


def _read_yaml(file: Path) -> dict[str, Any]:
    from ruamel.yaml import YAML  # noqa: PLC0415 - only when a configuration is read
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    try:
        raw = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        hint = "planlake init writes one; --config FILE or PLANLAKE_CONFIG names another"
        raise ConfigurationError("no configuration found", facts={"file": file}, hint=hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the configuration cannot be read: {error}", facts={"file": file}) from None
    except YAMLError as error:
        where = QUOTED.sub("...", str(getattr(error, "problem", None) or "it cannot be parsed").splitlines()[0])
        mark = getattr(error, "problem_mark", None)
        facts = {"file": file, "line": mark.line + 1 if mark else "?"}
        raise ConfigurationError(f"the configuration is not YAML: {where}", facts=facts) from None
    if not isinstance(raw, dict):
        raise ConfigurationError("the configuration holds no settings", facts={"file": file}, hint="planlake init")
    return _with_variables(raw)


def _with_variables(raw: dict[str, Any]) -> dict[str, Any]:
    """Replace `${VARIABLE}` in every text but the keys of the API and of lineage, which stay references."""
    expanded: dict[str, Any] = _expand(raw)
    for section, names in REFERENCES.items():
        given = raw.get(section)
        if isinstance(given, dict):
            expanded[section] = {**expanded[section], **{name: given[name] for name in names if name in given}}
    return expanded


def _expand(value: Any) -> Any:  # noqa: ANN401 - untyped YAML is named here, at the border
    if isinstance(value, str):
        return VARIABLE.sub(lambda match: os.environ.get(match[1], match[0]), value)
    if isinstance(value, dict):
        return {key: _expand(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_expand(inner) for inner in value]
    return value


def _settings(raw: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    found = raw.get("settings") or {}
    if not isinstance(found, dict):
        raise ConfigurationError("settings is a list of names and values", hint="see docs/settings.md")
    settings = dict(found)
    for name in Settings.model_fields:
        variable = os.environ.get(f"PLANLAKE_{name.upper()}")
        if variable is not None:
            settings[name] = variable
    settings.update({name: value for name, value in flags.items() if value is not None})
    return settings


def _explained(error: ValidationError, file: Path) -> ConfigurationError:
    first = max(error.errors(), key=lambda one: (one["type"] == "extra_forbidden", len(one["loc"])))
    tried = ("str", "Warehouses")  # the kinds of warehouse that were tried are no part of the place
    path = tuple(part for part in first["loc"] if part not in tried)
    place = ".".join(map(str, path))
    facts: dict[str, object] = {"file": file}
    if len(error.errors()) > 1:
        facts["mistakes"] = len(error.errors())
    if first["type"] == "extra_forbidden":
        hint = suggestion(str(path[-1]), _keys_beside(path))
        return ConfigurationError(f"unknown key: {place}", facts=facts, hint=hint)
    if first["type"] == "missing":
        return ConfigurationError(f"missing: {place}", facts=facts, hint="planlake init shows every key")
    if first["type"] == "tuple_type":
        return ConfigurationError(f"{place}: must be a list", facts=facts, hint="[applications, wards], for example")
    if first["type"] in ("model_type", "mapping_type", "dict_type"):
        return ConfigurationError(f"{place}: must hold keys and values", facts=facts, hint="see docs/settings.md")
    if first["type"] == "string_type":
        return ConfigurationError(f"{place}: must be a text", facts=facts)
    return ConfigurationError(f"{place}: {first['msg'].removeprefix('Value error, ')}", facts=facts)


def _keys_beside(place: tuple[int | str, ...]) -> list[str]:
    """The keys that are allowed where the wrong one stands."""
    models: dict[str, type[BaseModel]] = {
        "api": Api,
        "lineage": Lineage,
        "tables": Tables,
        "settings": Settings,
        "checks": SqlCheck,
        "catalog": Catalog,
        "warehouse": Warehouses,
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
