"""No secret is left anywhere: output, logs and every file of a lake are searched for the key and every hash sent."""

import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commands import planlake
from planlake.simulator.app import PUBLIC_KEY
from planlake.simulator.faults import Rule

PRIVATE = "a-private-key-of-the-council-81f3"
NOW, NEXT_DAY = "2026-11-20T03:00:00", "2026-11-21T03:00:00"


@pytest.fixture
def overheard(feed):
    """The simulator with a private key of its own; every X-Hash it is sent is kept."""
    application = feed.simulator._app
    application._keys = (PUBLIC_KEY, PRIVATE)
    feed.hashes = set()
    check = application._signed

    def listen(headers):
        feed.hashes.add(headers.get(b"x-hash", b""))
        return check(headers)

    application._signed = listen
    return feed


def plain_bytes(file):
    """The bytes of a file, and what is packed inside: the cells and key-value pairs of Parquet, deflated Avro."""
    content = file.read_bytes()
    yield content
    if content[:4] == b"PAR1":
        table = pq.read_table(file)
        for column in table.columns:
            yield "\n".join(str(value) for value in column.to_pylist()).encode()
        yield str(pq.read_metadata(file).metadata).encode()
    if content[:3] == b"Obj":
        yield from unpacked(content)


def unpacked(content):
    """The blocks of an Avro file, inflated: they lie between the marks that the file ends with."""
    for block in content.split(content[-16:])[1:]:
        for start in range(min(20, len(block))):  # two numbers of varying length come before the bytes
            try:
                yield zlib.decompressobj(-15).decompress(block[start:])
            except zlib.error:
                continue


def searched(folder, secrets):
    """The files that hold a secret, and how many were looked at."""
    looked, found = 0, []
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            looked += 1
            found += [file.name for text in plain_bytes(file) if any(secret in text for secret in secrets)]
    return found, looked


@pytest.mark.slow  # two runs in processes of their own, and every file of a lake searched
def test_neither_the_private_key_nor_a_hash_is_in_any_output_or_file_of_the_lake(overheard, tmp_path):
    feed = overheard
    variables = {"TASCOMI_PUBLIC_KEY": PUBLIC_KEY, "TASCOMI_PRIVATE_KEY": PRIVATE, "PLANLAKE_DEBUG": "1"}
    said = [planlake("run", "--config", feed.file, PLANLAKE_NOW=NOW, **variables)]
    feed.data.move_to(feed.data.now.fromisoformat(NEXT_DAY))
    feed.fail(Rule(status=401), Rule(status=500), Rule(resource="wards", status=404, times=None))
    said.append(planlake("run", "--config", feed.file, "--full", "--json", PLANLAKE_NOW=NEXT_DAY, **variables))
    feed.fail()
    said.append(planlake("doctor", "--config", feed.file, **variables))
    queries = "from runs;\nfrom api_requests;\nfrom api_responses;\n"
    said.append(planlake("sql", "--format", "csv", "--config", feed.file, stdin=queries, **variables))
    assert [each.status for each in said] == [0, 1, 0, 0], [each.err for each in said]
    secrets = {PRIVATE.encode(), *feed.hashes}
    assert len(secrets) > 1
    assert b"" not in secrets
    assert {line.get("outcome") for line in said[1].told if line["event"] == "step ended"} >= {"done", "open"}
    words = "".join(each.everything for each in said).encode()
    assert [secret for secret in secrets if secret in words] == []
    found, looked = searched(tmp_path, secrets)
    assert looked > 30
    assert found == []


@pytest.mark.slow
def test_nor_is_the_private_key_in_what_is_said_when_it_is_refused(overheard, tmp_path):
    mistyped = PRIVATE + "-mistyped"
    variables = {"TASCOMI_PUBLIC_KEY": PUBLIC_KEY, "TASCOMI_PRIVATE_KEY": mistyped}
    said = [planlake(command, "--config", overheard.file, **variables) for command in ("run", "doctor")]
    assert [each.status for each in said] == [3, 3]
    secrets = {mistyped.encode(), *overheard.hashes}
    words = "".join(each.everything for each in said).encode()
    assert [secret for secret in secrets if secret in words] == []
    assert searched(tmp_path, secrets)[0] == []


def test_the_search_finds_what_is_hidden_in_parquet_and_in_avro(tmp_path, overheard):
    planlake(
        "run",
        "wards",
        "--step",
        "ingest",
        "--config",
        overheard.file,
        TASCOMI_PUBLIC_KEY=PUBLIC_KEY,
        TASCOMI_PRIVATE_KEY=PRIVATE,
    )
    assert any(name.endswith(".avro") for name in searched(tmp_path, {b"tascomi-raw-zone/api_responses/data"})[0])
    pq.write_table(pa.table({"text": [PRIVATE] * 1000}), tmp_path / "data.parquet", compression="zstd")
    assert searched(tmp_path, {PRIVATE.encode()})[0]
