"""Engines: what takes records apart and casts them, a handful of statements each."""
