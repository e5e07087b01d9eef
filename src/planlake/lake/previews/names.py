"""Lists the previews of a lake, and gives each as a lake of which nothing was read yet."""

from collections.abc import Iterable

from planlake.lake.lake import Lake, clear_errors


def preview_names(base: Lake) -> list[str]:
    """The names of all previews of a lake."""
    with clear_errors():
        return named_by(base, [".".join(namespace) for namespace in base.catalog.list_namespaces()])


def named_by(base: Lake, databases: Iterable[str]) -> list[str]:
    """The names of the previews of a lake whose operations databases are among these."""
    ending = f"--{base.database('operations')}"
    found = (name.removeprefix("preview-").removesuffix(ending) for name in databases if _is_of_preview(name, ending))
    return sorted(found)


def _is_of_preview(database: str, ending: str) -> bool:
    return database.startswith("preview-") and database.endswith(ending)


def unread(base: Lake, name: str) -> Lake:
    """The preview of this name, of whose tables nothing was read: what it entered is not known."""
    prefix = f"preview-{name}--{base.prefix}"
    return Lake(base.catalog, base.source, prefix, base.warehouses, lock=base.lock, base=base, preview=name)
