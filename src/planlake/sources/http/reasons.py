"""Says in a few words of one line why no answer came.

What came in place of an answer is not repeated: it may be a record cut off in its middle.
"""

import errno
import os
import re

import aiohttp

from planlake.sources.http.strangers import PROXY_LOGIN

RECEIVED = re.compile(r"received (\d+) of (\d+) bytes")  # as aiohttp says it


def reason_of(error: Exception) -> str:
    """Why no answer came, in a few words of one line."""
    if isinstance(error, aiohttp.ClientSSLError):  # its number is OpenSSL's, not the operating system's
        found = getattr(error, "certificate_error", None) or getattr(error, "os_error", error)
        reason = getattr(found, "verify_message", "") or getattr(found, "reason", "") or found
        return f"no secure connection: {reason}"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"the proxy {error.host}:{error.port} cannot be reached: {_reason_of_system(error.os_error)}"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy refuses: status {error.status}{PROXY_LOGIN if error.status == 407 else ''}"
    if isinstance(error, aiohttp.TooManyRedirects):
        return "it redirects without end"
    if isinstance(error, aiohttp.ClientResponseError):  # its text holds the address, and parts of the answer
        return f"the answer cannot be read as HTTP: {type(error).__name__}"
    return _broken_off(error) or _reason_of_system(error)


def _broken_off(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientPayloadError):
        received = RECEIVED.search(str(error))
        how_far = f" after {int(received[1]):,} of {int(received[2]):,} bytes" if received else ""
        return f"the answer broke off{how_far}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed before an answer"
    return ""


def _reason_of_system(error: Exception) -> str:
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number in errno.errorcode:
        return os.strerror(number).lower()
    return (str(error) or type(error).__name__).splitlines()[0]
