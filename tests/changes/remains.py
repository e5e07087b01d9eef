"""Whatever is left of a person in the files of a lake: every byte, and every value of every file decoded."""

import re

import pyarrow.parquet as pq
from pyiceberg.avro.file import AvroFile
from pyiceberg.io.pyarrow import PyArrowFileIO

IO = PyArrowFileIO()


def remains(folder, texts, numbers=()):
    """Each trace as (file, column or place in it, what): `texts` as parts of any text, `numbers` as whole numbers."""
    looked_for = [re.escape(text) for text in texts] + [rf"(?<![0-9a-f]){number}(?![0-9a-f])" for number in numbers]
    pattern = re.compile("|".join(looked_for).encode())
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "planlake.yaml":
            name = str(path.relative_to(folder))
            found += [(name, "bytes", match.decode()) for match in set(pattern.findall(path.read_bytes()))]
            for where, values in decoded(path):
                text = "\n".join(str(value) for value in values if value is not None).encode()
                found += [(name, where, match.decode()) for match in set(pattern.findall(text))]
                found += [(name, where, value) for value in {*numbers}.intersection(map(number_of, values))]
    return found


def number_of(value):
    """A value as a number where it is one; bounds in manifests are bytes."""
    if isinstance(value, bytes) and len(value) in (4, 8):
        return int.from_bytes(value, "little", signed=True)
    return value if isinstance(value, int) else None


def decoded(path):
    """Every value of a file: of Parquet by column, with those of its statistics; of Avro however deep it lies."""
    if path.suffix == ".parquet":
        held = pq.ParquetFile(path)
        yield from held.read().to_pydict().items()
        for group in range(held.metadata.num_row_groups):
            for number in range(held.metadata.num_columns):
                column = held.metadata.row_group(group).column(number)
                if column.statistics is not None and column.statistics.has_min_max:
                    yield f"{column.path_in_schema} in the footer", [column.statistics.min, column.statistics.max]
    elif path.suffix == ".avro":
        with AvroFile(IO.new_input(str(path))) as entries:
            yield "entries", [value for entry in entries for value in flat(entry)]


def flat(value):
    """The single values in anything that Avro can say."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    parts = getattr(value, "_data", value)  # the library's own records
    if isinstance(parts, list | tuple):
        for part in parts:
            yield from flat(part)
    else:
        yield value
