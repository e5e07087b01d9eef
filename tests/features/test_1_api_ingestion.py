"""1. The API is asked, and what it sends is kept as it came."""

from pytest_bdd import scenarios

scenarios("4_1_api_ingestion.feature")
