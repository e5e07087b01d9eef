"""What was tried becomes everybody's, and can be taken back at once."""

from pytest_bdd import scenarios

scenarios("5_deployment_and_rollback.feature")
