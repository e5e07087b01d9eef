"""The page of `make features`: every scenario with its number, each step with a word, and what was seen instead."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FEATURE = """\
Feature: Tables <are> loaded
  Somebody wants a table.

  Background:
    Given a lake

  @1.2.3
  Scenario: 1.2.3 It is loaded
    When it is asked for:
      \"\"\"
      select 1 < 2
      \"\"\"
    Then it says:
      | rows | 8 |

  @4.3/4.2.1
  Scenario: 4.2.1 It is not loaded
    When it is asked for:
      \"\"\"
      select 2
      \"\"\"
    Then I see the row:
      | table | rows |
      | fees  | 8    |
    And nothing is heard of this

  @user-story
  Scenario: It is left out
    When nobody runs this
"""
STEPS = """\
import pytest
from pytest_bdd import given, scenario, then, when

test_one = scenario("a.feature", "1.2.3 It is loaded")(lambda: None)
test_two = scenario("a.feature", "4.2.1 It is not loaded")(lambda: None)

@given("a lake")
@when("it is asked for:")
@then("it says:")
@then("nothing is heard of this")
def well():
    pass

@then("I see the row:")
def badly():
    pytest.fail("Expected: 8 rows, <not> 9\\nSeen:\\n\\n table   rows\\n fees       9", pytrace=False)
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of a run with one scenario that passed, one that failed and one that was not run."""
    folder = tmp_path_factory.mktemp("features")
    (folder / "a.feature").write_text(FEATURE)
    (folder / "test_a.py").write_text(STEPS)
    (folder / "conftest.py").write_text("def pytest_bdd_apply_tag(tag, function):\n    return True\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--cucumber-json", "results.json"]
    run = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)
    assert run.returncode == 1, run.stdout
    script = [sys.executable, ROOT / "scripts/build_features.py", folder, folder / "results.json", folder / "page.html"]
    subprocess.run(script, check=True, timeout=60)
    return (folder / "page.html").read_text(encoding="utf-8")


def part(page, title):
    """The text of a scenario without its tags, spaces made one."""
    found = next(each for each in re.findall(r"<article.*?</article>", page, re.DOTALL) if title in each)
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


def test_a_scenario_that_passed_says_so_of_every_step_with_what_stands_below_it(page):
    text = part(page, "It is loaded")
    assert "✓ passed playbook: step 1.2.3" in text
    assert text.count("✓ passed") == 4
    assert "select 1 &lt; 2" in text
    assert "Then it says: rows 8" in text


def test_a_scenario_that_failed_says_where_and_what_was_seen_and_what_was_not_reached(page):
    text = part(page, "It is not loaded")
    assert "✗ failed playbook: step 4.2.1 in section 4.3" in text
    assert "✗ failed Then I see the row: table rows fees 8 What was seen: Expected: 8 rows, &lt;not&gt; 9" in text
    assert "not reached And nothing is heard of this" in text
    assert text.count("✗ failed") == 2


def test_columns_of_what_was_seen_stay_in_line(page):
    assert "Seen:\n\n table   rows\n fees       9</pre>" in page


def test_a_table_names_its_columns_and_is_scrolled_alone_where_it_is_wider_than_the_window(page):
    tables = re.findall(r'<div class="wide"[^>]* tabindex="0"><table>.*?</table></div>', page, re.DOTALL)
    assert len(tables) == 2
    assert ".wide { overflow-x: auto" in page
    assert [re.findall(r'<th scope="col">(.*?)</th>', each) for each in tables] == [[], ["table", "rows"]]


def test_a_scenario_that_was_not_run_is_there_and_says_so(page):
    text = part(page, "It is left out")
    assert "? not run playbook: user story" in text
    assert "✓" not in text


def test_counts_and_contents_come_first_and_lead_to_each_scenario(page):
    assert "3 scenarios: 1 ✓ passed, 1 ✗ failed, 1 ? not run" in page
    links = re.findall(r'href="#([^"]+)"', page)
    assert len(links) == 1 + 1 + 3
    assert all(page.count(f'id="{link}"') == 1 for link in links)


def test_the_page_needs_nothing_but_itself(page):
    assert not re.search(r"(?:src|href)=\"(?!#)|https?:|@import|<script", page)
    assert page.startswith('<!doctype html>\n<html lang="en">')
    assert "Tables &lt;are&gt; loaded" in page
