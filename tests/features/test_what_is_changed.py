"""What is changed for a new table is one name in one file."""

from pytest_bdd import scenarios

scenarios("3_what_is_changed.feature")
