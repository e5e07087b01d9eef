"""Sections of planlake.yaml that say what is told of a run, and to whom: lineage, pages, messages."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from planlake.config_values import Out, at_home, printed, reference, trouble_of_address

WholePath = Annotated[str, AfterValidator(at_home), AfterValidator(printed)]
Reference = Annotated[str, AfterValidator(reference)]
Occasion = Literal["failure", "gap", "held", "late", "drift", "recovered"]
OCCASIONS: tuple[Occasion, ...] = ("failure", "gap", "held", "late", "drift", "recovered")


class Record(BaseModel):
    """What all sections have in common: frozen, no unknown keys, no value of one in an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: Any) -> Any:  # noqa: ANN401 - what stands in the file
        """A known key with nothing behind it is as if it was not there."""
        if not isinstance(given, Mapping):
            return given
        return {key: value for key, value in given.items() if value is not None or key not in cls.model_fields}


class Lineage(Record):
    """Where OpenLineage events go: `file:PATH` or an address, which may want a key (a reference, as in `Api`)."""

    to: WholePath
    key: str | None = None
    namespace: str | None = None

    @field_validator("to")
    @classmethod
    def _is_place(cls, value: str) -> str:
        if not value.startswith("file:") and trouble_of_address(value):
            raise ValueError("must be file:PATH or https://HOST/PATH")
        return value

    @field_validator("key")
    @classmethod
    def _is_reference(cls, value: str | None) -> str | None:
        return None if value is None else reference(value)


class Report(Record):
    """Where `planlake report` writes its pages, and whether every run writes them at its end."""

    out: Out = "planlake-report"
    after_run: bool = False


class Email(Record):
    """Who gets e-mails and which server takes them; `password` says where that is kept, as a key of the API does."""

    to: Annotated[tuple[str, ...], Field(min_length=1)]
    sender: str
    server: str
    user: str = ""
    password: Reference | None = None

    @field_validator("to", "sender")
    @classmethod
    def _are_addresses(cls, value: Any) -> Any:  # noqa: ANN401 - one or several
        for one in (value,) if isinstance(value, str) else value:
            if not printed(one).isascii() or one.count("@") != 1 or any(sign in one for sign in " ,;<>"):
                raise ValueError("must be e-mail addresses: somebody@council.example")
        return value

    @field_validator("server")
    @classmethod
    def _is_host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not printed(host).strip() or not port.isdecimal() or int(port) > 65_535:
            raise ValueError("must be HOST:PORT, such as smtp.council.example:587")
        return value


class Notify(Record):
    """Who is told of a run, and on which occasions; addresses of webhooks are secrets, so each says where it is kept.

    `pages` is the address at which the report can be opened, for a link in the message.
    """

    slack: Reference | None = None
    teams: Reference | None = None
    webhook: Reference | None = None
    sns: str = ""
    email: Email | None = None
    on: tuple[Occasion, ...] = OCCASIONS
    pages: str = ""

    @field_validator("sns")
    @classmethod
    def _is_topic(cls, value: str) -> str:
        if value and (not value.startswith("arn:") or value.count(":") != 5 or ":sns:" not in value):
            raise ValueError("must be a topic: arn:aws:sns:REGION:ACCOUNT:NAME")
        return printed(value)

    @field_validator("pages")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value and trouble_of_address(value):
            raise ValueError("must be an address: https://HOST/PATH")
        return value

    @model_validator(mode="after")
    def _tells_somebody(self) -> "Notify":
        if not any((self.slack, self.teams, self.webhook, self.sns, self.email)):
            raise ValueError("names nobody to tell: slack, teams, webhook, sns or email")
        return self


_Price = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]


class Cost(Record):
    """What a machine is and costs an hour, for `planlake plan --cost`: list prices of London as they were known.

    `vcpus` and `gigabytes` are those of a task on Fargate, `workers` those of a job on Glue, one DPU each.
    """

    currency: str = "USD"
    vcpus: Annotated[float, Field(gt=0, le=1024)] = 1.0
    gigabytes: Annotated[float, Field(gt=0, le=4096)] = 4.0
    vcpu_hour: _Price = 0.04656
    gigabyte_hour: _Price = 0.00511
    workers: Annotated[int, Field(ge=1, le=1000)] = 2
    dpu_hour: _Price = 0.44
