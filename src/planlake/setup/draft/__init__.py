"""Drafts the catalogue of an API that nobody has described yet, from a few of its answers."""
