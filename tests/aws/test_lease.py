"""The lease of a lake on S3: one holder at a time, whoever is killed, late, or has a clock of his own."""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Lock

import pytest

from planlake.errors import ConflictError
from planlake.lake.aws.clients import client
from planlake.lake.aws.lease_place import LeasePlace, lease_below
from planlake.lake.aws.still_held import CHANGES, guarded
from planlake.lake.state import lease as leases
from planlake.lake.state.lease import leased, read_lease
from planlake.lake.state.lock import hold_for_writing, note_end, note_run, read_lock_notes


@pytest.fixture
def place(bucket, stand_ins, request):
    return LeasePlace(bucket, f"leases/{request.node.name}.json", stand_ins.properties)


@pytest.fixture
def hasty(monkeypatch):
    """A lease of two seconds, renewed each half."""
    for name, value in {"SECONDS": 2, "RENEWED_AFTER": 0.5, "MARGIN": 0.5, "PAUSE_SECONDS": 0.05}.items():
        monkeypatch.setattr(leases, name, value)


def test_a_lake_on_s3_has_its_lease_below_the_warehouse():
    assert lease_below("s3://b/w/", "stg-tascomi", {}) == LeasePlace("b", "w/leases/stg-tascomi.json")
    assert lease_below("s3://b", "tascomi", {}) == LeasePlace("b", "leases/tascomi.json")
    assert lease_below("/lake", "tascomi", {}) is None
    assert lease_below("gs://b/w", "tascomi", {}) is None


def test_a_second_one_is_told_who_holds_it_and_gets_it_when_it_is_given_back(place):
    with leased(place, 0) as first:
        first.say("run 7, process 1")
        with pytest.raises(ConflictError) as raised, leased(place, 0):
            raise AssertionError("two hold it")
        assert raised.value.message == "another run is writing this lake"
        assert raised.value.facts["holder"] == "run 7, process 1"
        assert read_lease(place)[0]
    assert not read_lease(place)[0]
    with leased(place, 0) as second:
        assert second.left == "run 7, process 1"


def test_of_many_turns_by_many_no_two_are_ever_inside(place, hasty):
    inside, most, turns, looking = [], [], [], Lock()

    def turn(number):
        with leased(place, 60):
            with looking:
                inside.append(number)
                most.append(len(inside))
            time.sleep(0.01)
            with looking:
                inside.remove(number)
                turns.append(number)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(turn, range(30)))
    assert max(most) == 1
    assert sorted(turns) == list(range(30))


def test_who_is_killed_is_followed_once_his_lease_has_run_out_and_is_known(place, hasty):
    script = f"""
import time
from datetime import datetime, UTC
from planlake.lake.aws.clients import client
from planlake.lake.aws.lease_place import LeasePlace
from planlake.lake.state import lease
from planlake.lake.state.lock import hold_for_writing, note_run
lease.SECONDS, lease.RENEWED_AFTER, lease.MARGIN = 2, 0.5, 0.5
with hold_for_writing(LeasePlace({place.bucket!r}, {place.key!r}, {dict(place.properties)!r}), 0) as held:
    note_run(held, 41, "", datetime(2026, 11, 29, 3, tzinfo=UTC))
    print("held", flush=True)
    time.sleep(60)
"""
    running = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert running.stdout.readline() == "held\n"
    assert read_lock_notes(place)[0]
    with pytest.raises(ConflictError), leased(place, 0):
        pass
    running.send_signal(signal.SIGKILL)
    running.wait()
    with hold_for_writing(place, 30) as held:
        assert [one.run for one in held.left] == [41]
        note_run(held, 42, "", datetime(2026, 11, 29, 4, tzinfo=UTC))
        note_end(held, {(41, "")})
    assert read_lock_notes(place) == (False, [])


def test_a_clock_that_is_minutes_off_takes_over_from_nobody(place, monkeypatch):
    for ahead in (-600, 600):
        with leased(place, 0), monkeypatch.context() as wrong:
            wrong.setattr(leases.time, "time", lambda ahead=ahead: datetime.now(UTC).timestamp() + ahead)
            with pytest.raises(ConflictError), leased(place, 0):
                pass


