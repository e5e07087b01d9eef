"""`planlake simulate`: an API on this machine, as a process that is stopped like any other."""

import re
import signal
import subprocess
import threading
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest

from commands import PROGRAM, environment, planlake
from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY


@contextmanager
def simulating(*options):
    """A running `planlake simulate` and the lines it began with."""
    command = [PROGRAM, "simulate", "--port", "0", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(PYTHONUNBUFFERED="1")
    ) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            yield process, "".join(process.stdout.readline() for _ in range(3))
        finally:
            watchdog.cancel()
            process.kill()


KEYS = {"TASCOMI_PUBLIC_KEY": PUBLIC_KEY, "TASCOMI_PRIVATE_KEY": PRIVATE_KEY}


def keys_of(said):
    return dict(re.findall(r"(TASCOMI_\w+)=(\S+)", said))


def test_the_printed_lines_are_all_that_a_configuration_needs(tmp_path):
    with simulating() as (_, said):
        url = re.search(r"http://127\.0\.0\.1:\d+/rest/v1", said)[0]
        assert f"planlake init --base-url {url}" in said
        assert planlake("init", "--base-url", url, folder=tmp_path).status == 0
        checked = planlake("doctor", folder=tmp_path, **keys_of(said))
        assert (checked.status, checked.err) == (0, "")


def test_a_file_of_ones_own_is_served_with_the_token_it_takes(tmp_path):
    file = tmp_path / "register.toml"
    dialect = 'signing = "bearer"\nrecords = "items"\ntotal = "body:total"\nsize = ""\nplace = ""'
    file.write_text(f'[source.dialect]\n{dialect}\n[permits]\nkey = "number"\n[permits.columns]\nnumber = "integer"\n')
    with simulating("--source", str(file)) as (_, said):
        url = re.search(r"http://127\.0\.0\.1:\d+/rest/v1", said)[0]
        token = re.search(r"PLANLAKE_API_TOKEN=(\S+)", said)[1]
        assert planlake("init", "--base-url", url, "--source", file, folder=tmp_path).status == 0
        checked = planlake("doctor", folder=tmp_path, PLANLAKE_API_TOKEN=token)
        assert (checked.status, checked.err) == (0, "")


def test_a_fault_is_said_and_served_of_the_table_that_was_named(tmp_path):
    with simulating("--fault", "error", "--table", "wards") as (_, said):
        url = re.search(r"http://127\.0\.0\.1:\d+/rest/v1", said)[0]
        assert "fault error: wards answers with status 503\n" in said
        assert planlake("init", "--base-url", url, folder=tmp_path).status == 0
        checked = planlake("run", "wards", "appeal_types", folder=tmp_path, **KEYS)
        assert (checked.status, "page 1: status 503" in checked.out, "appeal_types  + loaded" in checked.out) == (
            1,
            True,
            True,
        )
    refused = planlake("simulate", "--fault", "which")
    assert (refused.status, refused.errors[0].count(", ")) == (2, 10)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_the_simulator_answers_until_it_is_stopped_and_leaves_with_0(stop):
    with simulating() as (process, said):
        host, port = re.search(r"http://([\d.]+):(\d+)/", said).groups()
        connection = HTTPConnection(host, int(port), timeout=10)
        connection.request("GET", "/rest/v1/wards")
        assert connection.getresponse().status == 401
        connection.close()
        process.send_signal(stop)
        assert process.wait(timeout=20) == 0
        assert "Traceback" not in process.stderr.read()
    with pytest.raises(ConnectionRefusedError):
        HTTPConnection(host, int(port), timeout=10).connect()


def test_the_clock_of_the_data_can_be_set():
    with simulating("--now", "2026-06-01T09:30") as (_, said):
        assert "tascomi as of 2026-06-01 09:30" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--now", "noon"], '--now is not an instant: "noon"'),
        (["--source", "tascomy"], 'no source is called "tascomy"'),
    ],
)
def test_a_word_that_is_wrong_is_one_clear_line(typed, options, message):
    said = typed("simulate", "--port", "0", *options)
    assert (said.status, said.out) == (2, "")
    assert message in said.errors[0]


def test_a_port_in_use_is_one_clear_line(typed, feed):
    port = re.search(r":(\d+)/", feed.simulator.url)[1]
    endings = [signal.getsignal(ending) for ending in (signal.SIGINT, signal.SIGTERM)]
    said = typed("simulate", "--port", port)
    assert [signal.getsignal(ending) for ending in (signal.SIGINT, signal.SIGTERM)] == endings
    assert (said.status, said.out) == (2, "")
    assert said.errors == [f"Error: port {port} cannot be used: Address already in use"]


def test_a_port_that_is_none_is_one_clear_line(typed):
    said = typed("simulate", "--port", "70000")
    assert said.status == 2
    assert "port" in said.err
