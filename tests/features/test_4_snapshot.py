"""4. The latest version of each record is what people use."""

from pytest_bdd import scenarios

scenarios("4_4_snapshot.feature")