class Catalogue:
    """Counts what it is told to change."""

    def __init__(self):
        self.changes = []

    def __getattr__(self, name):
        if name not in CHANGES:
            raise AttributeError(name)
        return self.changes.append


def test_who_lost_it_changes_nothing_any_more(place, hasty):
    catalogue = Catalogue()
    with leased(place, 0) as lease, guarded(catalogue, lease.check):
        catalogue.commit_table(1)
        client("s3", place.properties).put_object(
            Bucket=place.bucket, Key=place.key, Body=json.dumps({"by": "x", "until": 0})
        )
        lease.renew()
        with pytest.raises(ConflictError) as raised:
            catalogue.commit_table(2)
    assert raised.value.facts["why"] == "another run has taken it over"
    assert catalogue.changes == [1]
    catalogue.commit_table(3)  # whoever opens it again
    assert catalogue.changes == [1, 3]


def test_who_cannot_renew_it_stops_before_it_runs_out(place, hasty, monkeypatch):
    catalogue = Catalogue()
    with leased(place, 0) as lease, guarded(catalogue, lease.check):
        monkeypatch.setattr(lease.client, "put_object", broken)
        catalogue.commit_table(1)
        time.sleep(1.8)
        with pytest.raises(ConflictError) as raised:
            catalogue.commit_table(2)
    assert raised.value.facts["why"] == "it could not be renewed in time: ConnectionError"
    assert catalogue.changes == [1]


def broken(**_):
    raise ConnectionError("S3 is away")


def test_it_stays_held_for_as_long_as_a_run_takes(place, hasty):
    with leased(place, 0) as lease:
        time.sleep(3)
        lease.check()
        with pytest.raises(ConflictError), leased(place, 0):
            pass


@pytest.mark.parametrize(
    "held",
    [
        *(b"noise", b"[1]", b'{"until": "soon"}', b'{"until": 1e300}', b'{"until": -1}', b"{}", b'{"until": NaN}'),
        pytest.param(b"[" * 100_000, id="brackets"),
        pytest.param(b'{"until": 34359738367, "text": "' + b"x" * 100_000 + b'"}', id="long"),
    ],
)
def test_what_is_no_lease_is_taken_over(place, held):
    client("s3", place.properties).put_object(Bucket=place.bucket, Key="leases/noise.json", Body=held)
    odd = LeasePlace(place.bucket, "leases/noise.json", place.properties)
    assert not read_lease(odd)[0]
    with leased(odd, 0) as lease:
        lease.check()


def test_who_is_killed_before_it_says_a_word_leaves_the_notes_it_was_left(place):
    with hold_for_writing(place, 0) as held:
        note_run(held, 41, "", datetime(2026, 11, 29, 3, tzinfo=UTC))
        held.lease.lost = "killed"  # so that it is not given back
    expire(place)
    with leased(place, 0) as lease:
        lease.lost = "killed"
    expire(place)
    with hold_for_writing(place, 0) as held:
        assert [one.run for one in held.left] == [41]


def expire(place):
    """As if a minute had passed."""
    opened = client("s3", place.properties)
    held = json.loads(opened.get_object(Bucket=place.bucket, Key=place.key)["Body"].read())
    opened.put_object(Bucket=place.bucket, Key=place.key, Body=json.dumps({**held, "until": 1}))


def lose_answers(lease, monkeypatch, count=1):
    """The next puts come through, but their answers do not: boto3 asks again and is refused."""
    plain, left = lease.client.put_object, list(range(count))

    def put(**given):
        if left:
            left.pop()
            plain(**given)
        return plain(**given)

    monkeypatch.setattr(lease.client, "put_object", put)


@pytest.mark.parametrize("before", [None, {"by": "x", "until": 1, "text": "run 6"}], ids=["new", "taken over"])
def test_an_answer_that_is_lost_when_it_is_taken_locks_nobody_out(place, monkeypatch, before):
    opened = client("s3", place.properties)
    if before:
        opened.put_object(Bucket=place.bucket, Key=place.key, Body=json.dumps(before))
    plain, lost = opened.put_object, []

    def put(**given):
        done = plain(**given)
        if not lost:
            lost.append(done)
            return plain(**given)
        return done

    monkeypatch.setattr(opened, "put_object", put)
    monkeypatch.setattr(leases, "client", lambda *_: opened)
    with leased(place, 0) as lease:
        assert len(lost) == 1
        lease.renew()
        lease.check()
        assert lease.left == ("run 6" if before else "")


