"""What columns mean and what values stand for, beside a catalogue."""

from collections import Counter

import pytest

from planlake.config import Config
from planlake.errors import ConfigurationError
from planlake.sources.catalogue import load_catalogue
from planlake.sources.meanings import LABELS, MEANINGS, labels_of, meanings_of

HEAD = "resource,column,meaning,label_source,confidence\n"


@pytest.fixture
def source(tmp_path):
    """A configuration with a catalogue of its own in the folder `ours`."""
    (tmp_path / "ours").mkdir()
    return Config(source="./ours", folder=tmp_path), tmp_path / "ours"


def test_every_declared_column_of_tascomi_has_a_meaning_and_it_says_how_it_is_known():
    meanings, resources = meanings_of(Config()), load_catalogue("tascomi").resources
    assert [
        f"{name}.{key}" for name, one in resources.items() for key in one.columns if key not in meanings[name]
    ] == []
    every = [one for keys in meanings.values() for one in keys.values()]
    assert Counter(one.confidence for one in every) == {"name": 1253, "public": 493, "guess": 66}
    assert all(one.text and one.source for one in every)


def test_a_guess_is_shown_as_one_and_nothing_else_is():
    of_applications = meanings_of(Config())["applications"]
    assert of_applications["admin_officer_id"].said.startswith("perhaps: Which user")
    assert of_applications["application_stage"].said.startswith("Where the case stands")
    guesses = {key for key, one in of_applications.items() if one.said.startswith("perhaps: ")}
    assert guesses == {key for key, one in of_applications.items() if one.confidence == "guess"}


def test_labels_are_of_known_columns_and_have_every_value_that_the_catalogue_accepts():
    labels, resources = labels_of(Config()), load_catalogue("tascomi").resources
    for name, keys in labels.items():
        assert keys.keys() <= resources[name].columns.keys()
    for name, one in resources.items():
        for key, values in one.accepted.items():
            assert tuple(labels[name][key]) == values


def test_a_catalogue_may_have_neither(source):
    config, _ = source
    assert (meanings_of(config), labels_of(config)) == ({}, {})


def test_files_beside_a_catalogue_of_ones_own_are_read(source):
    config, folder = source
    (folder / MEANINGS).write_text(f'{HEAD}trees,height,"Metres, to the top.",our notes,public\n')
    (folder / LABELS).write_text("resource,column,value,label\ntrees,kind,1,oak\ntrees,kind,2,ash\n")
    assert meanings_of(config)["trees"]["height"].said == "Metres, to the top."
    assert labels_of(config)["trees"]["kind"] == {"1": "oak", "2": "ash"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(b"resource,column,meaning\n", "lacks the column label_source", id="a column is missing"),
        pytest.param(b"", "lacks the column resource", id="empty"),
        pytest.param(HEAD.encode() + b"trees,height,Tall.,ours,sure\n", 'unknown confidence "sure"', id="confidence"),
        pytest.param(HEAD.encode() + b"trees,height,\xff,ours,name\n", "cannot be read", id="no UTF-8"),
    ],
)
def test_a_file_that_is_wrong_is_named(source, text, message):
    config, folder = source
    (folder / MEANINGS).write_bytes(text)
    with pytest.raises(ConfigurationError, match=message) as raised:
        meanings_of(config)
    assert raised.value.facts["file"] == folder / MEANINGS
