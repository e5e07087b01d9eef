"""The vendor changes something, and no new table is wanted."""

from pytest_bdd import scenarios

scenarios("2_other_scenarios.feature")
