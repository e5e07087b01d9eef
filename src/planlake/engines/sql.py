"""Names and texts as SQL: the one place where either is quoted."""


def identifier(name: str) -> str:
    """A name as SQL reads it, whatever characters it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL reads it."""
    return "'" + text.replace("'", "''") + "'"
