"""Units of work: each can be pickled and done by another process, which comes to the same files and figures."""

import pickle
import subprocess
import sys
from dataclasses import fields, is_dataclass

import pyarrow.parquet as pq
import pytest
from pyiceberg.manifest import DataFile

from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, PATIENCE, TWO_KINDS, change_two_kinds, two_kinds
from planlake.engines.local import LocalEngine
from planlake.flow.refine.unit import KeysUnit, RefineUnit
from planlake.flow.snapshot.unit import SnapshotUnit

SETTINGS = f"{TWO_KINDS}settings: {{{PATIENCE}, rejected_percent: 100}}\n"
# It knows no lake, no run and no catalogue; what it is given is all it has.
ELSEWHERE = """\
import pickle, sys
done = [work(unit) for work, unit in pickle.load(open(sys.argv[1], "rb"))]
pickle.dump(done, open(sys.argv[2], "wb"))
"""


@pytest.fixture(scope="module")
def carried_out(tmp_path_factory):
    """Every unit of a first load and of the day after it, with its work and what it came to."""
    done, plain = [], LocalEngine.map

    def noted(engine, work, units):
        for unit, result in zip(units, plain(engine, work, units), strict=True):
            done.append((work, unit, result))
            yield result

    data = two_kinds(90)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(LocalEngine, "map", noted)
        monkeypatch.setattr("planlake.flow.snapshot.ranges.UNIT_CELLS", 400)
        with feeding(data, tmp_path_factory.mktemp("units"), SETTINGS) as feed:
            assert feed.run_at(DAY_1).exit_code == 0
            change_two_kinds(data)
            assert feed.run_at(DAY_2).exit_code == 0
            yield done


def comparable(found):
    """A result with the rows of its files in the place of their names."""
    if isinstance(found, DataFile):
        place = [("import_request_id", "ascending"), ("import_position", "ascending")]  # rows of a file have no order
        rows = pq.read_table(found.file_path.removeprefix("file://")).sort_by(place)
        ends = (found.lower_bounds, found.upper_bounds)
        return list(found.partition), found.record_count, ends, rows.to_pylist()
    if isinstance(found, (list, tuple)):
        return [comparable(one) for one in found]
    if is_dataclass(found):
        return {field.name: comparable(getattr(found, field.name)) for field in fields(found)}
    return found


def test_there_are_units_of_every_kind(carried_out):
    kinds = {type(unit) for _, unit, _ in carried_out}
    assert kinds == {KeysUnit, RefineUnit, SnapshotUnit}
    snapshots = [unit for _, unit, _ in carried_out if isinstance(unit, SnapshotUnit)]
    assert {unit.between is None for unit in snapshots} == {True, False}
    assert {bool(unit.kept) for unit in snapshots} == {True, False}
    assert len(snapshots) > 4


def test_another_process_that_is_given_the_units_alone_comes_to_the_same(carried_out, tmp_path):
    given, got = tmp_path / "units", tmp_path / "results"
    given.write_bytes(pickle.dumps([(work, unit) for work, unit, _ in carried_out]))
    subprocess.run([sys.executable, "-c", ELSEWHERE, str(given), str(got)], check=True, cwd=tmp_path, timeout=120)
    results = pickle.loads(got.read_bytes())
    assert [comparable(one) for one in results] == [comparable(result) for *_, result in carried_out]


def test_what_a_unit_says_of_itself_holds_no_record_and_no_property_of_its_files(carried_out):
    said = "".join(repr(unit) for _, unit, _ in carried_out)
    assert "no number" not in said
    assert "properties" not in said


def test_an_error_in_a_unit_ends_the_rest_and_is_raised_as_it_is():
    begun = []

    def work(unit):
        begun.append(unit)
        if unit == 2:
            raise ValueError("unit 2")
        return unit

    with pytest.raises(ValueError, match="unit 2"):
        list(LocalEngine(workers=2).map(work, range(100)))
    assert len(begun) < 10


def test_units_come_back_in_their_order_and_no_more_are_begun_than_were_taken_off():
    begun = []

    def work(unit):
        begun.append(unit)
        return unit

    done = LocalEngine(workers=2).map(work, range(20))
    assert [next(done), next(done)] == [0, 1]
    assert len(begun) <= 4
    assert list(done) == list(range(2, 20))
