"""`planlake init`: a planlake.yaml, explained line by line."""

import re
from pathlib import Path
from typing import Annotated

import typer

from planlake.cli.options import ConfigFile
from planlake.printable import printable, quoted

ON_S3 = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/-]*)?")

TEMPLATE = """\
# planlake.yaml: what Planlake loads, from where, and where it keeps it.
# Adding a table is adding its name below, or `planlake add NAME`; `planlake tables --known` lists every resource.

source: {source}                  # the catalogue of resources: their columns, types, keys and relations

api:
  base_url: {base_url}
  # The keys are never written here, only where they are kept:
  # ${{VARIABLE}}, file:PATH (relative to this file) or aws-secret:NAME
{keys}
  # documentation: https://HOST/rest/v1/documentation.html   # the vendor's page; runs compare it once a week

tables:
  daily: [{daily}]   # read by day of {changed}
  weekly: [{weekly}]   # read whole, once a week from Sunday on

environments:                     # the first one is used unless --env or PLANLAKE_ENV names another
{environments}
    # database_prefix: dataplatform-stg-      # for those whose queries name databases with a prefix

# settings:                       # every setting has a default; docs/settings.md explains each
#   look_back_days: 60
#   concurrency: 8
"""
LOCAL = """\
  local:
    catalog: {{type: sql, uri: "sqlite:///lake/catalog.db"}}   # the Iceberg catalogue, one file
    warehouse: lake/              # the tables' files, relative to this file"""
ON_AWS = """\
  aws:                            # region and keys are those of AWS_REGION, AWS_PROFILE or the role that runs this
    catalog: {{type: glue}}         # properties: {{glue.region: REGION, s3.region: REGION}} for another region
    warehouse: "{place}"
    protected: true               # commands that take away or set back ask first"""
TABLES = {
    "tascomi": ("applications, contacts, documents", "application_types, decision_types, wards"),
    "open_data": ("iom_applications, iom_decisions, repd", "iom_addresses"),
}
KEYS = {
    "tascomi-hmac": "  public_key: ${TASCOMI_PUBLIC_KEY}\n  private_key: ${TASCOMI_PRIVATE_KEY}",
    "bearer": "  token: ${PLANLAKE_API_TOKEN}",
    "none": "  # (this API needs none)",
}
DRAFTS = "planlake init --source {source} --base-url ADDRESS RESOURCE drafts it from the answers of an API"
BASE_URL = "https://COUNCIL-planning.idoxcloud.com/rest/v1"


def init(
    resources: Annotated[
        list[str] | None,
        typer.Argument(
            help="Resources of an API that no catalogue describes: --source is drafted from their answers.",
            show_default=False,
        ),
    ] = None,
    base_url: Annotated[str, typer.Option("--base-url", help="Address of the council's API.")] = BASE_URL,
    source: Annotated[str, typer.Option("--source", help="Catalogue of resources: a name, or a file.")] = "tascomi",
    key: Annotated[
        str, typer.Option("--key", help="Of a draft: the column that tells records apart.", show_default=False)
    ] = "",
    aws: Annotated[
        str | None, typer.Option("--aws", help="Keep the lake in Glue and here on S3: s3://BUCKET/FOLDER/.")
    ] = None,
    models: Annotated[
        bool, typer.Option("--models", help="Put the shipped models into the folder models/ too.")
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Write a planlake.yaml, explained line by line; an existing one is left alone."""
    from planlake.cli.screen import remark
    from planlake.config import DEFAULT_FILE
    from planlake.config_values import check_address
    from planlake.errors import ConfigurationError

    file = config or Path(DEFAULT_FILE)
    if base_url != BASE_URL:
        check_address(base_url)
    environments = LOCAL.format() if aws is None else ON_AWS.format(place=_on_s3(aws))
    if resources:
        source = _drafted(source, base_url, resources, key=key, file=file)
    words = {**_words(source, file.parent), "environments": environments}
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(TEMPLATE.format(source=source, base_url=base_url, **words))
    except FileExistsError:
        raise _exists(file, has_models=models) from None
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from None
    typer.echo(f"{file} written")
    if models:
        from planlake.config import Config
        from planlake.setup.copy_models import copy_models

        written = copy_models(Config(source=source, folder=file.parent))
        remark(f"{len(written)} files of models written; add the tables that they read: planlake model list")
    named = f" --config {quoted(str(file))}" if config else ""
    is_open = words["keys"] == KEYS["none"]
    remark(f"next: {'' if is_open else 'set the keys it names, then '}planlake doctor{named}")


def _drafted(source: str, base_url: str, resources: list[str], *, key: str, file: Path) -> str:
    """Draft the catalogue, unless the configuration is there already; what the configuration calls it."""
    from planlake.cli.setup.draft import write_draft
    from planlake.errors import ConfigurationError

    if file.exists():
        raise _exists(file)
    if base_url == BASE_URL:
        hint = f"planlake init --source {quoted(source)} --base-url ADDRESS {' '.join(map(quoted, resources))}"
        raise ConfigurationError("a draft is made of an API's answers, and no address is given", hint=hint)
    return write_draft(source, base_url, resources, key=key, folder=file.parent)


def _exists(file: Path, *, has_models: bool = False) -> Exception:
    from planlake.errors import ConfigurationError

    hint = "planlake model copy" if has_models else "edit it, or name another file with --config"
    return ConfigurationError(f"{file} exists and was left as it is", hint=hint)


def _on_s3(place: str) -> str:
    """A place on S3 as it stands in the file; a ConfigurationError where it is none."""
    from planlake.errors import ConfigurationError

    if not ON_S3.fullmatch(place):
        message = f'"{printable(place)}" is no place on S3'
        raise ConfigurationError(message, hint="planlake init --aws s3://BUCKET/FOLDER/")
    return place.rstrip("/") + "/"


def _words(source: str, folder: Path) -> dict[str, str]:
    """What the template says of a source: the tables that are loaded, how they are read, and its keys."""
    from planlake.config import Config, suggestion
    from planlake.errors import ConfigurationError
    from planlake.sources.catalogue import configured_catalogue, known_sources

    if "/" not in source and not source.endswith(".toml") and source not in known_sources():
        hint = f"{suggestion(source, known_sources())}; {DRAFTS.format(source=quoted(source))}"
        raise ConfigurationError(f'no source is called "{source}"', hint=hint)
    if source.endswith(".toml") and not (folder / source).exists():
        hint = DRAFTS.format(source=quoted(source))
        raise ConfigurationError(f"there is no {folder / source}", hint=hint)
    catalogue = configured_catalogue(Config(source=source, folder=folder))
    suggested = (
        ", ".join(name for name, one in catalogue.resources.items() if one.cadence == cadence)
        for cadence in ("daily", "weekly")
    )
    daily, weekly = TABLES.get(source) or suggested
    return {
        "daily": daily,
        "weekly": weekly,
        "changed": catalogue.changed or "the column that the catalogue names",
        "keys": KEYS[catalogue.dialect.signing],
    }
