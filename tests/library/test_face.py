"""What `import planlake` gives: few names, the errors that say what to do, types for those who check them."""

import pickle
import subprocess
import sys
import tomllib
import traceback
from pathlib import Path
from zipfile import ZipFile

import pytest

import planlake
from planlake import errors

ROOT = Path(__file__).parents[2]


def test_there_are_few_public_names_and_all_of_them_are_there():
    assert 0 < len(planlake.__all__) <= 15
    assert all(getattr(planlake, name) is not None for name in planlake.__all__)
    assert dir(planlake) == sorted([*planlake.__all__, "__version__"])


def test_a_name_there_is_none_of_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'planlake' has no attribute 'open_lakes'"):
        _ = planlake.open_lakes


@pytest.mark.parametrize("name", planlake.__all__)
def test_every_public_name_says_what_it_is_for(name):
    said = getattr(planlake, name).__doc__
    assert said
    assert not said.startswith(f"{name}(")  # which is what Python writes of a record that says nothing


@pytest.mark.parametrize(
    "public",
    [
        getattr(kind, name)
        for kind in (planlake.Lake, planlake.Answer)
        for name in vars(kind)
        if not name.startswith("_") and (callable(getattr(kind, name)) or isinstance(getattr(kind, name), property))
    ],
)
def test_every_method_says_what_it_gives(public):
    assert public.__doc__


def test_types_are_shipped_in_the_wheel(tmp_path):
    pytest.importorskip("hatchling", reason="NO WHEEL BUILT: hatchling is not installed")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as files:
        names = files.namelist()
    assert wheel.name.startswith(f"planlake-{planlake.__version__}-")
    assert "planlake/py.typed" in names
    assert "planlake/library/reading.py" in names
    assert not any(name.startswith("tests/") for name in names)


def test_the_state_and_the_hint_of_an_error_stand_in_its_traceback():
    error = errors.LakeError("it is full", facts={"disk": "a"}, state="Nothing was changed", hint="planlake doctor")
    shown = "".join(traceback.format_exception(error))
    assert shown.endswith("LakeError: it is full (disk=a)\nNothing was changed\nhint: planlake doctor\n")


def test_an_error_goes_from_one_process_to_another_whole():
    error = errors.SourceRefused("no", facts={"key": "a"}, state="none", hint="planlake doctor")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.lines(), copy.__notes__) == (type(error), error.lines(), error.__notes__)


def test_neither_pandas_nor_polars_comes_with_the_product():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not [one for one in project["dependencies"] if one.startswith(("pandas", "polars"))]
