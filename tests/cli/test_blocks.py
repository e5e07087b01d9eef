"""Every block of code of the documentation is carried out by a test named here, or read by one, as its page says."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import duckdb
import pytest
import sqlglot
from ruamel.yaml import YAML
from typer.main import get_command

from cli.conftest import SECOND
from planlake.cli import loading
from planlake.cli.main import app
from planlake.config import load_config
from planlake.sources.catalogue import catalogue_of

ROOT = Path(__file__).parents[2]
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    *sorted(file.relative_to(ROOT).as_posix() for file in ROOT.glob("docs/**/*.md")),
]
FENCE = re.compile(r"^( *)(```+)(\w*)\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)
SHOWN = ("text",)  # what a screen shows, a drawing, a list of files: no code
READ = "read"
SAYS_SO = re.compile(r"[Rr]ead by a test, not carried out")
HERE, START = "cli/test_blocks.py", "cli/test_blocks.py::test_the_first_commands_work_one_after_another"
MAKE = f"{HERE}::test_what_make_is_told_is_what_the_tests_try"
FILES = f"{HERE}::test_a_piece_of_a_configuration_is_read_as_one"
TRANSCRIPTS = "features/test_transcripts.py::test_the_commands_of_the_page_print_what_it_says"
ATHENA = "cli/report/test_connecting.py::test_the_whole_query_and_what_is_said_beside_it_run"
CONNECTING = "cli/report/test_connecting.py::test_the_commands_and_the_python_of_connecting_work_one_after_another"
PYTHON = "library/test_page.py::test_every_block_of_the_page_runs_and_prints_what_stands_below_it"
POLICY = (
    "aws/test_policy.py::test_the_policy_is_enough_for_each_command_and_without_one_of_its_actions_that_one_is_named"
)
MODEL = "flow/trust/test_returns_of_runs.py::test_the_first_model_that_the_documentation_shows_is_built"
RETURNS = "flow/trust/test_returns_measured.py::test_the_queries_that_the_page_shows_give_the_last_quarter"
REHEARSALS = "features/test_rehearsals.py::test_each_fault_is_told_and_mended_as_the_page_says"
TELLING = "report/telling/test_telling.py::test_what_the_page_configures_reaches_somebody"
DEPLOYED = "deploy/test_pages.py::test_the_configuration_of_the_page_is_deployed_and_a_table_more_is_told_as_it_shows"
AIRFLOW = "dags/test_in_airflow.py::test_airflow_reads_the_files_and_each_table_is_a_task"
# How the blocks of a page in a language are tried: all of them by one test, or each in its order by another.
HOW = {
    ("README.md", "sh"): (MAKE, START),
    ("README.md", "console"): "library/test_readme.py::test_what_the_readme_asks_of_the_demo_is_answered_so",
    ("docs/index.md", "sh"): (MAKE, START),
    ("docs/add-a-source.md", "toml"): "test_docs.py::test_the_catalogue_files_of_the_guide_are_read_as_they_stand",
    ("docs/add-a-source.md", "yaml"): FILES,
    ("docs/add-a-source.md", "sh"): (
        *["setup/test_draft.py::test_the_commands_of_the_guide_draft_and_try"] * 2,
        READ,
        "sources/test_own_catalogue.py::test_the_commands_of_the_guide_load_its_own_catalogue",
    ),
    ("docs/assistants.md", "sh"): READ,
    ("docs/assistants.md", "json"): READ,
    ("docs/break-it-yourself.md", "console"): REHEARSALS,
    ("docs/benchmarks.md", "sh"): READ,
    ("docs/environments.md", "console"): TRANSCRIPTS,
    ("docs/environments.md", "yaml"): FILES,
    ("docs/undo.md", "console"): TRANSCRIPTS,
    ("docs/connect.md", "sh"): CONNECTING,
    ("docs/connect.md", "python"): CONNECTING,
    ("docs/dbt.md", "sh"): READ,
    ("docs/dbt.md", "yaml"): READ,
    ("docs/dbt.md", "sql"): READ,
    ("docs/deploy/airflow.md", "sh"): READ,
    ("docs/deploy/airflow.md", "python"): AIRFLOW,
    ("docs/deploy/aws.md", "sh"): READ,
    ("docs/deploy/aws.md", "json"): POLICY,
    ("docs/deploy/container.md", "sh"): READ,
    ("docs/deploy/cost.md", "sh"): "inspection/test_costs.py::test_the_command_shows_it_in_80_columns_and_as_json",
    ("docs/deploy/emr-serverless.md", "sh"): READ,
    ("docs/deploy/glue.md", "sh"): READ,
    ("docs/deploy/one-server.md", "sh"): READ,
    ("docs/deploy/spark.md", "sh"): READ,
    ("docs/deploy/spark.md", "yaml"): FILES,
    ("docs/deploy/terraform.md", "sh"): READ,
    ("docs/deploy/terraform.md", "yaml"): DEPLOYED,
    ("docs/from-athena.md", "sql"): ATHENA,
    ("docs/models.md", "sql"): MODEL,
    ("docs/notify.md", "yaml"): TELLING,
    ("docs/notify.md", "sh"): TELLING,
    ("docs/python.md", "sh"): PYTHON,
    ("docs/python.md", "python"): PYTHON,
    ("docs/returns.md", "sql"): RETURNS,
    ("docs/settings.md", "yaml"): FILES,
    ("docs/try-a-table.md", "console"): "features/test_transcript.py::test_the_commands_of_the_page_print_what_it_says",
    ("docs/ui.md", "sh"): "report/web/test_server.py::test_the_command_prints_the_link_and_ends_in_a_line",
}  # fmt: skip


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def blocks_of(page, language):
    """The blocks of a page in a language, without the blanks of a list that they stand in."""
    found = [match for match in FENCE.finditer(text_of(page)) if match[3] == language]
    return [re.sub(rf"^{match[1]}", "", match[4], flags=re.MULTILINE) for match in found]


def tried(page, language):
    """How each of these blocks is tried."""
    how = HOW[page, language]
    return [how] * len(blocks_of(page, language)) if isinstance(how, str) else list(how)


BLOCKS = [
    pytest.param(language, block, id=f"{page} {language} {number}")
    for page, language in HOW
    for number, (block, how) in enumerate(zip(blocks_of(page, language), tried(page, language), strict=True), 1)
    if how == READ
]
PIECES = [
    pytest.param(block, id=f"{page} {number}")
    for page, language in HOW
    for number, (block, how) in enumerate(zip(blocks_of(page, language), tried(page, language), strict=True), 1)
    if how == FILES
]


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_a_page_is_listed_here(page):
    found = {match[3] for match in FENCE.finditer(text_of(page))} - {*SHOWN}
    assert text_of(page).count("```") == 2 * len(FENCE.findall(text_of(page))), "a block that does not end"
    assert {language for name, language in HOW if name == page} == found
    assert not any(
        line.startswith("$ ") for language in SHOWN for one in blocks_of(page, language) for line in one.splitlines()
    )


@pytest.mark.parametrize("test", sorted({one for key in HOW for one in tried(*key)} - {READ}))
def test_the_test_that_is_named_is_there_and_reads_the_page(test):
    file, _, name = test.partition("::")
    text = (ROOT / "tests" / file).read_text(encoding="utf-8")
    assert f"\ndef {name}(" in text
    pages = {page for page, language in HOW if test in tried(page, language)}
    assert file == HERE or all(Path(page).stem in text for page in pages)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_where_a_test_only_reads_its_blocks(page):
    is_read = any(READ in tried(name, language) for name, language in HOW if name == page)
    assert bool(SAYS_SO.search(text_of(page))) == is_read


# ---------------------------------------------------------------- read


def commands_of(block):
    """What a shell is told in a block, line by line, and within `$(...)`; without comments."""
    whole = re.sub(r"\\\n\s*", "", block)
    lines = [*whole.splitlines(), *re.findall(r"\$\(([^)]*)\)", whole)]
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def own_commands(block):
    """The arguments of every command of Planlake's own in a block."""
    for line in commands_of(block):
        words = shlex.split(line, comments=True) if line.count("'") % 2 == 0 else []
        if words and words[0].rpartition("/")[2] == "planlake":
            yield words[1:]


