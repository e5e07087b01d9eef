"""Where the lease of a lake on S3 is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field

SCHEMES = ("s3", "s3a", "s3n")


@dataclass(frozen=True, slots=True)
class LeasePlace:
    """The object of a lease, and how S3 is opened there."""

    bucket: str
    key: str
    properties: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)

    def __str__(self) -> str:
        """As messages name it."""
        return f"s3://{self.bucket}/{self.key}"


def lease_below(warehouse: str, name: str, properties: Mapping[str, str]) -> LeasePlace | None:
    """The lease of the lake of this name in a warehouse; None where that is not on S3."""
    scheme, separator, rest = warehouse.partition("://")
    if not separator or scheme not in SCHEMES:
        return None
    bucket, _, folder = rest.partition("/")
    return LeasePlace(bucket, "/".join(part for part in (folder.strip("/"), f"leases/{name}.json") if part), properties)
