"""What columns mean and what values stand for, beside a catalogue."""

import re
from collections import Counter

import pytest

from planlake.config import Config
from planlake.errors import ConfigurationError
from planlake.sources.catalogue import load_catalogue
from planlake.sources.meanings import CODES, LABELS, MEANINGS, codes_of, labels_of, meanings_of

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


# Words of names, addresses, ways to reach somebody and free texts, in the name of a column or in what it means.
OF_PEOPLE = re.compile(
    r"name|address|post_?code|e-?mail|phone|fax|mobile|contact|applicant_|agent|owner|complainant|offender|signed|uprn"
    r"|descri|comment|note|detail|explanation|reference|officer_|user_id|location|free text"
)


def test_columns_whose_values_pages_show_are_declared_codes_that_say_nothing_of_a_person():
    meanings, resources = meanings_of(Config()), load_catalogue("tascomi").resources
    listed = [(resources[name], key) for name, keys in codes_of(Config()).items() for key in keys]
    assert len(listed) == 73
    for one, key in listed:
        target = one.relations.get(key) or one.relations_guessed.get(key)
        assert one.columns[key] in ("integer", "long", "text")
        assert not one.personal or not one.is_personal(key)
        assert target is None or not resources[target].personal
        assert target not in ("applications", "enforcements", "dtf_locations", "documents")
        assert OF_PEOPLE.search(key) is None
        assert OF_PEOPLE.search(meanings[one.name][key].text.lower().replace("householder", "")) is None


def test_a_catalogue_may_have_none_of_the_files(source):
    config, _ = source
    assert (meanings_of(config), labels_of(config), codes_of(config)) == ({}, {}, {})


def test_files_beside_a_catalogue_of_ones_own_are_read(source):
    config, folder = source
    (folder / MEANINGS).write_text(f'{HEAD}trees,height,"Metres, to the top.",our notes,public\n')
    (folder / LABELS).write_text("resource,column,value,label\ntrees,kind,1,oak\ntrees,kind,2,ash\n")
    (folder / CODES).write_text("resource,column\ntrees,kind\n")
    assert codes_of(config) == {"trees": {"kind"}}
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
