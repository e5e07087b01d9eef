"""Reads the body of an answer, and stops where it is larger than allowed.

The sender decides how much it sends, and a few compressed bytes may stand for gigabytes. So bytes are counted once they
are unpacked: what matters is what would be held in memory.
"""

from dataclasses import dataclass, field

from aiohttp import ClientResponse

MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a body and how many they are; of one that `is_cut`, as it is longer than wanted, the beginning."""

    content: bytes = field(repr=False)
    size: int
    is_cut: bool = False


async def read_body(response: ClientResponse, most_bytes: int) -> Body:
    """The body of an answer up to so many bytes; the connection of one that is longer is closed."""
    parts: list[bytes] = []
    size = 0
    while part := await response.content.readany():
        parts.append(part)
        size += len(part)
        if size > most_bytes:
            response.close()
            return Body(parts[0][:most_bytes], most_bytes, is_cut=True)
    return Body(b"".join(parts), size)
