"""Reads mappings: CSV files of the user's beside the models, every cell a text as it stands."""

import csv
from pathlib import Path

import pyarrow as pa

from planlake.errors import ConfigurationError

LARGEST_BYTES = 16 * 2**20


def read_mapping(file: Path) -> pa.Table:
    """The rows of a mapping, empty cells as NULL; a ConfigurationError says what is wrong with it, but no cell."""
    try:
        if not file.is_file() or file.resolve().parent != file.parent.resolve():
            raise _wrong(file, "is no file of its own in the folder of mappings")
        with file.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)
        if len(content) > LARGEST_BYTES:
            raise _wrong(file, f"is larger than {LARGEST_BYTES // 2**20} MB")
        rows = list(csv.reader(content.decode("utf-8-sig").splitlines(keepends=True), strict=True))
    except UnicodeDecodeError:
        raise _wrong(file, "is not UTF-8 text") from None
    except csv.Error:
        raise _wrong(file, "is no CSV") from None
    except OSError as error:
        raise _wrong(file, f"cannot be read: {error.strerror}") from None
    if not rows:
        raise _wrong(file, "is empty: its first line names the columns")
    names, *records = rows
    if len({name.lower() for name in names}) < len(names) or not all(names):
        raise _wrong(file, "has two columns of one name, or one without a name")
    odd = next((number for number, row in enumerate(records, start=2) if len(row) != len(names)), None)
    if odd is not None:
        raise _wrong(file, f"has another number of cells in record {odd} than its first line names columns")
    columns = [[row[place] or None for row in records] for place in range(len(names))]
    return pa.table([pa.array(column, pa.string()) for column in columns], names=names)


def _wrong(file: Path, what: str) -> ConfigurationError:
    return ConfigurationError(f"the mapping {file.name} {what}", facts={"file": file})
