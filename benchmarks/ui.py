"""What a query costs in `planlake ui`, from the browser's question to its answer, once the ui is open.

    python benchmarks/ui.py [ROUNDS]

The table is that of `query.py`: 200,000 rows of 40 columns in four files. Seconds by the clock: least, median.
"""

import http.client
import json
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from planlake.config import load_config
from planlake.report.web.server import serving
from query import QUERIES, make_lake

WARM_UP = 3


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    with TemporaryDirectory() as folder:
        config = load_config(make_lake(Path(folder)))
        began = time.perf_counter()
        with serving(config) as ui:
            connection = http.client.HTTPConnection("127.0.0.1", ui.guard.port)
            connection.request("GET", f"/open?token={ui.guard.token}")
            response = connection.getresponse()
            response.read()
            headers = {
                "Cookie": response.headers["Set-Cookie"].split(";")[0],
                "Origin": f"http://127.0.0.1:{ui.guard.port}",
                "Content-Type": "application/json",
            }
            for name, query in QUERIES.items():
                seconds = [asked(connection, headers, query) for _ in range(WARM_UP + rounds)]
                if name == next(iter(QUERIES)):
                    print(f"{'open, and the first answer':28} {time.perf_counter() - began - sum(seconds[1:]):.3f}")
                measured = seconds[WARM_UP:]
                print(f"{name:28} {min(measured):.3f} {statistics.median(measured):.3f}")


def asked(connection: http.client.HTTPConnection, headers: dict[str, str], query: str) -> float:
    began = time.perf_counter()
    connection.request("POST", "/api/query", json.dumps({"sql": query}), headers)
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, body
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
