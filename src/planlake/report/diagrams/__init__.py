"""The tables of a lake, their keys and relations, drawn."""
