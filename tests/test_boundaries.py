"""The shape of the code itself: which module may import which, how long things may be, what start-up loads."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src/planlake"
SOURCES = sorted(PACKAGE.rglob("*.py"))
HEAVY = (
    "duckdb",
    "pyarrow",
    "pyiceberg",
    "aiohttp",
    "pydantic",
    "pyspark",
    "uvicorn",
    "starlette",
    "mcp",
    "jinja2",
    "xlsxwriter",
    "sqlalchemy",
    "boto3",
    "structlog",
    "openlineage",
    "holidays",
    "prompt_toolkit",
)

BASE = (
    "config",
    "config_file",
    "config_sections",
    "config_values",
    "clock",
    "errors",
    "event_loop",
    "loopback",
    "printable",
    "version",
)
# Each room imports only from those behind it; rooms of one line know nothing of each other.
ROOMS = (
    ("cli", "library"),
    ("setup", "simulator"),
    ("report",),
    ("runs",),
    ("inspection",),
    ("changes",),
    ("flow",),
    ("telemetry",),
    ("lake", "sources", "checks"),
    ("engines",),
    BASE,
)
INSIDE = {  # the rooms of a room, in the same way; "" are its own modules
    "cli": (("job",), ("main",), ("setup",), ("report",), ("runs",), ("inspection", "changes"), ("",)),
    "lake": (
        ("open_lake",),
        ("repair",),
        ("views", "forgetting"),
        ("previews",),
        ("state",),
        ("",),
        ("tables",),
        ("metadata",),
        ("aws",),
    ),
    "engines": (("duckdb",), ("",)),
}
STEPS = ("ingest", "refine", "snapshot")
MODULES_A_FOLDER = 15


def part_of(module):
    """The part of the package a dotted name lies in; empty for the package itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def module_of(file):
    inside = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(inside[:-1] if inside[-1] == "__init__" else inside)


