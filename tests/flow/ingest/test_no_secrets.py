"""No key and no hash is in anything a run leaves: tables, files, results, errors, logs and the repr of its objects."""

import logging

import pyarrow.parquet as pq
import pytest

from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, DAY_3, fill, served, settings_of
from planlake.errors import PlanlakeError
from planlake.flow.context import Context
from planlake.flow.open_run import open_for_writing
from planlake.lake.open_lake import open_lake
from planlake.simulator.app import PUBLIC_KEY
from planlake.simulator.faults import Rule
from planlake.sources.http.client import open_source
from planlake.sources.tascomi.signing import signer

PRIVATE = "private-key-of-the-council-5c0ffee5"


@pytest.fixture
def overheard(tmp_path, caplog, capfd):
    """A feed with a private key of its own; every hash that the API is sent is kept."""
    caplog.set_level(logging.DEBUG)
    with feeding(served(["things", "wards_"]), tmp_path, settings_of(["things"], ["wards_"])) as feed:
        feed.monkeypatch.setenv("TASCOMI_PRIVATE_KEY", PRIVATE)
        application = feed.simulator._app
        application._keys = (PUBLIC_KEY, PRIVATE)
        feed.hashes, check = set(), application._signed

        def listen(headers):
            feed.hashes.add(headers[b"x-hash"].decode())
            return check(headers)

        application._signed = listen
        fill(feed.data, "things", 7)
        fill(feed.data, "wards_", 3)
        yield feed


def everything_said(feed, caplog, capfd):
    """Results and errors of good and bad runs, what was logged and printed, and the repr of what a run holds."""
    said = [repr(feed.run_at(DAY_1))]
    fill(feed.data, "things", 5, "2026-11-17 09:00:00", start=20)
    feed.fail(Rule(query={"page": "2"}, status=500, times=None), Rule(nth=3, cut_at=10), Rule(nth=5, reset=True))
    said.append(repr(feed.run_at(DAY_2)))
    for fault in ({"status": 401}, {"status": 401, "drop_headers": ("Date",)}, {"reset": True}):
        feed.fail(Rule(times=None, **fault))
        with pytest.raises(PlanlakeError) as raised:
            feed.run_at(DAY_3)
        said += [
            repr(raised.value),
            str(raised.value),
            *raised.value.lines(),
            chain(raised.value),
            str(raised.getrepr()),
        ]
        assert PRIVATE not in said[-1]
    feed.fail()
    with open_for_writing(feed.config, None, lambda _: None) as context:
        assert isinstance(context, Context)
        said += [repr(context), repr(context.config), repr(context.lake), feed.config.model_dump_json()]
    sign = signer(feed.config)
    said += [repr(sign), repr(open_source(feed.config, sign))]
    said += [record.getMessage() + repr(record.__dict__) for record in caplog.records]
    printed = capfd.readouterr()
    for outcome in ("done", "open"):
        assert f'"event": "step ended", "run": {1 if outcome == "done" else 2}, ' in printed.err
        assert f'"outcome": "{outcome}"' in printed.err
    assert '"event": "run ended", "run": 3, "outcome": "failed"' in printed.err
    return "\n".join([*said, printed.out, printed.err])


def chain(error):
    """The errors behind an error."""
    found = []
    while error is not None:
        found.append(repr(error))
        error = error.__cause__ or error.__context__
    return " ".join(found)


def every_cell(feed):
    """The cells of every file of the lake, and every other file as it is."""
    for file in sorted(feed.config.folder.rglob("*")):
        if file.suffix == ".parquet":
            table = pq.read_table(file)
            yield file.name, "\n".join(str(column.to_pylist()) for column in table.columns)
            yield file.name, str(pq.read_metadata(file).metadata)
        elif file.is_file():
            yield file.name, file.read_bytes().decode("latin-1")
    lake = open_lake(feed.config)
    for zone in ("raw", "refined", "operations"):
        for name in lake.names(zone):
            yield name, str(lake.find(zone, name).metadata)


def test_neither_a_key_nor_a_hash_is_in_anything_that_runs_leave(overheard, caplog, capfd):
    said = everything_said(overheard, caplog, capfd)
    secrets = {PRIVATE, *overheard.hashes}
    assert len(overheard.hashes) >= 1
    assert [secret for secret in secrets if secret in said] == []
    looked = list(every_cell(overheard))
    assert len(looked) > 40
    assert [name for name, text in looked if any(secret in text for secret in secrets)] == []
    assert PUBLIC_KEY not in said
    assert [name for name, text in looked if PUBLIC_KEY in text] == []
