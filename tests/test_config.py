"""The configuration: what wins, what each mistake says, and that no secret is ever part of it."""

import pytest

from commands import typed_in_process
from planlake.config import Config, Settings, load_config
from planlake.errors import ConfigurationError
from planlake.lake.lake import catalogue_file
from planlake.lake.open_lake import open_lake
from planlake.sources.secrets import read_keys

MINIMAL = """\
api: {base_url: "https://council.example/rest/v1"}
tables: {daily: [fees]}
"""
SECRET = "S3cret-of-the-council-42"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in (*Settings.model_fields, "config", "env", "now", "api_public_key", "api_private_key"):
        monkeypatch.delenv(f"PLANLAKE_{name.upper()}", raising=False)
    for name in ("TASCOMI_PUBLIC_KEY", "TASCOMI_PRIVATE_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def write(tmp_path):
    """Writes planlake.yaml and gives its path."""

    def written(text):
        file = tmp_path / "planlake.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return written


@pytest.fixture
def typed(monkeypatch, capfd):
    """What a command says: its exit status, standard output and standard error."""

    def said(*arguments):
        left = typed_in_process(monkeypatch, capfd, arguments)
        return left.status, left.out, left.err

    return said


# ---------------------------------------------------------------- what wins


def test_a_flag_wins_over_a_variable_that_wins_over_the_file_that_wins_over_the_default(write, monkeypatch):
    assert load_config(write(MINIMAL)).settings.look_back_days == 60
    file = write(MINIMAL + "settings: {look_back_days: 50}\n")
    assert load_config(file).settings.look_back_days == 50
    monkeypatch.setenv("PLANLAKE_LOOK_BACK_DAYS", "40")
    assert load_config(file).settings.look_back_days == 40
    assert load_config(file, flags={"look_back_days": 30}).settings.look_back_days == 30


def test_a_flag_that_was_not_given_changes_nothing(write):
    file = write(MINIMAL + "settings: {concurrency: 5}\n")
    assert load_config(file, flags={"concurrency": None}).settings.concurrency == 5


def bounds_of(name):
    metadata = Settings.model_fields[name].metadata
    return [next(getattr(one, kind) for one in metadata if hasattr(one, kind)) for kind in ("ge", "le")]


WORDS = {"log": "text", "lake_readers": "group", "engine": "auto"}
NUMBERS = [name for name in Settings.model_fields if name not in WORDS]


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_among_the_settings_has_a_range_whose_ends_are_taken_and_no_more(write, typed, monkeypatch, name):
    low, high = bounds_of(name)
    for value in (low, high):
        assert getattr(load_config(write(f"{MINIMAL}settings: {{{name}: {value}}}")).settings, name) == value
    beyond = (low - 1, high * 2, -high, 10**30, "1e400", ".inf", "-.inf", ".nan", "true", "many", "[1]", "9" * 4000)
    for value in beyond:
        with pytest.raises(
            ConfigurationError, match=rf"settings\.{name}: must be a (whole )?number from .* to "
        ) as raised:
            load_config(write(f"{MINIMAL}settings: {{{name}: {value}}}"))
        assert f"{low:,} to {high:,}" in raised.value.message
    monkeypatch.setenv(f"PLANLAKE_{name.upper()}", "inf")
    status, out, err = typed("plan", "--config", write(MINIMAL))
    assert (status, out) == (2, "")
    assert f"variable=PLANLAKE_{name.upper()}" in err


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_a_variable_of_its_name_and_an_empty_one_is_none(write, monkeypatch, name):
    monkeypatch.setenv(f"PLANLAKE_{name.upper()}", "")
    assert load_config(write(MINIMAL)).settings == Settings()
    value = WORDS.get(name) or str(max(7, bounds_of(name)[0]))
    monkeypatch.setenv(f"PLANLAKE_{name.upper()}", value)
    assert str(getattr(load_config(write(MINIMAL)).settings, name)).removesuffix(".0") == value


def test_the_file_is_named_by_flag_then_variable_then_the_usual_name(tmp_path, monkeypatch):
    for name in ("planlake.yaml", "variable.yaml", "flag.yaml"):
        (tmp_path / name).write_text(f"{MINIMAL}settings: {{concurrency: {len(name)}}}\n")
    monkeypatch.chdir(tmp_path)
    assert load_config().settings.concurrency == len("planlake.yaml")
    monkeypatch.setenv("PLANLAKE_CONFIG", "variable.yaml")
    assert load_config().settings.concurrency == len("variable.yaml")
    assert load_config(tmp_path / "flag.yaml").settings.concurrency == len("flag.yaml")


def test_a_variable_in_any_text_is_replaced(write, monkeypatch):
    monkeypatch.setenv("COUNCIL", "hackney\n")
    monkeypatch.setenv("WHERE", "${COUNCIL}")
    config = load_config(
        write("""
        api: {base_url: "https://${COUNCIL}.example/rest/v1", private_key: "${NOT_SET}"}
        tables: {daily: ["${COUNCIL}"]}
        environments: {a: {warehouse: "${COUNCIL}/${COUNCIL}/", database_prefix: "${WHERE}"}}""")
    )
    assert config.api.base_url == "https://hackney.example/rest/v1"
    assert config.api.private_key == "${NOT_SET}"
    assert config.tables.daily == ("hackney",)
    assert config.environment().warehouse == "hackney/hackney/"
    assert config.environment().database_prefix == "${COUNCIL}"  # what a variable holds is not looked at again


WITH_A_VARIABLE = {
    "source": "source: '%s'",
    "api.base_url": "api: {base_url: 'https://%s/rest'}",
    "api.documentation": "api: {base_url: 'https://a.example', documentation: 'https://a.example/%s'}",
    "tables.daily.1": "tables: {daily: [fees, '%s']}",
    "environments.b.warehouse": "environments: {a: {}, b: {warehouse: '%s'}}",
    "environments.a.warehouse.raw": "environments: {a: {warehouse: {refined: x, raw: 'x/%s'}}}",
    "environments.a.catalog.uri": "environments: {a: {catalog: {uri: 'sqlite:///%s/c.db'}}}",
    "environments.a.catalog.properties.region": "environments: {a: {catalog: {properties: {region: '%s'}}}}",
    "environments.a.database_prefix": "environments: {a: {database_prefix: '%s'}}",
    "resources.fees.changed": "resources: {fees: {changed: '%s'}}",
    "checks.0.rows": "checks: [{table: fees, name: a, rows: '%s'}]",
    "lineage.to": "lineage: {to: 'file:%s'}",
    "settings.log": "settings: {log: '%s'}",
}


@pytest.mark.parametrize("place", WITH_A_VARIABLE)
def test_a_variable_that_is_not_set_or_empty_is_a_mistake_wherever_it_stands(write, monkeypatch, place):
    monkeypatch.delenv("NOT_SET", raising=False)
    for value, state in ((None, "not set"), ("", "empty"), (" \n", "empty")):
        if value is not None:
            monkeypatch.setenv("NOT_SET", value)
        with pytest.raises(ConfigurationError) as raised:
            load_config(write(WITH_A_VARIABLE[place] % "${NOT_SET}"))
        assert raised.value.message == f"{place}: the variable NOT_SET is {state}"
        assert "planlake.yaml" in str(raised.value)


@pytest.mark.parametrize("text", ["${DIR:-lake}", "${ DIR }", "${}", "${DIR", "${1DIR}", "${DIR-}"])
def test_what_looks_like_a_variable_and_is_none_is_no_name_of_a_folder(write, monkeypatch, text):
    monkeypatch.setenv("DIR", "lake")
    with pytest.raises(ConfigurationError, match=r"a\.warehouse: what follows \$\{ is not the name of a variable"):
        load_config(write(f"{MINIMAL}environments: {{a: {{warehouse: '{text}/x'}}}}"))


def test_a_tilde_is_the_home_folder_wherever_a_path_stands(write, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key").write_text(SECRET)
    config = load_config(
        write("""
        source: ~/register.toml
        api: {base_url: "https://a.example", private_key: "file:~/key", documentation: ~/page.html}
        environments:
          a: {catalog: {uri: "sqlite:///~/c.db"}, warehouse: ~/lake}
          b: {warehouse: {refined: ~/lake, raw: "s3://bucket/~raw"}, database_prefix: "~"}
        lineage: {to: "file:~/events"}""")
    )
    assert config.catalogue_path == tmp_path / "register.toml"
    assert config.api.documentation == f"{tmp_path}/page.html"
    assert catalogue_file(config) == tmp_path / "c.db"
    assert config.environment().warehouse == f"{tmp_path}/lake"
    assert config.environment("b").warehouse.refined == f"{tmp_path}/lake"
    assert config.environment("b").warehouse.raw == "s3://bucket/~raw"
    assert config.environment("b").database_prefix == "~"
    assert config.lineage.to == f"file:{tmp_path}/events"
    monkeypatch.setenv("TASCOMI_PUBLIC_KEY", "public")
    assert read_keys(config).private == SECRET


@pytest.mark.parametrize("folder", ["a%2Fb", "a%20b", "100%", "a?b", "a#b", "a b", "é[1]*"])
def test_every_sign_of_a_folder_stands_for_itself(tmp_path, folder):
    """In the place of the file, where a catalogue's address takes %2F and ? for something else."""
    place = tmp_path / folder
    place.mkdir()
    (place / "planlake.yaml").write_text(MINIMAL)
    open_lake(load_config(place / "planlake.yaml")).catalog.create_namespace("there")
    assert {file.name for file in (place / "lake").iterdir()} == {"catalog.db"}
    assert [one.name for one in tmp_path.iterdir()] == [folder]


def test_a_sign_of_the_uri_stands_for_itself_too(write, tmp_path):
    file = write(MINIMAL + "environments: {a: {catalog: {uri: 'sqlite:///a%2Fb/c.db'}}}")
    open_lake(load_config(file)).catalog.create_namespace("there")
    assert (tmp_path / "a%2Fb/c.db").is_file()


def test_the_first_environment_is_used_unless_another_is_named(write):
    config = load_config(write(MINIMAL + "environments: {stg: {database_prefix: s-}, prod: {}}\n"))
    assert config.environment().database_prefix == "s-"
    assert config.environment("prod").database_prefix == ""


def test_a_slash_at_the_end_of_the_address_makes_no_difference(write):
    assert load_config(write(MINIMAL.replace("/v1", "/v1/"))).api.base_url == "https://council.example/rest/v1"


@pytest.mark.parametrize(
    "empty",
    [
        pytest.param("tables:\n  daily: [fees]\n  weekly:\n", id="a list"),
        pytest.param("tables:\n  daily: [fees]\n  weekly:  # all gone\n", id="a list with a remark"),
        pytest.param("tables: {daily: [fees], weekly: ~}\n", id="a list that is null"),
        pytest.param("tables: {daily: [fees]}\nresources:\nchecks:\nenvironments:\nsettings:\n", id="sections"),
        pytest.param("tables: {daily: [fees]}\nsettings:\n  attempts:\n", id="a setting"),
        pytest.param("tables: {daily: [fees]}\nenvironments:\n  local:\n", id="an environment"),
        pytest.param("tables: {daily: [fees]}\nenvironments: {local: {warehouse: , catalog: }}\n", id="parts of it"),
    ],
)
def test_a_key_with_nothing_behind_it_is_as_if_it_was_not_there(write, empty):
    api = MINIMAL.splitlines()[0]
    assert load_config(write(f"{api}\n{empty}")) == load_config(write(MINIMAL))


# ---------------------------------------------------------------- mistakes: one clear line, exit 2

MISTAKES = {
    "a wrong key": ("sorce: tascomi", "unknown key: sorce", "did you mean source"),
    "a wrong setting": ("settings: {concurency: 3}", "unknown key: settings.concurency", "did you mean concurrency"),
    "a wrong key of the api": ("api: {base_urll: x, base_url: 'http://a'}", "unknown key: api.base_urll", "base_url"),
    "a wrong key of an environment": ("environments: {a: {warehose: x}}", "environments.a.warehose", "warehouse"),
    "a wrong key of a catalogue": ("environments: {a: {catalog: {urri: x}}}", "a.catalog.urri", "did you mean uri"),
    "a wrong zone of a warehouse": ("environments: {a: {warehouse: {rawr: x}}}", "a.warehouse.rawr", "raw"),
    "a key only the program sets": (MINIMAL + "folder: elsewhere", "unknown key: folder", ""),
    "a misspelt resource": ("tables: {daily: [fes]}", 'no resource is called "fes"', "did you mean fees"),
    "an unknown source": ("source: tascomy", 'no source is called "tascomy"', "tascomi"),
    "a setting of the wrong type": ("settings: {concurrency: many}", "settings.concurrency", "a whole number from 1"),
    "a setting out of its range": ("settings: {attempts: 0}", "settings.attempts: must be a whole number from 1", ""),
    "settings that are a number": ("settings: 3", "settings is a list of names and values", "docs/settings.md"),
    "a table that is no list": ("tables: {daily: fees}", "tables.daily", ""),
    "a table without a name": ("tables: {daily: [fees, ~]}", "daily.1: must be a text", ""),
    "tables that are a name": ("tables: fees", "tables: must hold keys and values", "docs/settings.md"),
    "an environment that is a name": ("environments: {a: b}", "environments.a: must hold keys and values", ""),
    "a wrong key with nothing behind it": ("tables:\n  dayly:\n", "unknown key: tables.dayly", "did you mean daily"),
    "tables with nothing under them": (
        "api: {base_url: 'http://a.example'}\ntables:\n",
        "no table is configured",
        "planlake.yaml",
    ),
    "an address without a host": (
        "api: {base_url: 'https:///rest'}",
        "api.base_url: is not an address",
        "https://HOST",
    ),
    "an address of another kind": ("api: {base_url: 'ftp://council.example'}", "api.base_url: is not an address", ""),
    "an address with a key in it": (
        "api: {base_url: 'https://me:pass@a.example'}",
        "api.base_url: is not an address",
        "",
    ),
    "an address with a port that is none": (
        "api: {base_url: 'http://a.example:abc'}",
        "api.base_url: is not an address",
        "",
    ),
    "an address with too high a port": (
        "api: {base_url: 'http://a.example:99999'}",
        "api.base_url: is not an address",
        "",
    ),
    "an address with half a bracket": ("api: {base_url: 'http://[::1/rest'}", "api.base_url: is not an address", ""),
    "an address with only a port": ("api: {base_url: 'http://:8642/rest'}", "api.base_url: is not an address", ""),
    "an address of dots": ("api: {base_url: 'http://../rest'}", "api.base_url: is not an address", ""),
    "an address whose name is too long": (f"api: {{base_url: 'http://{'a' * 64}.example'}}", "is not an address", ""),
    "an address with an unset variable": ("api: {base_url: 'http://${NO_HOST}/'}", "variable NO_HOST is not set", ""),
    "a key that is no column": (
        "resources: {wards: {key: wardid}}\ntables: {daily: [wards]}",
        'key: "wardid" is not a declared column',
        "",
    ),
    "a warehouse nobody knows": (
        MINIMAL + "environments: {a: {warehouse: 'floppy://disk'}}",
        "a warehouse cannot be at floppy://",
        "s3://",
    ),
    "a source outside the catalogues": ("source: ../sources/tascomi", "no source is called", "tascomi"),
    "a home folder of nobody": (
        MINIMAL + "environments: {a: {warehouse: '~nobody-of-that-name/x'}}",
        "a.warehouse",
        "",
    ),
    "a folder of two lines": (
        MINIMAL + 'environments: {a: {warehouse: "a\\nb"}}',
        "a.warehouse: holds a line break",
        "",
    ),
    "an SQLite file with more behind it": (
        MINIMAL + "environments: {a: {catalog: {uri: 'sqlite:///c.db?timeout=5'}}}",
        "a.catalog.uri: must be sqlite:///PATH",
        "",
    ),
    "an SQLite file with too few strokes": (
        MINIMAL + "environments: {a: {catalog: {uri: 'sqlite://c.db'}}}",
        "a.catalog.uri: must be sqlite:///PATH",
        "",
    ),
    "a date that is none": (MINIMAL + "source: 2026-13-45", "is not YAML: it holds an invalid date", "quotes"),
    "a number of 5,001 digits": (MINIMAL + f"source: {'9' * 5001}", "is not YAML: it holds an invalid date", ""),
    "brackets in brackets": (f"source: {'[' * 20_000}{']' * 20_000}", "nested too deeply", ""),
    "keys in keys": (f"source: {'{a: ' * 20_000}1{'}' * 20_000}", "nested too deeply", ""),
    "lists in lists": ("source:\n" + "- " * 20_000 + "x", "nested too deeply", ""),
    "levels of lines": ("\n".join(f"{' ' * level}a:" for level in range(1000)), "nested too deeply", ""),
    "aliases of aliases": (
        "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
        "holds more than 10,000 values once its *aliases are put in",
        "",
    ),
    "aliases merged into each other": (
        "a0: &a0 {k: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12)),
        "holds more than 10,000 values",
        "",
    ),
    "an alias in itself": ("source: &a [*a]", "holds more than 10,000 values", ""),
    "no address": ("api: {}", "missing: api.base_url", "planlake init"),
    "a path of Windows in quotes": (
        MINIMAL + r'source: "C:\data"',
        "is not YAML: found unknown escape",
        "write a path with /",
    ),
    "not YAML": ("source: tascomi\ntables: {daily: [fees\n", "is not YAML", "line="),
    "the same key twice": ("source: tascomi\nsource: open_data\n", "duplicate key", "line=2"),
    "a list": ("- fees\n", "holds no settings", ""),
    "nothing": ("", "holds no settings", ""),
    "a catalogue nobody knows": (
        "environments: {a: {catalog: {type: hive}}}",
        "a.catalog.type",
        "'sql', 'glue' or 'rest'",
    ),
    "a prefix in capitals for Glue": (
        "environments: {a: {catalog: {type: glue}, database_prefix: Stg-, warehouse: 's3://b'}}",
        "environments.a.database_prefix: must be in lower case",
        "write stg-",
    ),
    "a prefix with a dot": (
        MINIMAL + "environments: {a: {database_prefix: stg.}}",
        "environments.a.database_prefix: is part of the names",
        "",
    ),
    "a prefix that leads elsewhere": (
        MINIMAL + "environments: {a: {database_prefix: ../b-}}",
        "no dot and no slash",
        "",
    ),
    "a prefix nobody sees": (
        MINIMAL + 'environments: {a: {database_prefix: "a\\0b"}}',
        "environments.a.database_prefix: holds a line break or another invisible",
        "",
    ),
    "a check without a condition": (
        MINIMAL + "checks: [{table: fees, name: a, rows: ' '}]",
        "checks.0.rows: is empty",
        "",
    ),
    "no environment": (MINIMAL + "environments: {}", "environments", ""),
    "a warehouse of no zone": (MINIMAL + "environments: {a: {warehouse: {}}}", "warehouse", ""),
    "no tables": ("api: {base_url: 'http://a.example'}", "no table is configured", "planlake.yaml"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_clear_line_with_its_place_and_exit_2(write, typed, mistake):
    text, place, cure = MISTAKES[mistake]
    status, out, err = typed("plan", "--config", write(text))
    assert (status, out) == (2, ""), err
    assert [line.split()[0] for line in err.splitlines()] in (["Error:"], ["Error:", "hint:"]), err
    assert place in err.splitlines()[0]
    assert cure in err


def test_not_yaml_names_the_line(write):
    with pytest.raises(ConfigurationError, match="line=3"):
        load_config(write("source: tascomi\n\ntables: daily: [fees]\n"))


def test_an_absent_file_is_named_with_the_ways_to_have_one(typed, tmp_path):
    status, out, err = typed("plan", "--config", tmp_path / "absent.yaml")
    assert (status, out) == (2, "")
    assert "no configuration found" in err
    assert "absent.yaml" in err
    assert "planlake init" in err


def test_a_folder_or_bytes_in_place_of_a_file_are_a_clear_mistake(typed, tmp_path):
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    for file in (tmp_path, tmp_path / "bytes.yaml"):
        status, out, err = typed("plan", "--config", file)
        assert (status, out) == (2, "")
        assert err.startswith("Error: the configuration cannot be read")


def test_a_file_without_end_is_read_no_further_than_a_megabyte(typed):
    status, out, err = typed("plan", "--config", "/dev/zero")
    assert (status, out) == (2, "")
    assert err.startswith("Error: the configuration is larger than 1 MB")


def test_aliases_that_say_little_twice_are_taken(write):
    config = load_config(
        write(f"{MINIMAL}environments: {{a: &a {{warehouse: x}}, b: *a, c: {{<<: *a, protected: true}}}}")
    )
    assert (config.environment("b").warehouse, config.environment("c").protected) == ("x", True)


def test_an_unknown_environment_is_refused_with_the_known_ones(write, typed):
    status, _, err = typed("plan", "--config", write(MINIMAL), "--env", "locl")
    assert status == 2
    assert 'no environment and no preview is called "locl"' in err
    assert "did you mean local" in err


def test_a_variable_of_the_wrong_type_is_a_clear_mistake(write, typed, monkeypatch):
    monkeypatch.setenv("PLANLAKE_CONCURRENCY", "lots")
    status, _, err = typed("plan", "--config", write(MINIMAL))
    assert status == 2
    assert "concurrency" in err


def test_an_instant_that_is_none_is_a_clear_mistake(write, typed, monkeypatch):
    monkeypatch.setenv("PLANLAKE_NOW", "tomorrow")
    status, _, err = typed("plan", "--config", write(MINIMAL))
    assert (status, err.splitlines()[0]) == (2, 'Error: PLANLAKE_NOW is not an instant: "tomorrow"')


def test_of_several_mistakes_one_is_explained_and_the_places_of_the_others_are_named(write, typed):
    status, _, err = typed("plan", "--config", write("sorce: a\nsettings: {attempts: 0}\n"))
    assert status == 2
    assert err.startswith("Error: unknown key: sorce")
    assert "wrong too=settings.attempts" in err


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("source: tascomi\ntables: {daily: [fees\n\napi: {a: b}\n", 2, "expected ',' or ']'"),
        ("source: tascomi\napi: {base_url: 'x\nb: 1\n", 2, "unexpected end"),
        ("source: tascomi\napi\ntables: {}\n", 2, "could not find expected ':'"),
        ("source: tascomi\napi:\n  a: 1\n b: 2\n", 4, "<block end>"),
    ],
)
def test_what_is_no_yaml_is_told_with_the_line_where_it_begins_and_what_to_look_for(write, typed, text, line, said):
    status, _, err = typed("plan", "--config", write(text))
    assert (status, f"line={line})" in err, said in err) == (2, True, True)
    assert "hint: look there for a bracket or a quote without its end" in err


# ---------------------------------------------------------------- keys


def test_keys_are_found_in_variables_and_files_beside_the_configuration(write, monkeypatch, tmp_path):
    (tmp_path / "private").write_text(f"{SECRET}\n")
    api = 'base_url: "https://a.example", public_key: "${COUNCIL_KEY}", private_key: "file:private"'
    config = load_config(write(f"api: {{{api}}}"))
    monkeypatch.setenv("COUNCIL_KEY", "the public one")
    keys = read_keys(config)
    assert (keys.public, keys.private) == ("the public one", SECRET)


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {} ", "\ufeff{}\n\n", "\t{}"])
def test_what_stands_around_a_key_is_no_part_of_it(write, monkeypatch, tmp_path, around):
    (tmp_path / "private").write_text(around.format(SECRET), encoding="utf-8", newline="")
    monkeypatch.setenv("TASCOMI_PUBLIC_KEY", around.format("public").replace("\ufeff", ""))
    keys = read_keys(load_config(write(MINIMAL.replace('v1"', 'v1", private_key: "file:private"'))))
    assert (keys.public, keys.private) == ("public", SECRET)
    monkeypatch.setenv("PLANLAKE_API_PRIVATE_KEY", f"{SECRET}\n")
    assert read_keys(load_config(write(MINIMAL))).private == SECRET


@pytest.mark.parametrize("kept", [f"{SECRET}\nanother line", f"{SECRET}\x00", f"{SECRET}\x1b[0m", f"{SECRET}\u200b"])
def test_a_key_of_several_lines_or_with_signs_nobody_sees_is_refused_and_not_shown(write, tmp_path, monkeypatch, kept):
    (tmp_path / "private").write_text(kept)
    monkeypatch.setenv("TASCOMI_PUBLIC_KEY", "public")
    with pytest.raises(ConfigurationError, match=r"what is kept for api\.private_key is neither a key") as raised:
        read_keys(load_config(write(MINIMAL.replace('v1"', 'v1", private_key: "file:private"'))))
    assert SECRET not in "\n".join(raised.value.lines())


def test_a_public_key_that_no_header_holds_is_refused(write, monkeypatch):
    monkeypatch.setenv("TASCOMI_PUBLIC_KEY", "clé")
    monkeypatch.setenv("TASCOMI_PRIVATE_KEY", SECRET)
    with pytest.raises(ConfigurationError, match=r"what is kept for api\.public_key is neither a key") as raised:
        read_keys(load_config(write(MINIMAL)))
    assert "clé" not in "\n".join(raised.value.lines())


@pytest.mark.parametrize("file", ["/dev/zero", "large", ".", "/dev/null"])
def test_a_key_in_a_file_without_end_or_without_text_is_missing(write, tmp_path, monkeypatch, file):
    (tmp_path / "large").write_text("x" * 100_000)
    monkeypatch.setenv("TASCOMI_PUBLIC_KEY", "public")
    with pytest.raises(ConfigurationError, match=r"api\.private_key is missing; looked at .* larger than a key"):
        read_keys(load_config(write(MINIMAL.replace('v1"', f'v1", private_key: "file:{file}"'))))


def test_a_missing_key_that_stands_in_planlake_env_is_told_with_the_line_that_reads_it(write, tmp_path):
    file = write(MINIMAL)
    (tmp_path / "planlake.env").write_text("TASCOMI_PUBLIC_KEY=1\n")
    with pytest.raises(ConfigurationError, match=r"planlake\.env beside the configuration is read by timers") as raised:
        read_keys(load_config(file))
    assert raised.value.hint == f"set -a; . {tmp_path / 'planlake.env'}; set +a"


def test_a_variable_of_planlakes_own_wins_over_the_place_the_file_names(write, monkeypatch):
    monkeypatch.setenv("TASCOMI_PUBLIC_KEY", "from the file's variable")
    monkeypatch.setenv("TASCOMI_PRIVATE_KEY", "from the file's variable")
    monkeypatch.setenv("PLANLAKE_API_PRIVATE_KEY", SECRET)
    keys = read_keys(load_config(write(MINIMAL)))
    assert (keys.public, keys.private) == ("from the file's variable", SECRET)


@pytest.mark.parametrize(
    ("reference", "places"),
    [
        ("${COUNCIL_KEY}", ("variable PLANLAKE_API_PRIVATE_KEY (not set)", "variable COUNCIL_KEY (not set)")),
        ("file:keys/absent", ("variable PLANLAKE_API_PRIVATE_KEY (not set)", "keys/absent")),
    ],
)
def test_a_missing_key_names_every_place_that_was_looked_at(write, typed, monkeypatch, reference, places):
    monkeypatch.setenv("TASCOMI_PUBLIC_KEY", "public")
    file = write(MINIMAL.replace('v1"', f'v1", private_key: "{reference}"'))
    status, out, err = typed("run", "--config", file)
    assert (status, out) == (2, "")
    assert err.startswith("Error: api.private_key is missing")
    assert all(place in err for place in places)
    assert "${VARIABLE}, file:PATH or aws-secret:NAME" in err


@pytest.mark.parametrize("value", [SECRET, f"prefix ${{VARIABLE}} {SECRET}", f"${{{SECRET}"])
@pytest.mark.parametrize("key", ["public_key", "private_key"])
def test_a_key_written_into_the_file_is_refused_and_not_repeated(write, typed, key, value):
    status, out, err = typed("plan", "--config", write(MINIMAL.replace('v1"', f'v1", {key}: "{value}"')))
    assert status == 2
    assert f"api.{key}: must say where the key is kept" in err
    assert SECRET not in out + err


def test_a_misspelt_name_of_a_key_does_not_repeat_its_value(write, typed):
    status, _, err = typed("plan", "--config", write(MINIMAL.replace('v1"', f'v1", privat_key: "{SECRET}"')))
    assert status == 2
    assert "did you mean private_key" in err
    assert SECRET not in err


def test_a_key_in_yaml_that_cannot_be_read_is_not_repeated(write, typed):
    status, _, err = typed("plan", "--config", write(f'api: {{private_key: "{SECRET}", private_key: "{SECRET}"}}'))
    assert status == 2
    assert SECRET not in err


def test_secrets_are_in_no_text_of_the_configuration_or_the_keys(write, monkeypatch):
    monkeypatch.setenv("TASCOMI_PUBLIC_KEY", SECRET)
    monkeypatch.setenv("TASCOMI_PRIVATE_KEY", SECRET)
    monkeypatch.setenv("PLANLAKE_API_PRIVATE_KEY", SECRET)
    file = write(MINIMAL.replace('v1"', 'v1", private_key: "${TASCOMI_PRIVATE_KEY}"'))
    config = load_config(file)
    keys = read_keys(config)
    assert keys.private == SECRET
    texts = [repr(keys), str(keys), repr(config), str(config), repr(config.api), f"{config.model_dump()}"]
    assert [text for text in [*texts, config.model_dump_json()] if SECRET in text] == []


def test_a_validation_error_carries_no_value_of_the_file():
    with pytest.raises(ValueError, match="private_key") as raised:
        Config.model_validate({"api": {"base_url": "http://a.example", "private_key": SECRET}})
    assert SECRET not in str(raised.value)