def parse(arguments):
    """Have the command line understand a command, and carry nothing out."""
    command, context = get_command(app), None
    while True:
        context = command.make_context("planlake", [*arguments], parent=context)
        if not hasattr(command, "commands"):
            return
        _, command, arguments = command.resolve_command(context, [*context._protected_args, *context.args])


@pytest.fixture
def forgetful(monkeypatch):
    """What options remember is forgotten again."""
    for name, empty in (("_NAMED", []), ("_FLAGS", {}), ("_CHOSEN", [])):
        monkeypatch.setattr(loading, name, empty)


@pytest.mark.parametrize(("language", "block"), BLOCKS)
def test_what_cannot_be_carried_out_here_is_read(forgetful, language, block):
    if language == "sh":
        checked = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, timeout=20, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")
        for arguments in own_commands(block):
            parse(arguments)
    elif language == "json":
        for server in json.loads(block)["mcpServers"].values():
            assert server["command"] == "planlake"
            parse(server["args"])
    elif language == "yaml":
        assert YAML(typ="safe").load(block)
    else:
        assert language == "sql"
        assert sqlglot.parse_one(re.sub(r"\{\{ source\('(\w+)', '(\w+)'\) \}\}", r"\1.\2", block), read="duckdb")
        assert duckdb.extract_statements(re.sub(r"\{\{.*?\}\}", "a_table", block))


