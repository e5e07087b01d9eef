"""Tables on a screen are read cell by cell: `8` is not `18`, and no cell is taken for one of another column."""

import pytest
import typer

from commands import Said
from features.person import Person
from features.screen import tables_on
from features.seeing import rows
from planlake.cli.screen import print_table


class Reader:
    """Somebody who has a screen before them."""

    def __init__(self, screen):
        self.said = type("Said", (), {"out": screen})

    def expects(self, is_so, what):
        assert is_so, what


@pytest.fixture
def screen(capsys):
    names = ("table", "rows here", "added", "why")
    wrapped = "because " * 30
    counted = [("fees", 18, None, "x"), ("wards", 1_234_567, 8, wrapped), ("a b", None, 0, ("one", "two"))]
    print_table("Of two names", names, counted, numbers=names[1:3])
    typer.echo("words that are in no table")
    print_table("", ("what", "verdict"), [("size", "= ok")])
    print_table("", ("nothing",), [])
    return capsys.readouterr().out


def test_every_table_is_found_with_its_columns_and_cells(screen):
    first, second, third = tables_on(screen)
    columns, cells = first
    assert columns == ["table", "rows here", "added", "why"]
    assert [row["rows here"] for row in cells] == ["18", "1,234,567", ""]
    assert [row["added"] for row in cells] == ["", "8", "0"]
    assert [row["why"] for row in cells] == ["x", ("because " * 30).strip(), "one two"]
    assert second == (["what", "verdict"], [{"what": "size", "verdict": "= ok"}])
    assert third == (["nothing"], [])


@pytest.mark.parametrize(
    ("wanted", "is_seen"),
    [
        pytest.param([["rows here", "table"], ["18", "fees"]], True, id="in any order"),
        pytest.param([["table", "rows here"], ["fees", "8"]], False, id="a part of a number"),
        pytest.param([["table", "added"], ["fees", "18"]], False, id="of another column"),
        pytest.param([["table", "added"], ["fees", ""]], True, id="nothing there"),
        pytest.param([["table", "added"], ["fees", "8"]], False, id="of another row"),
        pytest.param([["what", "added"], ["size", "8"]], False, id="of two tables"),
        pytest.param([["table", "why"], ["wards", "because ..."]], True, id="the rest left out"),
        pytest.param([["table", "why"], ["fees", "because ..."]], False, id="the rest of something else left out"),
    ],
)
def test_a_row_is_seen_only_where_every_cell_is_as_wanted(screen, wanted, is_seen):
    if is_seen:
        rows(Reader(screen), wanted)
    else:
        with pytest.raises(AssertionError, match="a row with"):
            rows(Reader(screen), wanted)


def test_what_is_said_of_a_screen_keeps_its_columns_in_line(screen, monkeypatch):
    person = Person(None, monkeypatch, None, line="planlake tables", said=Said(0, screen, ""))
    with pytest.raises(pytest.fail.Exception) as failed:
        person.expects(is_so=False, what="more")
    head, rule, first = str(failed.value).partition("Of two names\n\n")[2].splitlines()[:3]
    assert (head.index("table"), rule.index("─"), first.index("fees")) == (0, 0, 0)
    told = tables_on(str(failed.value).partition("words")[2])
    assert told[0] == (["what", "verdict"], [{"what": "size", "verdict": "= ok"}])
    table_alone = Person(None, monkeypatch, None, said=Said(0, screen.partition("no table\n")[2], ""))
    with pytest.raises(pytest.fail.Exception, match=r"Seen:\nwhat  verdict\n─"):
        table_alone.expects(is_so=False, what="more")
