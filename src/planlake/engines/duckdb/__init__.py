"""DuckDB: its connections, and what is done with it that no other part needs to know."""
