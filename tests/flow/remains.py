"""Whatever is left of a person in the files of a lake: every byte, and every value of every file decoded."""

import re

import pyarrow.parquet as pq
from pyiceberg.avro.file import AvroFile
from pyiceberg.io.pyarrow import PyArrowFileIO

IO = PyArrowFileIO()


def remains(folder, texts, numbers=()):
    """Each trace as (file, column or where, what): `texts` as parts of any text, `numbers` as whole numbers."""
    patterns = [re.compile(re.escape(text).encode()) for text in texts]
    patterns += [re.compile(rf"(?<![0-9a-f]){number}(?![0-9a-f])".encode()) for number in numbers]
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "planlake.yaml":
            name = str(path.relative_to(folder))
            for where, part in (("bytes", path.read_bytes()), *decoded(path)):
                found += [(name, where, one.pattern.decode()) for one in patterns if one.search(part)]
            found += [(name, where, number) for where, number in whole_numbers(path) if number in numbers]
    return found


def decoded(path):
    """The texts of a file as one piece per column."""
    if path.suffix == ".parquet":
        for name, column in columns(path).items():
            yield name, "\n".join(str(value) for value in column if value is not None).encode()
    elif path.suffix == ".avro":
        yield "entries", "\n".join(str(value) for value in values(path)).encode()


def whole_numbers(path):
    """The numbers of a file: values of columns, bounds in footers and in manifests."""
    if path.suffix == ".parquet":
        for name, column in columns(path).items():
            yield from ((name, value) for value in column if isinstance(value, int))
    elif path.suffix == ".avro":
        for value in values(path):
            if isinstance(value, bytes) and len(value) in (4, 8):
                yield "bounds", int.from_bytes(value, "little", signed=True)
            elif isinstance(value, int):
                yield "entries", value


def columns(path):
    """The values of every column, those of its statistics included."""
    held = pq.ParquetFile(path)
    found = held.read().to_pydict()
    for group in range(held.metadata.num_row_groups):
        for number in range(held.metadata.num_columns):
            column = held.metadata.row_group(group).column(number)
            if column.statistics is not None and column.statistics.has_min_max:
                found.setdefault(column.path_in_schema, []).extend([column.statistics.min, column.statistics.max])
    return found


def values(path):
    """Every single value of an Avro file, however deep it lies."""
    with AvroFile(IO.new_input(str(path))) as entries:
        for entry in entries:
            yield from flat(entry)


def flat(value):
    if isinstance(value, dict):
        for one in (*value.keys(), *value.values()):
            yield from flat(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from flat(one)
    elif hasattr(value, "_data"):  # a record of the library
        for one in value._data:
            yield from flat(one)
    else:
        yield value
