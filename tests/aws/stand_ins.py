"""What stands in for AWS: Glue, IAM and Secrets Manager are moto, S3 and its table bucket SeaweedFS."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

HERE = Path(__file__).parent
KEY, SECRET, REGION = "standin-key", "standin-secret-0123456789", "eu-west-2"
TABLES = "tables"  # a table bucket: only its catalogue's tables may have files there
IDENTITY = {
    "name": "planlake",
    "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
    "actions": ["Admin", "Read", "List", "Tagging", "Write"],
}
PATIENCE = 60  # seconds until a server must answer


@dataclass(frozen=True)
class StandIns:
    """Where they answer, and with which variables a process finds them."""

    glue: str
    s3: str
    iceberg: str = ""  # SeaweedFS's REST catalogue, of the bucket TABLES

    @property
    def variables(self) -> dict[str, str]:
        """For processes that speak to them as to AWS."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.glue,
            "AWS_ENDPOINT_URL_S3": self.s3,
            "AWS_REQUEST_CHECKSUM_CALCULATION": "WHEN_REQUIRED",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def properties(self) -> dict[str, str]:
        """Of a catalogue in planlake.yaml; keys come from the environment."""
        return {"glue.endpoint": self.glue, "s3.endpoint": self.s3, "s3.region": REGION, "glue.region": REGION}


@contextmanager
def started() -> Iterator[StandIns]:
    """Both, in a temporary folder, on ports of this machine alone."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="planlake-aws-")))
        glue, s3, iceberg = free_ports(3)
        stack.enter_context(process([sys.executable, str(HERE / "moto_server.py"), str(glue)], folder / "moto.log"))
        identities = folder / "identities.json"
        identities.write_text(json.dumps({"identities": [IDENTITY]}))
        stack.enter_context(process(weed(folder, identities, s3, iceberg), folder / "weed.log"))
        answers(f"http://127.0.0.1:{glue}/moto-api/", folder / "moto.log")
        answers(f"http://127.0.0.1:{s3}/", folder / "weed.log", statuses=(200, 403))
        yield StandIns(*(f"http://127.0.0.1:{port}" for port in (glue, s3, iceberg)))


def weed(folder: Path, identities: Path, port: int, iceberg: int) -> list[str]:
    """SeaweedFS as one process; both addresses are given, else it listens on all."""
    data = folder / "s3"
    data.mkdir()
    program = shutil.which("weed") or next(
        str(Path(one) / "bin/weed") for one in sys.path if (Path(one) / "bin/weed").exists()
    )
    ports = dict(zip(("master", "volume", "filer", "admin"), free_ports(4, most=50_000), strict=True))
    return [
        *(program, "mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.config={identities}"),
        *(f"-s3.port={port}", f"-s3.port.iceberg={iceberg}", f"-tableBucket={TABLES}", "-s3.port.lance=0"),
        *(
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",
            f"-master.port={ports['master']}",
            f"-filer.port={ports['filer']}",
        ),
        *(f"-volume.port={ports['volume']}", f"-admin.port={ports['admin']}"),
    ]


def free_ports(count: int, most: int = 65_000) -> list[int]:
    """Ports that nobody has now; each plus 10,000 is free too, which SeaweedFS takes for gRPC."""
    found: list[int] = []
    while len(found) < count:
        with closing(socket.socket()) as one, closing(socket.socket()) as other:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1] % 20_000 + 20_000
            try:
                for sock, number in ((socket.socket(), port), (other, port + 10_000)):
                    with closing(sock):
                        sock.bind(("127.0.0.1", number))
            except OSError:
                continue
            if port not in found:
                found.append(port)
    return found


@contextmanager
def process(command: list[str], log: Path) -> Iterator[None]:
    """A server that ends with the test, whatever becomes of it."""
    with log.open("wb") as output:
        running = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=os.environ, start_new_session=True
        )
    try:
        yield
    finally:
        running.kill()
        running.wait()


def answers(url: str, log: Path, statuses: tuple[int, ...] = (200,)) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            with urlopen(url, timeout=2):
                return
        except OSError as error:
            if getattr(error, "code", None) in statuses:
                return
            time.sleep(0.2)
    raise AssertionError(f"{url} does not answer: {log.read_text(errors='replace')[-2000:]}")
