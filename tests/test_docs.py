"""Everything a user can type, set, meet or query stands in docs/, and what stands there is so."""

import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from typer.main import get_command

from planlake import errors
from planlake.cli.main import app
from planlake.config import (
    Api,
    Catalog,
    Config,
    Environment,
    ModelSettings,
    Settings,
    Spark,
    SqlCheck,
    Tables,
    Ui,
)
from planlake.config_sections import Cost, Email, Lineage, Notify, Report
from planlake.lake.about_tables import OF_COLUMNS
from planlake.lake.state import ledger
from planlake.lake.tables.columns import IMPORT_COLUMNS, REFINED_OWN, TABLES
from planlake.sources import catalogue
from planlake.sources.catalogue import Resource
from planlake.sources.dialect import Dialect

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
GROUPS = get_command(app).commands
COMMANDS = {name: one for name, one in GROUPS.items() if name != "env"}
COMMANDS |= {f"env {name}": one for name, one in GROUPS["env"].commands.items()}
ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.PlanlakeError)]
PACKAGE = ROOT / "src/planlake"


def page(name):
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def section(text, heading):
    """The text below a heading, up to the next one of its level or above."""
    level = re.match("#+", heading)[0]
    found = re.search(rf"^{re.escape(heading)}.*?\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no heading {heading!r}"
    return found[1]


def table(text):
    """The rows of all tables in a text, without their heads, by their first cell, without quotes."""
    lines = text.splitlines()
    body = [line for line, below in zip(lines, [*lines[1:], ""], strict=True) if not below.startswith("|---")]
    rows = [re.split(r"(?<!\\)\|", line.strip("|")) for line in body if line.startswith("| ")]
    return {row[0].strip(" `"): [cell.strip(" `") for cell in row[1:]] for row in rows}


# ---------------------------------------------------------------- commands


def test_the_page_of_commands_is_what_the_commands_say_now():
    script = [sys.executable, str(ROOT / "scripts/build_docs.py"), "--check"]
    done = subprocess.run(script, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_pages_that_are_stale_are_noticed_and_written_again(tmp_path):
    names = ("commands", "decisions/index", "errors", "deploy/aws", "carry-on", "benchmarks")
    shutil.copytree(DOCS, tmp_path / "docs")
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("editor"))
    for name in ("CONTRIBUTING.md", "benchmarks/README.md", "deploy/terraform/derived/policy.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in names:
        head, middle, rest = page(name).partition("\n<!-- Made by")
        (tmp_path / f"docs/{name}.md").write_text(head + middle + rest.replace("\n\n", "\n\nstale\n", 1))
    command = [sys.executable, str(tmp_path / "scripts/build_docs.py")]
    stale = subprocess.run([*command, "--check"], capture_output=True, text=True, timeout=60, check=False)
    assert stale.returncode == 1
    assert stale.stderr == "".join(f"docs/{name}.md is stale: run `make format`\n" for name in names)
    subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert [name for name in names if (tmp_path / f"docs/{name}.md").read_text() != page(name)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_each_of_its_options_is_on_the_page(command):
    text = section(page("commands"), f"## planlake {command}")
    for parameter in COMMANDS[command].params:
        names = parameter.opts if parameter.param_type_name == "option" else [parameter.name]
        assert all(re.search(rf"(?<!\w){re.escape(name)}(?![\w-])", text) for name in names), names


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("model", "heading"),
    [
        pytest.param(Config, "## The file", id="the file"),
        pytest.param(Api, "### `api`", id="api"),
        pytest.param(Tables, "### `tables`", id="tables"),
        pytest.param(Environment, "### `environments`", id="environments"),
        pytest.param(Catalog, "### `environments`", id="catalog"),
        pytest.param(SqlCheck, "### `checks`", id="checks"),
        pytest.param(Lineage, "### `lineage`", id="lineage"),
        pytest.param(Spark, "### `spark`", id="spark"),
        pytest.param(ModelSettings, "### `models`", id="models"),
        pytest.param(Ui, "### `ui`", id="ui"),
        pytest.param(Report, "### `report`", id="report"),
        pytest.param(Notify, "### `notify`", id="notify"),
        pytest.param(Email, "### `notify`", id="email"),
        pytest.param(Cost, "### `cost`", id="cost"),
        pytest.param(Settings, "### `settings`", id="settings"),
    ],
)
def test_every_key_of_the_file_is_explained_with_its_default(model, heading):
    rows = table(section(page("settings"), heading))
    for name, field in model.model_fields.items():
        if name == "folder" and model is Config:
            continue
        assert name in rows
        default = field.get_default(call_default_factory=True)
        if isinstance(default, str | int | float) and default != "":
            assert rows[name][0] == (str(default).lower() if isinstance(default, bool) else str(default)), name


def test_no_setting_is_explained_that_there_is_not():
    assert set(table(section(page("settings"), "### `settings`"))) - {"setting", "---", ""} <= set(
        Settings.model_fields
    )


def test_the_range_of_every_setting_is_told():
    rows = table(section(page("settings"), "### `settings`"))
    for name, field in Settings.model_fields.items():
        low, high = ([getattr(one, end) for one in field.metadata if hasattr(one, end)] for end in ("ge", "le"))
        assert rows[name][1] == (f"{low[0]:,} to {high[0]:,}" if low else ""), name


def test_every_key_of_a_resource_is_explained():
    rows = table(section(page("settings"), "### `resources`"))
    assert set(Resource.__dataclass_fields__) - {"name"} <= set(rows)


def test_every_variable_the_code_reads_is_explained():
    text = "".join(file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py"))
    read = set(re.findall(r"\b(?:PLANLAKE|TASCOMI)_[A-Z]+(?:_[A-Z]+)*\b(?!_)", text))
    read |= {"PLANLAKE_API_PUBLIC_KEY", "PLANLAKE_API_PRIVATE_KEY", "PLANLAKE_API_TOKEN"}
    settings = {f"PLANLAKE_{name.upper()}" for name in Settings.model_fields}
    missing = [name for name in sorted(read - settings) if f"`{name}`" not in page("settings")]
    assert missing == []


def test_every_word_of_a_catalogue_file_is_explained_with_its_default():
    text = section(page("add-a-source"), "### 2. Write the catalogue file")
    rows = table(text)
    for kind in (catalogue._Common, Dialect):
        for one in fields(kind):
            if one.name not in ("page_size", "time_zone", "dialect", "always") and one.default:
                assert rows[one.name][0] == ("none" if one.default == "" else str(one.default)), one.name
            assert one.name in rows


def test_the_catalogue_files_of_the_guide_are_read_as_they_stand(tmp_path):
    own, register = re.findall(r"```toml\n(.*?)```", page("add-a-source"), re.DOTALL)
    (tmp_path / "building_control.toml").write_text(own)
    (tmp_path / "register.toml").write_text(register)
    assert catalogue.catalogue_at(tmp_path / "building_control.toml").dialect == Dialect()
    written = catalogue.catalogue_at(tmp_path / "register.toml")
    assert written.dialect == catalogue.load_catalogue("public_register").dialect
    assert (written.changed, list(written.resources)) == ("modified", ["repd"])


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_class_of_error_is_explained_with_its_exit_status(kind):
    rows = table(section(page("errors"), "## Every class of error"))
    assert rows[kind.__name__][0] == str(kind.exit_code)


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_class_of_error_is_in_the_tree_at_the_top_of_its_module(kind):
    line = next(line for line in errors.__doc__.splitlines() if kind.__name__ in line)
    assert (m := re.search(r"\(exit (\d)\)", line)) is None or int(m[1]) == kind.exit_code


def test_every_error_that_the_code_raises_is_in_the_tables_of_the_page(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    found, unread = importlib.import_module("errors_of_code").raised()
    assert len(found) > 290
    assert len(unread) < 15, unread  # made by a function of their own, as each is
    shown = section(page("errors"), "## Every error").replace("\\", "")
    assert [one.message for one in found if " ".join(one.message.split()).replace("\\", "") not in shown] == []
    said = {name for one in found for name in re.findall(r"\bplanlake ((?:env |model )?[a-z]+)(?![\w.])", one.hint)}
    assert len(said) > 20
    assert said - set(COMMANDS) - {"model"} <= {f"model {one}" for one in GROUPS["model"].commands}


def test_an_error_is_read_with_the_hint_that_goes_with_it(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    module = importlib.import_module("errors_of_code")
    monkeypatch.setattr(module, "PACKAGE", tmp_path)
    (tmp_path / "some.py").write_text(
        """
HINT = "of the module"
def one(name, is_file):
    if is_file:
        message, hint = f"no file is {name}", "name a file"
        raise LakeError(message, hint=hint)
    message = "a first one" if name else "a second one"
    raise ConfigurationError(message, hint=HINT)
def other(message):
    raise ConflictError("it is in use", hint=advice())
    raise LakeError(message)
"""
    )
    found, unread = module.raised()
    assert {(one.kind, one.message, one.hint) for one in found} == {
        ("LakeError", "no file is …", "name a file"),
        ("ConfigurationError", "a first one", "of the module"),
        ("ConfigurationError", "a second one", "of the module"),
        ("ConflictError", "it is in use", "its hint says it"),
    }
    assert unread == ["some.py:11"]


# ---------------------------------------------------------------- databases


def columns_under(heading):
    return {name: cells[0] for name, cells in table(section(page("databases"), heading)).items() if cells}


def shown_type(kind):
    return "double" if kind == "float" else kind


@pytest.mark.parametrize(("zone", "name"), sorted(TABLES))
def test_every_table_of_planlakes_own_stands_under_its_database_with_its_columns_in_order(zone, name):
    database = {"raw": "## Raw zone", "refined": "## Refined zone", "operations": "## Operations"}[zone]
    text = section(page("databases"), database)
    rows = {column: cells[0] for column, cells in table(section(text, f"### `{name}`")).items()}
    own = {column: kind for column, kind in TABLES[zone, name].items() if column not in IMPORT_COLUMNS or zone != "raw"}
    assert list(rows.items()) == [(column, shown_type(kind)) for column, kind in own.items()]
    if len(own) < len(TABLES[zone, name]):
        assert "and the import columns" in section(text, f"### `{name}`")


def test_every_event_of_the_ledger_is_explained():
    events = {
        value for name, value in vars(ledger).items() if name.isupper() and name[0] != "_" and isinstance(value, str)
    } - {ledger.FULL}
    text = section(page("databases"), "### `api_requests`")
    assert [event for event in sorted(events) if f"`{event}`" not in text] == []


def test_the_import_columns_are_listed_with_their_types():
    rows = columns_under("## Import columns")
    assert {name: rows[name] for name in IMPORT_COLUMNS} == dict(IMPORT_COLUMNS)


def test_planlakes_own_columns_of_refined_tables_are_listed():
    rows = columns_under("### `increment_<resource>`")
    own = {name: kind for name, kind in REFINED_OWN.items() if name not in IMPORT_COLUMNS}
    assert {name: rows[name] for name in own} == own


def test_what_planlakes_own_columns_mean_is_said_alike_here_and_by_the_commands():
    headings = ("## Import columns", *(f"### `{name}`" for name in ("increment_<resource>", "history_<resource>")))
    texts = [section(page("databases"), heading) for heading in headings]
    texts.append(section(section(page("databases"), "## Refined zone"), "### `<resource>`"))
    said = {name: cells[1].replace("`", "") for text in texts for name, cells in table(text).items()}
    assert said == {name: f"{text[0].lower()}{text[1:].removesuffix('.')}" for name, text in OF_COLUMNS.items()}


@pytest.mark.parametrize(
    "name",
    ["api_response_<resource>", "<resource>", "increment_<resource>", "current_<resource>", "history_<resource>"],
)
def test_every_view_and_table_of_a_resource_is_listed(name):
    assert re.search(rf"^### `{re.escape(name)}` \((view|table)\)$", page("databases"), re.MULTILINE)


# ---------------------------------------------------------------- the pages themselves


def test_every_link_between_pages_leads_somewhere():
    for file in DOCS.rglob("*.md"):
        text = file.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
            assert (file.parent / target).exists(), f"{file.name}: {target}"


def test_every_part_of_the_package_is_in_the_table_of_where_code_belongs():
    text = section(page("carry-on"), "## Where a line of code belongs")
    parts = {entry.name for entry in PACKAGE.iterdir() if entry.is_dir() and (entry / "__init__.py").is_file()}
    parts |= {entry.name for entry in PACKAGE.glob("*.py") if entry.name != "__init__.py"}
    assert [part for part in sorted(parts) if f"`{part}`" not in text and f"`{part}/`" not in text] == []


def test_files_named_in_the_pages_are_there():
    for name in ("how-it-works", "recovery", "drift", "forget", "settings", "errors"):
        for path in re.findall(r"`((?:sources|flow|lake|engines|tests|docs|scripts)/[\w/]+\.\w+)`", page(name)):
            assert (PACKAGE / path).exists() or (ROOT / path).exists(), path


def test_every_extra_that_hints_and_pages_ask_to_install_is_there():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    files = [*PACKAGE.rglob("*.py"), *DOCS.rglob("*.md"), ROOT / "README.md"]
    named = {extra for file in files for extra in re.findall(r"planlake\[(\w+)\]", file.read_text(encoding="utf-8"))}
    assert named <= extras.keys()


def test_words_of_the_glossary_are_in_order():
    words = [word.lower() for word in table(page("glossary"))]
    assert len(words) > 30
    assert words == sorted(words)
