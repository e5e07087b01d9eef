"""What a shell is told at Tab: names from planlake.yaml and the catalogue; the lake is not opened."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from planlake.config import Config


def table_names(context: typer.Context, incomplete: str) -> list[str]:
    """The configured tables that begin so."""
    return _names(context, incomplete, lambda config: (*config.tables.daily, *config.tables.weekly))


def resource_names(context: typer.Context, incomplete: str) -> list[str]:
    """The resources of the catalogue that begin so."""

    def known(config: "Config") -> Iterable[str]:
        from planlake.sources.catalogue import catalogue_of

        return catalogue_of(config).resources

    return _names(context, incomplete, known)


def environment_names(context: typer.Context, incomplete: str) -> list[str]:
    """The environments that begin so."""
    return _names(context, incomplete, lambda config: config.environments)


def _names(context: typer.Context, incomplete: str, known: Callable[["Config"], Iterable[str]]) -> list[str]:
    """Names that begin as what was typed, without those that stand on the line already; none where no file is read."""
    from planlake.cli.loading import configuration
    from planlake.errors import PlanlakeError

    try:
        found = known(configuration(context.params.get("config")))
    except PlanlakeError:
        return []
    typed = {one for value in context.params.values() if isinstance(value, tuple | list) for one in value}
    return sorted(name for name in found if name.startswith(incomplete) and name not in typed)
