"""What an Iceberg REST catalogue says, as a sentence with what to do next."""

import re

from planlake.errors import with_causes
from planlake.lake.aws.errors import Trouble, without_account

LOOK = "look at catalog in planlake.yaml: planlake doctor"
KEYS = "look at credential or token in catalog.properties: planlake doctor"
UNREACHED = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "SSLError", "ProxyError", "Timeout")
REFUSED = ("UnauthorizedError", "AuthorizationExpiredError", "OAuthError")
OF_CATALOGUE = (
    *("RESTError", "BadRequestError", "ServerError", "ServiceUnavailableError", "TooManyRequestsError"),
    *("CommitStateUnknownException", "NoSuchIdentifierError"),
)
NO_CATALOGUE = re.compile("RESTError [0-9]+: (Could not decode json|Received unexpected JSON)")
LONGEST = 200  # an answer may be a whole page


def rest_trouble(error: BaseException) -> Trouble | None:
    """What an error of a REST catalogue says; None for any other. Errors that it came from are looked at, too."""
    found = (_of_catalogue(one) or _of_network(one) for one in with_causes(error))
    return next(filter(None, found), None)


def _of_catalogue(error: BaseException) -> Trouble | None:
    kind = type(error).__name__
    if type(error).__module__ != "pyiceberg.exceptions":
        return None
    said = without_account((str(error).splitlines() or [kind])[0][:LONGEST])
    if kind in REFUSED:
        return Trouble("the catalogue does not know these credentials, or they have expired", KEYS)
    if NO_CATALOGUE.match(said):
        return Trouble(f"what answers at catalog.uri is not an Iceberg REST catalogue: {said.partition(':')[0]}", LOOK)
    if kind == "ForbiddenError":
        return Trouble(f"the catalogue refuses: {said}", "allow it there for whoever runs this: planlake doctor")
    if kind == "CommitStateUnknownException":
        advice = "the next run reads what is there and goes on: planlake run"
        return Trouble(f"the catalogue did not say whether a commit came through: {said}", advice)
    return Trouble(f"the catalogue answers: {said}", LOOK) if kind in OF_CATALOGUE else None


def _of_network(error: BaseException) -> Trouble | None:
    kind = type(error).__name__
    if not type(error).__module__.startswith("requests") or kind not in UNREACHED:
        return None
    address = str(getattr(getattr(error, "request", None), "url", None) or "the catalogue").partition("?")[0]
    return Trouble(f"{address} does not answer", "look at catalog.uri and the network: planlake doctor")
