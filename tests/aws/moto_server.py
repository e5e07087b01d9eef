"""moto's server with what AWS does and it does not: Glue refuses a table's update under another VersionId."""

import sys
from threading import Lock

from moto.core.exceptions import JsonRESTError
from moto.glue.responses import GlueResponse
from moto.server import main

one_at_a_time = Lock()


def update_table(self):
    """As `UpdateTable` does it: compared and set at once."""
    wanted, name = self.parameters, self.parameters["TableInput"]["Name"]
    with one_at_a_time:
        held = self.glue_backend.get_table(wanted["DatabaseName"], name).as_dict()["VersionId"]
        if wanted.get("VersionId") and str(wanted["VersionId"]) != str(held):
            raise JsonRESTError("ConcurrentModificationException", f"{name} was changed")
        self.glue_backend.update_table(wanted["DatabaseName"], name, wanted["TableInput"])
    return ""


GlueResponse.update_table = update_table

if __name__ == "__main__":
    main(["-H", "127.0.0.1", "-p", sys.argv[1]])
