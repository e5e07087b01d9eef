"""Runs: what is due, and the loop that does it."""
