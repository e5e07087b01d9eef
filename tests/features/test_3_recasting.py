"""3. Columns get the types of the documentation."""

from pytest_bdd import scenarios

scenarios("4_3_recasting.feature")
