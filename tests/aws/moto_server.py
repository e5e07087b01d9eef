"""moto's server with what AWS does and it does not.

Glue refuses a table's update under another VersionId. It keeps names of databases and tables in lower case, and takes
no name and no comment above 255 characters, of more than one line, or of a column that differs from another in case.

With a file as second argument IAM is enforced as on AWS, for each resource of a call, and the file gets a line for each
action that was asked for. Users, policies and keys are made before `POST /moto-api/reset-auth`.
"""

import json
import os
import re
import sys
from pathlib import Path
from threading import Lock

one_at_a_time = Lock()
LINE = re.compile("[\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff\t]{0,255}")
NAMES = ("Name", "DatabaseName", "TableName")
# The names that moto has for what IAM calls otherwise.
ACTIONS = {"s3:HeadBucket": "s3:ListBucket", "s3:ListObjects": "s3:ListBucket", "s3:ListObjectsV2": "s3:ListBucket"}


def of_glue(action, asked):
    """What IAM looks at for a call: the catalogue, and the databases and tables that it names."""
    database = asked.get("DatabaseName") or asked.get("DatabaseInput", {}).get("Name") or asked.get("Name", "*")
    table = asked.get("TableInput", {}).get("Name") or asked.get("Name") or "*"
    names = ["catalog", f"database/{database}"]
    if "Table" in action or action == "glue:DeleteDatabase":
        names.append(f"table/{database}/{table if 'Table' in action else '*'}")
    return [*names, f"userDefinedFunction/{database}/*"] if action == "glue:DeleteDatabase" else names


RESOURCES = {"glue": of_glue, "secretsmanager": lambda _, asked: [f"secret:{asked['SecretId']}-AbCdEf"]}


def enforce(log: Path) -> None:
    """IAM with the resources of Glue, and with the actions that S3's calls need on AWS."""
    from moto.iam.access_control import IAMRequestBase  # noqa: PLC0415

    check = IAMRequestBase.check_action_permitted

    def check_action_permitted(self, resource):
        self._action = ACTIONS.get(self._action, self._action)
        with one_at_a_time, log.open("a") as stream:
            stream.write(f"{self._action} {resource}\n")
        resources = [resource]
        if self._service in RESOURCES:
            place = f"arn:aws:{self._service}:{self._region}:{self.account_id}"
            names = RESOURCES[self._service](self._action, json.loads(self._body))
            resources = [f"{place}:{name}" for name in names]
        elif self._action == "s3:DeleteObject" and "/" not in resource:  # many at once: of the bucket, for moto
            resources = [f"{resource}/{key}" for key in re.findall("<Key>(.*?)</Key>", self._body.decode())]
        for one in resources:
            check(self, one)

    IAMRequestBase.check_action_permitted = check_action_permitted


def behave_as_glue() -> None:
    """Glue's update of a table compares and sets at once; its names are folded, and those it does not take refused."""
    from moto.core.exceptions import JsonRESTError  # noqa: PLC0415
    from moto.glue.responses import GlueResponse  # noqa: PLC0415

    def taken(text):
        if not LINE.fullmatch(text):
            raise JsonRESTError("ValidationException", "a name or comment is too long, or has more than one line")
        return text

    def given(self):
        wanted = json.loads(self.body)
        for record in (wanted, wanted.get("TableInput", {}), wanted.get("DatabaseInput", {})):
            for name in NAMES:
                if isinstance(record.get(name), str):
                    record[name] = taken(record[name]).lower()
        columns = wanted.get("TableInput", {}).get("StorageDescriptor", {}).get("Columns", [])
        names = [taken(one["Name"]).lower() for one in columns if taken(one.get("Comment", "")) is not None]
        if len(set(names)) < len(names):
            raise JsonRESTError("InvalidInputException", "columns differ in case only")
        return wanted

    def update_table(self):
        wanted = self.parameters
        name = wanted["TableInput"]["Name"]
        with one_at_a_time:
            held = self.glue_backend.get_table(wanted["DatabaseName"], name).as_dict()["VersionId"]
            if wanted.get("VersionId") and str(wanted["VersionId"]) != str(held):
                raise JsonRESTError("ConcurrentModificationException", f"{name} was changed")
            self.glue_backend.update_table(wanted["DatabaseName"], name, wanted["TableInput"])
        return ""

    GlueResponse.parameters = property(given)
    GlueResponse.update_table = update_table


if __name__ == "__main__":
    if sys.argv[2:]:
        os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "1000000"  # read when moto is imported
        enforce(Path(sys.argv[2]))
    behave_as_glue()
    from moto.server import main

    main(["-H", "127.0.0.1", "-p", sys.argv[1]])
