"""Checks: what must hold of a table; each returns a record, none prints or decides."""
