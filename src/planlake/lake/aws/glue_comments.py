"""Lets pyiceberg send Glue only comments of columns that it takes: one line of at most 255 characters.

A comment is the key of the API where the column has another name. The table's own metadata keep it as it is, and
that is what Planlake reads.
"""

from typing import Any

from planlake.engines.names import CONTROL_CHARACTERS, LONGEST_COLUMN, shortened


def glue_comment(text: str) -> str:
    """A text as Glue takes it for a comment."""
    return shortened(CONTROL_CHARACTERS.sub("_", text), LONGEST_COLUMN)


def shorten_comments() -> None:
    """From here on, in this process."""
    from pyiceberg.catalog import glue  # noqa: PLC0415 - brings boto3

    plain = glue._to_columns
    if plain.__module__ == __name__:
        return

    def columns(metadata: Any) -> Any:  # noqa: ANN401 - types of a library that only AWS has
        found = plain(metadata)
        for one in found:
            if "Comment" in one:
                one["Comment"] = glue_comment(one["Comment"])
        return found

    glue._to_columns = columns
