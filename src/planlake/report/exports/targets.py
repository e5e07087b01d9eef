"""Where an export goes: which place is taken, and which may be replaced."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from planlake.errors import ConfigurationError
from planlake.lake.lake import Lake
from planlake.report.exports.about import others_in_file, others_in_folder

ExportFormat = Literal["csv", "xlsx", "sqlite", "duckdb", "parquet", "geoparquet", "gpkg"]
ENDINGS: Mapping[str, ExportFormat] = {
    ".csv": "csv",
    ".xlsx": "xlsx",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
    ".duckdb": "duckdb",
    ".parquet": "parquet",
    ".geoparquet": "geoparquet",
    ".gpkg": "gpkg",
}
OF_ONE_TABLE = ("csv", "parquet", "geoparquet")
ELSEWHERE = "name another with --out"


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """Where an export goes, as what, and whether an earlier one may be replaced."""

    path: Path
    format: ExportFormat
    replaces: bool = False

    @property
    def is_folder(self) -> bool:
        """Parquet is a folder with a file for each table, or a file of one table where its name ends so."""
        return self.format == "parquet" and self.path.suffix.lower() != ".parquet"


def follow_links(path: Path) -> Path:
    """Where a place is for certain, its links followed: what is written replaces no link."""
    try:
        there = path.resolve()
        there.exists()
    except (OSError, RuntimeError) as error:  # a name that is too long, links that form a loop, no right to look
        reason = error.strerror if isinstance(error, OSError) else "its links form a loop"
        raise ConfigurationError(f"{path} cannot be written: {reason}", hint=ELSEWHERE) from None
    return there


def check_target(target: ExportTarget) -> None:
    """Refuse a place that is taken by something else, or by an export where none may be replaced.

    An earlier export is what says so itself, table by table; nothing else is ever replaced.
    """
    path, hint = follow_links(target.path), "--force replaces it, or name another with --out"
    if path.exists() and not path.is_file() and not path.is_dir():  # a device, a pipe: it is nobody's to replace
        raise ConfigurationError(f"{path} is not an ordinary file", hint=ELSEWHERE)
    if not path.parent.is_dir():
        raise ConfigurationError(f"there is no folder {path.parent}", hint="make it, or name another with --out")
    if not target.is_folder and path.is_dir():
        raise ConfigurationError(f"{path} is a folder", hint=f"name a file: --out planning.{target.format}")
    if target.is_folder and path.is_file():
        raise ConfigurationError(f"{path} is a file", hint="name a folder: Parquet is a file for each table")
    if target.is_folder and (others := others_in_folder(path)):
        facts = {"for example": others[0]}
        raise ConfigurationError(f"{path} holds other files", facts=facts, hint="name a folder of its own with --out")
    if path.is_file():
        _refuse_other_file(target, path)
    is_taken = path.is_file() or (path.is_dir() and any(path.iterdir()))
    if is_taken and not target.replaces:
        raise ConfigurationError(f"{path} is there already", state="It was left as it is", hint=hint)


def _refuse_other_file(target: ExportTarget, path: Path) -> None:
    """Refuse to replace a file unless it is an earlier export of this format and holds nothing else."""
    state, hint = "It was left as it is", "name another with --out; --force replaces earlier exports alone"
    others = others_in_file(path, target.format)
    if others is None:
        raise ConfigurationError(f"{path} is not an earlier export", state=state, hint=hint)
    if others:
        facts = {"for example": others[0]}
        raise ConfigurationError(f"{path} holds other tables", facts=facts, state=state, hint=hint)


def refuse_inside_of_lake(path: Path, lake: Lake) -> None:
    """Refuse a place among the files of a lake's databases: what no table names there, housekeeping deletes."""
    for one in (lake, *([lake.base] if lake.base else [])):
        for zone, place in one.warehouses.items():
            inside = Path(place).resolve() / one.database(zone)
            if "://" not in place and (path == inside or inside in path.parents):
                message = f"{path} is inside the lake, where planlake maintain deletes files that belong to no table"
                raise ConfigurationError(message, hint=ELSEWHERE)