def test_an_answer_that_is_lost_at_a_renewal_loses_no_lease(place, monkeypatch):
    with leased(place, 0) as lease:
        lose_answers(lease, monkeypatch)
        lease.say("run 7")
        lease.renew()
        lease.check()
        assert lease.lost == ""
    assert read_lease(place) == (False, "run 7")


def test_a_renewal_of_which_nothing_was_heard_is_followed_by_the_next(place, monkeypatch):
    with leased(place, 0) as lease:
        plain = lease.client.put_object

        def unheard(**given):
            plain(**given)
            raise ConnectionError

        with monkeypatch.context() as away:
            away.setattr(lease.client, "put_object", unheard)
            lease.renew()
        lease.say("run 8")
        lease.check()
        assert lease.trouble == ""
    assert read_lease(place) == (False, "run 8")


def test_a_lease_that_is_refused_but_still_ones_own_is_asked_for_again(place, monkeypatch):
    with leased(place, 0) as lease:
        with monkeypatch.context() as busy:
            busy.setattr(lease.client, "put_object", answering(409, "ConditionalRequestConflict"))
            lease.renew()
        assert lease.lost == ""
        lease.renew()
        lease.check()
        assert lease.trouble == ""


def answering(status, code):
    """What puts are answered with."""
    from botocore.exceptions import ClientError  # noqa: PLC0415

    def put(**_):
        said = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(said, "PutObject")

    return put


@pytest.mark.parametrize("answer", [(404, "NoSuchKey"), (412, "PreconditionFailed")])  # of S3, of SeaweedFS
def test_a_lease_that_was_deleted_is_lost_and_called_so(place, monkeypatch, answer):
    with leased(place, 0) as lease:
        client("s3", place.properties).delete_object(Bucket=place.bucket, Key=place.key)
        monkeypatch.setattr(lease.client, "put_object", answering(*answer))
        lease.renew()
        with pytest.raises(ConflictError) as raised:
            lease.check()
    assert raised.value.facts["why"] == "the lease was deleted"


def test_a_lease_that_something_else_was_written_over_is_called_so(place):
    with leased(place, 0) as lease:
        client("s3", place.properties).put_object(Bucket=place.bucket, Key=place.key, Body=b"noise")
        lease.renew()
        assert lease.lost == "something that is no lease was written in its place"


def test_why_it_could_not_be_renewed_is_told(place, hasty, monkeypatch):
    with leased(place, 0) as lease:
        monkeypatch.setattr(lease.client, "put_object", answering(403, "AccessDenied"))
        time.sleep(1.8)
        with pytest.raises(ConflictError) as raised:
            lease.check()
    assert raised.value.facts["why"] == "it could not be renewed in time: AWS refuses s3:PutObject"


def test_a_machine_that_stood_still_is_told_so(place):
    with leased(place, 0) as lease:
        lease.renewed -= leases.SECONDS
        with pytest.raises(ConflictError) as raised:
            lease.check()
    assert raised.value.facts["why"] == "it could not be renewed in time: this machine stood still"


@pytest.mark.parametrize("text", [None, 3, ["run 7"]])
def test_a_lease_that_ends_far_from_now_is_told_with_its_day_and_what_to_delete(place, text):
    held = json.dumps({"until": 9_999_999_999, "text": text})
    client("s3", place.properties).put_object(Bucket=place.bucket, Key=place.key, Body=held)
    with pytest.raises(ConflictError) as raised, leased(place, 0):
        pass
    assert raised.value.facts == {"holder": "unknown", "until": "2286-11-20 17:46:39 UTC, if it is not renewed"}
    assert raised.value.hint.endswith(f"delete its lease: aws s3 rm 's3://{place.bucket}/{place.key}'")
    assert read_lease(place) == (True, "")


def test_a_lease_that_is_renewed_is_waited_for(place):
    with leased(place, 0), pytest.raises(ConflictError) as raised, leased(place, 0):
        pass
    assert raised.value.hint == "wait for it, or raise settings.lease_wait_seconds"
