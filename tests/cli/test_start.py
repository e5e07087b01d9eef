"""The command itself, and `planlake init`: versions, help, usage, the first file."""

import json
import re
import subprocess

import pytest

from commands import PROGRAM, planlake
from planlake import __version__
from planlake.cli.main import app
from planlake.config import load_config
from planlake.errors import ConfigurationError, LakeError
from planlake.sources.catalogue import catalogue_of
from planlake.sources.secrets import known_secrets

COMMANDS = sorted(command.name for command in app.registered_commands)


def test_version_is_one_line_on_standard_output():
    said = planlake("--version")
    assert (said.status, said.out, said.err) == (0, f"planlake {__version__}\n", "")


def test_help_lists_every_command_with_a_sentence():
    said = planlake("--help")
    assert (said.status, said.err) == (0, "")
    assert re.findall(r"^  ([\w-]+) +[A-Z]\w+", said.out.partition("Commands:")[2], re.MULTILINE) == [
        *(command.name for command in app.registered_commands),
        *(group.typer_instance.info.name for group in app.registered_groups),
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_page_of_help(typed, command):
    said = typed(command, "--help")
    assert (said.status, said.err) == (0, "")
    assert f"Usage: planlake {command}" in said.out


@pytest.mark.parametrize(
    ("where", "status"),
    [("2>&-", 0), (">&-", 0), (">&- 2>&-", 0), (">/dev/full", 3), ("| head -c 20", 0)],
    ids=["no standard error", "no standard output", "neither", "a full disk", "a reader that has seen enough"],
)
def test_where_output_cannot_go_the_status_still_says_how_it_went(where, status):
    shell = f"set -o pipefail; {PROGRAM} --help {where}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "Traceback" in done.stderr) == (status, False)


def test_a_misspelt_command_is_a_usage_error_with_a_suggestion():
    said = planlake("runn")
    assert (said.status, said.out) == (2, "")
    assert "Did you mean 'run', 'runs'?" in said.err


def test_a_misspelt_option_is_a_usage_error(typed):
    said = typed("plan", "--cadense", "daily")
    assert said.status == 2
    assert "No such option: --cadense" in said.err


@pytest.mark.parametrize("source", ["tascomi", "open_data"])
def test_init_writes_a_file_that_loads_and_names_only_known_tables(typed, tmp_path, source):
    file = tmp_path / "planlake.yaml"
    said = typed("init", "--config", file, "--source", source, "--base-url", "https://council.example/rest/v1")
    assert (said.status, said.out) == (0, f"{file} written\n")
    config = load_config(file)
    assert catalogue_of(config).source == source
    assert config.api.base_url == "https://council.example/rest/v1"
    assert config.tables.daily
    assert config.tables.weekly


def test_init_writes_planlake_yaml_into_the_folder_it_is_called_in(tmp_path):
    said = planlake("init", folder=tmp_path)
    assert (said.status, said.out) == (0, "planlake.yaml written\n")
    assert list(tmp_path.iterdir()) == [tmp_path / "planlake.yaml"]
    assert "doctor" in said.err


def test_every_line_of_the_first_file_that_is_a_setting_is_explained(typed, tmp_path):
    typed("init", "--config", tmp_path / "planlake.yaml")
    text = (tmp_path / "planlake.yaml").read_text()
    for key in ("source", "daily", "weekly", "catalog", "warehouse"):
        assert re.search(rf"^ *{key}:.*#|#.*\n *{key}:", text, re.MULTILINE), key


def test_init_leaves_an_existing_file_as_it_is(typed, tmp_path):
    file = tmp_path / "planlake.yaml"
    file.write_text("# mine\n")
    said = typed("init", "--config", file)
    assert (said.status, said.out) == (2, "")
    assert "exists and was left as it is" in said.errors[0]
    assert file.read_text() == "# mine\n"
    assert "hint: planlake model copy" in typed("init", "--models", "--config", str(tmp_path / "planlake.yaml")).err


def test_init_into_a_folder_that_is_absent_is_a_clear_mistake(typed, tmp_path):
    said = typed("init", "--config", tmp_path / "absent/planlake.yaml")
    assert said.status == 2
    assert "cannot be written" in said.errors[0]


def test_init_of_an_unknown_source_is_refused_with_the_known_ones(typed, tmp_path):
    said = typed("init", "--config", tmp_path / "planlake.yaml", "--source", "tascomy")
    assert said.status == 2
    assert "did you mean tascomi" in said.err
    assert not (tmp_path / "planlake.yaml").exists()


def test_init_with_an_address_that_is_none_writes_no_file_that_cannot_be_read(typed, tmp_path):
    file = tmp_path / "planlake.yaml"
    said = typed("init", "--config", file, "--base-url", "council.example")
    assert said.status == 2, f"written, and then: {loading_error(file)}"
    assert "s3cret" not in typed("init", "--config", file, "--base-url", "https://me:s3cret@council.example/rest").err


def loading_error(file):
    try:
        load_config(file)
    except ConfigurationError as error:
        return str(error)
    return "it loads"


def test_a_defect_of_planlake_itself_is_exit_4_without_a_traceback_unless_debugging(typed, monkeypatch, tmp_path):
    monkeypatch.setattr("planlake.cli.loading.load_config", lambda *_, **__: 1 / 0)
    said = typed("plan")
    assert said.status == 4
    assert said.errors == ["Error: something went wrong inside Planlake: ZeroDivisionError: division by zero"]
    assert "Traceback" not in said.err
    monkeypatch.setenv("PLANLAKE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        typed("plan")


def test_what_is_said_of_a_defect_shows_nothing_that_the_catalogue_was_given(typed, monkeypatch, tmp_path):
    secrets = {"token": "TokSecret99\nmore", "s3.secret-access-key": "KeySecret77", "credential": "client:CredSecret"}
    place = {"uri": "postgresql://user:UriSecret@127.0.0.1:1/x", "properties": {**secrets, "other": "PropSecret"}}
    environments = json.dumps({"r": {"catalog": place, "warehouse": "lake"}})
    (tmp_path / "planlake.yaml").write_text(f"environments: {environments}\n")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "EnvSecret")
    shown = f"{[one.encode() for one in secrets.values()]} CredSecret UriSecret PropSecret EnvSecret ApiSecret"

    def broken(*_, **__):
        known_secrets.add("ApiSecret")  # as reading it does
        raise ValueError(f"a header cannot hold {shown}")

    def refused(*_, **__):
        known_secrets.add("ApiSecret")
        raise LakeError(f"refused: {shown}")

    for raised, status in ((broken, 4), (refused, 3)):
        monkeypatch.setattr("planlake.lake.lake.open_catalogue", raised)
        said = typed("status", "--config", tmp_path / "planlake.yaml")
        assert said.status == status
        assert said.errors[0].startswith("Error: ")
        assert "[hidden]" in said.err
        assert "PropSecret" not in said.err or status == 3
        for secret in ("TokSecret99", "KeySecret", "CredSecret", "UriSecret", "EnvSecret", "ApiSecret"):
            assert secret not in said.err


def test_init_on_aws_names_glue_and_the_place_and_no_key_or_region(typed, tmp_path):
    file = tmp_path / "planlake.yaml"
    assert typed("init", "--config", file, "--aws", "s3://lake-of-council/planlake").status == 0
    (name, environment), *others = load_config(file).environments.items()
    assert (name, environment.catalog.type, environment.warehouse) == ("aws", "glue", "s3://lake-of-council/planlake/")
    assert environment.protected
    assert (others, dict(environment.catalog.properties)) == ([], {})


@pytest.mark.parametrize("place", ["/lake", "lake-of-council", "s3://", "s3://A", 's3://bucket/a"b', "gs://bucket/x"])
def test_init_on_aws_refuses_what_is_no_place_there(typed, tmp_path, place):
    said = typed("init", "--config", tmp_path / "planlake.yaml", "--aws", place)
    assert said.status == 2
    assert said.err.endswith("hint: planlake init --aws s3://BUCKET/FOLDER/\n")
    assert not (tmp_path / "planlake.yaml").exists()