def test_a_command_that_there_is_not_is_noticed(forgetful):
    for wrong in (["rum"], ["run", "--fast"], ["env", "make", "A"], ["try", "fees"], ["forget"]):
        with pytest.raises(Exception, match=r"(?i)no such|missing|required|choose"):
            parse(wrong)
    assert [*own_commands('x/bin/planlake run \\\n  --env a  # why\naws cp "$(planlake spark-job --file)" b')] == [
        ["run", "--env", "a"],
        ["spark-job", "--file"],
    ]


@pytest.mark.parametrize("block", PIECES)
def test_a_piece_of_a_configuration_is_read_as_one(tmp_path, monkeypatch, block):
    for name, text in zip(("building_control", "register"), blocks_of("docs/add-a-source.md", "toml"), strict=True):
        (tmp_path / f"{name}.toml").write_text(text)
    for name in ("API", "PUBLIC_KEY", "PRIVATE_KEY"):
        monkeypatch.setenv(f"COUNCIL_{name}", "https://council.example/rest/v1")
    monkeypatch.setenv("CATALOGUE_CREDENTIAL", "id:secret")
    address = "api: {base_url: 'https://council.example/rest/v1'}\n"
    (tmp_path / "planlake.yaml").write_text(block if re.search("^api:", block, re.MULTILINE) else address + block)
    config = load_config(tmp_path / "planlake.yaml")
    assert catalogue_of(config).resources
    assert config.model_fields_set - {"folder", "api"}


# ---------------------------------------------------------------- carried out


def test_what_make_is_told_is_what_the_tests_try():
    told = {
        line.split("#")[0].strip()
        for page in ("README.md", "docs/index.md")
        for line in blocks_of(page, "sh")[0].splitlines()
    }
    assert told == {"make demo", "make test"}
    planned = subprocess.run(
        ["make", "-n", *(one.split()[1] for one in sorted(told))],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    assert re.search(r"bin/planlake demo$", planned, re.MULTILINE)
    assert re.search(r"bin/(python -m )?pytest\b", planned)


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_the_first_commands_work_one_after_another(feed, typed, at, tmp_path, monkeypatch, page):
    folder = tmp_path / "new"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PLANLAKE_LOG", "off")
    at(SECOND)
    block = blocks_of(page, "sh")[1]
    exported = re.findall(r"^export (.*)$", block, re.MULTILINE)
    assert exported == ["TASCOMI_PUBLIC_KEY=... TASCOMI_PRIVATE_KEY=..."]  # which are set here
    commands = [*own_commands(block)]
    assert len(commands) + len(exported) == len(block.splitlines())
    for command in commands:
        said = typed(*(feed.simulator.url if word.startswith("https://COUNCIL") else word for word in command))
        assert (said.status, said.errors) == (0, []), said.everything
    assert "60" in said.out
