"""Keeps pandas out of a process that makes no data frames.

pyarrow imports pandas, where it is installed, with the first value it is given, to see whether that is one of pandas':
an eighth of what a day's run imports. A command gives it none.
"""

import sys
from importlib.abc import MetaPathFinder


class _WithoutPandas(MetaPathFinder):
    """Says of pandas alone that it is not installed."""

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("no data frames are made here", name=fullname)


def keep_pandas_out() -> None:
    """From now on whoever imports pandas is told that it is not installed."""
    let_pandas_in()
    sys.meta_path.insert(0, _WithoutPandas())


def let_pandas_in() -> None:
    """Undo it: whoever imports pandas gets it, where it is installed."""
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, _WithoutPandas)]
