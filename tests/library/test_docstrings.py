"""The examples in the docstrings of what is public: each is carried out on the lake of the demo."""

import doctest
import importlib

import pytest

import planlake

MODULES = ("planlake", "planlake.library.answer", "planlake.library.reading", "planlake.library.running")
EXAMPLES = {
    found.name: found
    for module in map(importlib.import_module, MODULES)
    for found in doctest.DocTestFinder(exclude_empty=True).find(module, module.__name__)
    if found.examples
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_a_docstring_give_what_stands_there(request, name):
    request.getfixturevalue("served" if "running" in name else "demo")
    found, said = EXAMPLES[name], []
    found.globs.update(planlake=planlake, lake=planlake.open_lake("demo-lake"))
    done = doctest.DocTestRunner(optionflags=doctest.FAIL_FAST).run(found, out=said.append)
    assert done.failed == 0, "".join(said)


@pytest.mark.parametrize("name", ["open_lake", "plan", "run", "Lake.sql", "Lake.table", "Lake.as_of", "Answer.rows"])
def test_what_is_called_most_has_an_example(name):
    assert any(known.endswith(f".{name}") for known in EXAMPLES)
