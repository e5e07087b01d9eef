"""2. Records are taken apart into columns."""

from pytest_bdd import scenarios

scenarios("4_2_parsing.feature")
