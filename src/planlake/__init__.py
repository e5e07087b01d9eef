"""Planlake: a planning system's API to typed, checked, queryable lake tables."""

__version__ = "0.1.0"
