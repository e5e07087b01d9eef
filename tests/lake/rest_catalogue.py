"""An Iceberg REST catalogue for tests: the specification's calls, answered by pyiceberg's own SQL catalogue.

Tables lie where they are asked to, a dropped one leaves its files, one that is known can be registered again; what a
catalogue may do otherwise can be switched on.
"""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from pyiceberg import exceptions
from pyiceberg.catalog.rest import CreateTableRequest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import CommitTableRequest

from planlake.config import Catalog
from planlake.lake.pointing import point_to

TOKEN, CREDENTIAL, WAREHOUSE = "standin-token-0123", "standin-client:standin-secret-4567", "lake"
STATUSES = {
    **dict.fromkeys((exceptions.NoSuchTableError, exceptions.NoSuchNamespaceError), 404),
    **dict.fromkeys((exceptions.TableAlreadyExistsError, exceptions.NamespaceAlreadyExistsError), 409),
    **dict.fromkeys((exceptions.CommitFailedException, exceptions.NamespaceNotEmptyError), 409),
}


@dataclass
class RestCatalogue:
    """Where it answers. `status` is what it says to everything (0: what is asked), with a `page` where there is one;
    commits to the table `fails_at` answer 500. `asked` are calls, in order.
    """

    catalog: SqlCatalog
    uri: str = ""
    overwrites: bool = True
    drops_files: bool = False
    puts_elsewhere: str = ""
    status: int = 0
    page: bytes = b""
    fails_at: str = ""
    asked: list[str] = field(default_factory=list)

    def configured(self, **properties: str) -> Catalog:
        """As planlake.yaml would have it."""
        tokens = f"{self.uri}/v1/oauth/tokens"
        given = {"warehouse": WAREHOUSE, "credential": CREDENTIAL, "oauth2-server-uri": tokens, **properties}
        return Catalog(type="rest", uri=self.uri, properties=given)


@contextmanager
def serving(folder: Path, properties: dict[str, str]) -> Iterator[RestCatalogue]:
    """A catalogue in a thread of this process; `properties` say how it opens files itself."""
    catalog = SqlCatalog("served", uri=f"sqlite:///{folder}/rest.db", **properties)
    made = RestCatalogue(catalog)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"made": made}))
    made.uri = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    made: RestCatalogue
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        try:
            status, said = self._done(parts.path.split("/")[2:], parse_qs(parts.query), body)
        except Exception as error:
            status = STATUSES.get(type(error), 500)
            said = _error(status, f"{type(error).__name__}: {error}")
        text = self.made.page or (json.dumps(said).encode() if said is not None else b"")
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text if self.command != "HEAD" else b"")

    def _done(self, path: list[str], query: dict[str, list[str]], body: bytes) -> tuple[int, object]:
        if self.made.status:
            return self.made.status, _error(self.made.status, "as the test wants it")
        if path == ["oauth", "tokens"]:
            given = parse_qs(body.decode())
            is_known = f"{given['client_id'][0]}:{given['client_secret'][0]}" == CREDENTIAL
            answer = {"access_token": TOKEN, "token_type": "bearer"} if is_known else {"error": "invalid_client"}
            return (200 if is_known else 401), answer
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, _error(401, "no such token")
        if path == ["config"]:
            if query.get("warehouse") != [WAREHOUSE]:
                return 404, _error(404, f"Unable to find warehouse {query.get('warehouse', [''])[0]}")
            return 200, {"defaults": {}, "overrides": {"prefix": WAREHOUSE}}
        names = [unquote(one) for one in path[1:]]
        self.made.asked.append(f"{self.command} {' '.join(names)}")
        return self._asked(names, json.loads(body or b"null"), body)

    def _asked(self, names: list[str], given: dict, body: bytes) -> tuple[int, object]:
        if len(names) < 3:
            return self._of_namespaces(names, given)
        if len(names) == 3:
            return 200, self._inside(names, given, body)
        return self._of_table((names[1], names[3]), body)

    def _of_namespaces(self, names: list[str], given: dict) -> tuple[int, object]:
        catalog = self.made.catalog
        if self.command == "POST":
            catalog.create_namespace(tuple(given["namespace"]))
            return 200, given
        if self.command == "DELETE":
            return 204, catalog.drop_namespace(names[1])
        if len(names) == 1:
            return 200, {"namespaces": catalog.list_namespaces()}
        return 200, {"namespace": [names[1]], "properties": catalog.load_namespace_properties(names[1])}

    def _inside(self, names: list[str], given: dict, body: bytes) -> dict:
        catalog, (_, namespace, what) = self.made.catalog, names
        if self.command == "GET":
            found = catalog.list_tables(namespace)
            return {"identifiers": [{"namespace": one[:-1], "name": one[-1]} for one in found]}
        if what == "properties":
            done = catalog.update_namespace_properties(namespace, set(given["removals"]), given["updates"])
            return {"removed": done.removed, "updated": done.updated, "missing": done.missing}
        if what == "register":
            return self._registered((namespace, given["name"]), given)
        return self._created(namespace, CreateTableRequest.model_validate_json(body))

    def _of_table(self, identifier: tuple[str, str], body: bytes) -> tuple[int, object]:
        catalog = self.made.catalog
        if self.command == "DELETE":
            table = catalog.load_table(identifier)
            catalog.drop_table(identifier)
            if self.made.drops_files:
                shutil.rmtree(table.location())
            return 204, None
        if self.command == "POST":
            if identifier[1] == self.made.fails_at:
                return 500, _error(500, "no room left")
            asked = CommitTableRequest.model_validate_json(body)
            catalog.commit_table(catalog.load_table(identifier), asked.requirements, asked.updates)
        return 200, _loaded(catalog.load_table(identifier))

    def _created(self, namespace: str, asked: CreateTableRequest) -> dict:
        return _loaded(
            self.made.catalog.create_table(
                (namespace, asked.name),
                asked.table_schema,
                location=self.made.puts_elsewhere or asked.location,
                partition_spec=asked.partition_spec,
                properties=asked.properties,
            )
        )

    def _registered(self, identifier: tuple[str, str], given: dict) -> dict:
        catalog = self.made.catalog
        if given["overwrite"] and self.made.overwrites and catalog.table_exists(identifier):
            point_to(catalog, identifier, given["metadata-location"])
            return _loaded(catalog.load_table(identifier))
        return _loaded(catalog.register_table(identifier, given["metadata-location"]))


for method in ("GET", "POST", "DELETE", "HEAD"):
    setattr(_Handler, f"do_{method}", _Handler._answer)


def _loaded(table) -> dict:
    metadata = json.loads(table.metadata.model_dump_json())
    return {"metadata-location": table.metadata_location, "metadata": metadata, "config": {}}


def _error(status: int, message: str) -> dict:
    return {"error": {"message": message, "type": "Exception", "code": status}}
