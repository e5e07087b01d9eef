"""Writes what the vendor's page says into the configuration, as overrides of the catalogue.

New resources, columns and types become overrides; what is gone is named as known. The new file is read before it takes
the place of the old one, in one step.
"""

from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

from planlake.checks.documentation import (
    GONE_COLUMN,
    GONE_RESOURCE,
    NEW_COLUMN,
    NEW_RESOURCE,
    RETYPED,
    WHOLE,
    Difference,
)
from planlake.config import Config, load_config
from planlake.errors import ConfigurationError
from planlake.inspection.documentation import Comparison
from planlake.setup.replace_file import replace_file
from planlake.setup.yaml_overrides import with_overrides
from planlake.sources.catalogue import Resource, catalogue_of, resource_from
from planlake.sources.documentation_page import column_type
from planlake.sources.naming import name_of

Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is taken over: the text of the file before and after, and the differences that are left."""

    file: Path
    before: str
    after: str
    left: tuple[Difference, ...]

    @property
    def diff(self) -> str:
        """The lines that change, as `diff -u` shows them."""
        old, new = (text.splitlines(keepends=True) for text in (self.before, self.after))
        name = self.file.name
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in unified_diff(old, new, name, name, n=2))


def accept(config: Config, file: Path, comparison: Comparison) -> Accepted:
    """Write the differences that the file can hold into its `resources:`; the file keeps its mode.

    Raises ConfigurationError where it cannot be edited or written, ConflictError where somebody else changes it.
    """
    overrides: dict[str, Table] = {}
    left: list[Difference] = []
    resources = catalogue_of(config).resources
    for one in comparison.differences:
        name = name_of(one.resource) if one.what == NEW_RESOURCE else one.resource
        is_taken = one.what == NEW_RESOURCE and (name in resources or name in overrides)
        table = None if is_taken else _override(one, resources.get(name), comparison)
        if table is None:
            left.append(one)
        for key, value in (table or {}).items():
            merged = overrides.setdefault(name, {})
            merged[key] = {**merged.get(key, {}), **value} if isinstance(value, dict) else value
    before, after = _replaced(file, overrides)
    return Accepted(file, before, after, tuple(left))


def _override(one: Difference, resource: Resource | None, comparison: Comparison) -> Table | None:
    """What the file says of a resource once a difference is taken over; None where it can say nothing."""
    if one.what == NEW_RESOURCE:
        return _new_resource(one.resource, comparison)
    if one.what in (GONE_RESOURCE, GONE_COLUMN):
        return {"known_drift": {one.column or WHOLE: one.what}}
    if one.what == NEW_COLUMN:
        if one.is_contradicted:
            return None
        return {"columns": {one.column: column_type(one.documented)}}
    if one.what == RETYPED and resource is not None:
        return _retyped(one, resource)
    return None


def _new_resource(address: str, comparison: Comparison) -> Table | None:
    columns = {column: column_type(written) for column, written in comparison.documented[address].items()}
    name = name_of(address)
    table: Table = {"columns": columns, **({"path": address} if name != address else {})}
    if Resource.__dataclass_fields__["changed"].default not in columns:
        table["changed"] = ""  # nothing says when a record changed
    try:
        resource_from(name, table)
    except ConfigurationError:  # its name is none, or no column could be its key
        return None
    return table


def _retyped(one: Difference, resource: Resource) -> Table:
    """The new type; of the key and of columns that have another type on purpose only as what is documented."""
    kind = column_type(one.documented)
    is_deliberate = one.column in resource.documented_types or one.is_contradicted
    documented = {"documented_types": {one.column: kind}}
    if is_deliberate or one.column == resource.key:
        return documented
    return {"columns": {one.column: kind}, **documented}


def _replaced(file: Path, overrides: dict[str, Table]) -> tuple[str, str]:
    """The text of the file before and after the overrides."""
    place = file.resolve()
    try:
        content = place.read_bytes()
        before = content.decode("utf-8")
        after = with_overrides(before, overrides) if overrides else before
        if after != before:
            replace_file(
                place,
                before=content,
                after=after.encode("utf-8"),
                check=lambda beside: catalogue_of(load_config(beside)),
            )
        return before, after
    except OSError as error:
        state = "Nothing was changed"
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}", state=state) from None