def imports_of(tree, package):
    """Every module a file imports, at its top, inside functions, for types only or by name at run time."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package.rsplit(".", node.level - 1)[0] + "." if node.level else ""
            base = (start + (node.module or "")).rstrip(".")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if is_module(f"{base}.{alias.name}"))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("import_module", "importlib.import_module"):
            yield from (argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant))


def is_module(name):
    place = PACKAGE.parent.joinpath(*name.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


def all_imports():
    for file in SOURCES:
        module = module_of(file)
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        for imported in imports_of(ast.parse(file.read_text(encoding="utf-8")), package):
            yield module, imported


def place_in(order, room):
    """On which line of an order a room stands."""
    return next(place for place, rooms in enumerate(order) if room in rooms)


@cache
def edges():
    """Pairs of modules of the package of which one imports the other; what a package hands on counts as the package."""
    modules = {module_of(file) for file in SOURCES}
    return {(one, other) for one, other in all_imports() if one in modules and other in modules and one != other}


def wrong_way(order, room_of):
    """Imports from one room to another that does not stand behind it."""
    for module, imported in sorted(edges()):
        room, other = room_of(module), room_of(imported)
        if room is None or other is None or room == other:
            continue
        if place_in(order, room) >= place_in(order, other):
            yield f"{module} imports {imported}"


def room_inside(whole):
    """Which room inside of a room a module is in; None outside, and for the face of a folder."""

    def room_of(module):
        parts = module.split(".")[1:]
        if len(parts) < 2 or parts[0] != whole or PACKAGE.joinpath(*parts).is_dir():
            return None
        return parts[1] if len(parts) > 2 or parts[1] in ("open_lake", "main", "job") else ""

    return room_of


def test_imports_go_downwards_only():
    base = set(BASE)
    assert [
        line
        for line in wrong_way(ROOMS, lambda module: part_of(module) or None)
        if not {part_of(name) for name in line.split(" imports ")} <= base
    ] == []


@pytest.mark.parametrize("room", INSIDE)
def test_imports_inside_of_a_room_go_downwards_too(room):
    assert list(wrong_way(INSIDE[room], room_inside(room))) == []


def test_steps_know_nothing_of_each_other():
    """They meet in tables. What is told of a run knows their results, which are records and import no step."""

    def step_of(module):
        parts = module.split(".")
        return parts[2] if len(parts) > 3 and parts[1] == "flow" and parts[2] in STEPS else None

    pairs = [(one, other) for one, other in edges() if step_of(one) and step_of(other)]
    assert [pair for pair in pairs if step_of(pair[0]) != step_of(pair[1])] == []
    shared = [(one, other) for one, other in edges() if part_of(one) == "flow" and not step_of(one) and step_of(other)]
    assert [pair for pair in shared if not pair[1].endswith(".result")] == []


def circles():
    """Groups of modules that import each other, imports for types only included."""
    known = {}
    for one, other in edges():
        known.setdefault(one, set()).add(other)
    reach = {module: _reached(module, known) for module in known}
    return {frozenset(other for other in reach[one] if one in reach.get(other, ())) for one in known} - {frozenset()}


def _reached(module, known):
    found, left = set(), [module]
    while left:
        new = known.get(left.pop(), set()) - found
        found |= new
        left += new
    return found


def test_no_modules_import_each_other_in_a_circle():
    assert circles() == set()


def test_the_face_of_the_package_is_for_users_alone():
    assert [one for one, other in edges() if other == PACKAGE.name] == []


def test_no_folder_has_more_than_15_modules():
    folders = {file.parent for file in SOURCES}
    sizes = {folder: len([one for one in folder.glob("*.py") if one.name != "__init__.py"]) for folder in folders}
    assert {str(folder): size for folder, size in sizes.items() if size > MODULES_A_FOLDER} == {}


def test_every_room_has_its_place_in_the_order():
    rooms = {part_of(module_of(file)) for file in SOURCES} - {""}
    assert rooms <= {room for line in ROOMS for room in line}


def test_pyspark_is_imported_in_the_spark_engine_only():
    users = {module for module, imported in all_imports() if imported.split(".")[0] == "pyspark"}
    assert users <= {"planlake.engines.spark"}


def test_the_rule_sees_imports_inside_functions_and_relative_ones():
    source = "def f():\n    from ..lake import lake\n    import planlake.cli.main\nimport_module('planlake.runs.run')\n"
    found = set(imports_of(ast.parse(source), "planlake.sources"))
    assert found >= {"planlake.lake", "planlake.lake.lake", "planlake.cli.main", "planlake.runs.run"}


def test_no_file_has_more_than_400_lines():
    lengths = {module_of(file): len(file.read_text(encoding="utf-8").splitlines()) for file in SOURCES}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def code_lines(function, text):
    """Lines of a function that are neither blank, nor comment, nor its docstring."""
    has_docstring = ast.get_docstring(function) is not None
    first = function.body[0]
    skipped = range(first.lineno, (first.end_lineno or 0) + 1) if has_docstring else ()
    lines = text.splitlines()
    numbers = range(function.lineno, (function.end_lineno or 0) + 1)
    return sum(
        1 for n in numbers if n not in skipped and lines[n - 1].strip() and not lines[n - 1].strip().startswith("#")
    )


@pytest.mark.parametrize("limit", [50])
def test_no_function_has_more_than_50_lines_of_code(limit):
    long = {}
    for file in SOURCES:
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and code_lines(node, text) > limit:
                long[f"{module_of(file)}.{node.name}"] = code_lines(node, text)
    assert long == {}


def values_by_place(function):
    """How many values a function takes that need no name where it is called."""
    return len([one for one in (*function.args.posonlyargs, *function.args.args) if one.arg not in ("self", "cls")])


def test_at_most_8_percent_of_functions_take_more_than_three_values_by_place():
    nodes = [node for file in SOURCES for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    taken = [values_by_place(node) for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert sum(1 for count in taken if count > 3) / len(taken) <= 0.08


@pytest.mark.parametrize(
    "start",
    [
        pytest.param("import planlake", id="import planlake"),
        pytest.param("sys.argv = ['planlake', '--help']; from planlake.cli.main import main; main()", id="--help"),
        pytest.param(
            "sys.argv = ['planlake', '--version']; from planlake.cli.main import main; main()", id="--version"
        ),
    ],
)
def test_starting_loads_nothing_heavy(start):
    report = f"print('loaded', sorted(set({HEAVY!r}) & set(sys.modules)))"
    program = f"import sys\ntry:\n    exec({start!r})\nexcept SystemExit:\n    pass\n{report}"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.splitlines()[-1] == "loaded []"


def tracked_files():
    """Files git keeps or would keep."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("git or its folder is absent: what is tracked is not known")
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def found_in_tracked_files(pattern):
    found = []
    for file in tracked_files():
        text = file.read_bytes().decode("utf-8", "replace")
        found += [f"{file.relative_to(ROOT)}: {match[0]}" for match in re.finditer(pattern, text)]
    return found


def test_no_file_names_a_package_registry():
    hosts = "|".join(
        ("py" + "pi" + r"\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs", "proxy" + r"\.golang")
    )
    options = "--(?:extra-)?" + "index-url (?=http)" + "|--trusted" + "-host"
    assert found_in_tracked_files(f"{hosts}|{options}") == []
    assert [lock.name for lock in ROOT.glob("requirements*.lock") if "://" in lock.read_text()] == []


def test_no_file_names_an_absolute_path_of_a_machine():
    folders = "|".join(("wo" + "rk", "ho" + "me", "ro" + "ot", "Us" + "ers", "m" + "nt"))
    assert found_in_tracked_files(rf"(?<![\w.~${{}}/*-])/(?:{folders})/[\w.]+|[A-Z]:\\\\?Users") == []
