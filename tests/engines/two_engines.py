"""What both engines must make alike: every table of a lake but what is of one run only."""

import importlib.util
import shutil

import pytest

from planlake.lake.open_lake import open_lake

WHY = "PySpark and Java are not installed: make test-spark installs PySpark"
needs_spark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None, reason=WHY
)
# What two loads need not have in common: whose turn it was at the API, how long it took, how files are called.
OF_ONE_RUN = {
    *("seconds", "snapshot_id", "snapshot_before", "bytes", "request_id", "import_request_id"),
    *("import_datetime", "import_timestamp", "import_api_url_requested"),
}
OF_OPERATIONS = ("uncastable", "rejected", "checks")


def contents(config, environment=None):
    """The rows of every table of a lake, in no order, without what is of one run only."""
    lake, found = open_lake(config, environment), {}
    for zone in ("refined", "operations"):
        for name in lake.names(zone):
            if zone == "operations" and name not in OF_OPERATIONS:
                continue
            table = lake.find(zone, name)
            rows = table.scan().to_arrow()
            rows = rows.select([one for one in rows.column_names if one not in OF_ONE_RUN and not one.endswith("_at")])
            types = [(field.name, str(field.field_type)) for field in table.schema().fields]
            found[f"{zone}.{name}"] = types, sorted(map(repr, rows.to_pylist()))
    return found


def assert_equal(here, there):
    """Say what the first row is that only one of them has."""
    assert here.keys() == there.keys()
    for name, (types, rows) in here.items():
        assert types == there[name][0], name
        only = [min(one, default="") for one in (set(rows) - set(there[name][1]), set(there[name][1]) - set(rows))]
        assert only == ["", ""], f"{name}: one has {only[0]}, the other {only[1]}"
        assert rows == there[name][1], name
