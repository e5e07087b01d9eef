"""What a process of the command line imports that makes no data frames."""

import subprocess
import sys

import pytest

pytest.importorskip("pandas", reason="NOT TESTED: pandas is not installed")

SHOWN = """
import os, sys
from planlake.cli.main import program
sys.argv = ["planlake", "--version"]
os._exit = lambda status: None
program()
import pyarrow as pa
pa.scalar(1)
print("pandas" in sys.modules)
from planlake.engines.without_pandas import let_pandas_in
let_pandas_in()
import pandas
print(pa.table({"id": [1]}).num_rows, len(pandas.DataFrame({"id": [1]})))
"""


def test_a_command_imports_no_pandas_until_it_is_let_in():
    said = subprocess.run([sys.executable, "-c", SHOWN], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.splitlines()[1:] == ["False", "1 1"]
