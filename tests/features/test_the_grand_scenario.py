"""A table that Planning misses becomes a table that Planning uses."""

from pytest_bdd import scenarios

scenarios("1_the_grand_scenario.feature")
