"""Who is told of a run: once, what happened, since when and what to do; no value of a record, no secret, no failure."""

import json
import re
import shlex
from email import message_from_string
from email.policy import default
from pathlib import Path
from time import sleep

import pytest

from commands import typed_in_process
from flow.ingest.served import record
from planlake.changes import previews
from planlake.config import load_config
from planlake.config_sections import OCCASIONS, Notify, Report
from planlake.errors import ConfigurationError, PlanlakeError
from planlake.lake.open_lake import open_lake
from planlake.lake.state.lock import hold_for_writing
from planlake.report.telling import message as telling
from planlake.report.telling.after_run import after_run
from planlake.report.telling.message import OF_STATES, message_of
from planlake.report.telling.sending import send
from planlake.report.verdicts import WORDS
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.simulator.faults import FaultPlan, Rule

from ..conftest import DAYS
from .listening import mail_server, webhook


@pytest.fixture
def hook(monkeypatch):
    with webhook() as running:
        monkeypatch.setenv("HOOK", running.address)
        yield running


@pytest.fixture
def told(feed, hook):
    """Run at a day, with what the configuration says of telling; the message that came, None where none did."""
    plain = feed.config

    def go(day, selection=None, **more):
        feed.config = plain.model_copy(update={"notify": Notify(**({"webhook": "${HOOK}"} | more))})
        hook.bodies.clear()
        feed.monkeypatch.setenv("PLANLAKE_NOW", day)
        error = None
        try:
            run(feed.config, selection or Selection())
        except PlanlakeError as raised:
            error = raised
        assert after_run(feed.config, None, typed=lambda command: f"typed {command}", error=error) == []
        return hook.bodies[0] if hook.bodies else None

    yield go
    feed.config = plain


def test_of_a_run_that_went_well_nobody_is_told(told):
    assert told(DAYS[2]) is None


def test_a_failure_is_told_with_why_since_when_and_the_command_and_its_end_once(feed, told, hook):
    feed.fail(Rule(resource="others", status=503, times=None))
    message = told(DAYS[2])
    assert (message["occasions"], message["title"]) == (["failure"], "1 of 3 tables needs somebody")
    (sentence,) = message["sentences"]
    assert sentence.startswith("others is from yesterday, because ")
    assert message["commands"] == ["typed planlake run others"]
    assert (message["run"], message["source"], message["environment"]) == (3, feed.config.source_name, "local")
    assert len(hook.bodies) == 1
    assert told(DAYS[3])["sentences"][0].startswith("others is from Monday, because ")
    feed.simulator.faults = FaultPlan(())
    again = told(DAYS[4])
    assert (again["occasions"], again["title"]) == (["recovered"], "everything is there again")
    assert again["sentences"] == ["All 3 tables are complete, with the changes up to 18 November 2026."]
    assert told(DAYS[5]) is None


def test_the_end_of_trouble_is_told_also_where_other_tables_ran_between(feed, told):
    feed.fail(Rule(resource="others", status=503, times=None))
    assert told(DAYS[2])["occasions"] == ["failure"]
    assert told(DAYS[2], Selection(tables=("things",)))["occasions"] == ["failure"]
    feed.simulator.faults = FaultPlan(())
    assert told(DAYS[3], Selection(tables=("others",)))["occasions"] == ["recovered"]
    assert told(DAYS[3], Selection(tables=("things",))) is None


def test_a_preview_tells_nobody_and_leaves_the_pages_alone(feed, hook, tmp_path):
    wanted = {"notify": Notify(webhook="${HOOK}"), "report": Report(after_run=True, out=str(tmp_path / "pages"))}
    feed.config = feed.config.model_copy(update=wanted)
    previews.create(feed.config, "pr-1")
    feed.fail(Rule(resource="others", status=503, times=None))
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAYS[2])
    run(feed.config, Selection(), environment="pr-1")
    assert after_run(feed.config, "pr-1") == []
    assert hook.bodies == []
    assert not (tmp_path / "pages").exists()
    assert after_run(feed.config, None) == []
    assert (tmp_path / "pages" / "index.html").exists()


def test_a_run_that_another_one_keeps_from_the_lake_is_told_to_nobody(feed, configured, hook, monkeypatch):
    typed = configured('notify: {webhook: "${HOOK}"}')
    monkeypatch.setenv("PLANLAKE_LEASE_WAIT_SECONDS", "0")
    with hold_for_writing(open_lake(feed.config).lock, 0):
        assert "another run is writing this lake" in typed("run").err
    assert hook.bodies == []


def test_a_webhook_that_never_ends_its_answer_is_not_waited_for(feed, hook, monkeypatch):
    monkeypatch.setattr("planlake.report.telling.sending.SECONDS_IN_ALL", 0.2)
    monkeypatch.setattr("planlake.report.telling.sending._post", lambda *_: sleep(5))
    config = feed.config.model_copy(update={"notify": Notify(webhook="${HOOK}")})
    assert send(config, telling.test_of(config, None)) == {"webhook": "no answer within 0.2 s"}


def test_a_table_that_is_held_is_told_without_a_value(feed, told):
    for identity in range(101, 130):
        feed.data.put("things", record(identity, "2026-11-16 12:00:00", amount="Planted" if identity % 2 else "Pla"))
    message = told(DAYS[2])
    assert message["occasions"] == ["held"]
    assert "29 of 29 values of amount do not cast" in message["text"]
    assert 'Pla"' not in json.dumps(message)
    assert "Planted" not in json.dumps(message)


def test_a_column_that_nobody_declared_is_told_on_its_first_day_alone(feed, told):
    feed.data.put("things", record(131, "2026-11-16 12:00:00") | {"colour_of_file": "Planted green"})
    message = told(DAYS[2])
    assert (message["occasions"], message["title"]) == (["drift"], "things: not as declared")
    assert message["sentences"] == ["things is not as declared: colour_of_file."]
    assert message["commands"] == ["typed planlake drift"]
    assert "Planted" not in json.dumps(message)
    assert told(DAYS[3]) is None


def test_a_gap_is_told_as_long_as_it_stands(feed, told):
    feed.fail(Rule(resource="others", query={"page": "1"}, status=404, times=None))
    wanted = "typed planlake backfill others --from 2026-11-15 --to 2026-11-16"
    message = told(DAYS[2], Selection(accepts_gaps=True))
    assert (message["occasions"], message["commands"]) == (["gap"], [wanted])
    assert "16 Nov" in message["text"]
    message = told(DAYS[7], Selection(tables=("things",)))
    assert message["occasions"] == ["gap"]
    assert told(DAYS[7], Selection(tables=("things",)), on=["late"]) is None
    feed.simulator.faults = FaultPlan(())


def test_a_table_that_is_not_read_any_more_is_told_as_late(told):
    message = told(DAYS[5], Selection(tables=("things",)))
    assert (message["occasions"], message["title"]) == (["late"], "1 of 3 tables needs somebody")
    assert message["sentences"][0].startswith("others is from Monday, because ")


def test_a_run_that_reached_nothing_is_told(feed, told):
    feed.fail(*(Rule(resource=name, reset=True, times=None) for name in ("*", "things", "others", "wards_")))
    message = told(DAYS[2])
    assert message["occasions"] == ["failure"]
    assert message["title"].startswith("the run failed: ")
    assert message["commands"] == ["typed planlake doctor"]


def test_who_wants_to_know_of_gaps_alone_hears_of_nothing_else(feed, told):
    feed.fail(Rule(resource="others", status=503, times=None))
    assert told(DAYS[2], on=["gap"]) is None


def test_each_state_of_a_table_is_an_occasion_or_nobodys_trouble():
    assert set(WORDS) - set(OF_STATES) == {"undone", "complete"}
    assert {*OF_STATES.values(), "drift", "recovered"} == set(OCCASIONS)


def test_slack_teams_and_mail_get_the_same_words_in_their_own_form(feed, hook, monkeypatch):
    feed.fail(Rule(resource="others", status=503, times=None))
    feed.run_at(DAYS[2])
    with mail_server() as (port, mails):
        email = {"to": ["a@council.example", "b@council.example"], "sender": "planlake@council.example"}
        told = {"slack": "${HOOK}", "teams": "${HOOK}", "email": email | {"server": f"127.0.0.1:{port}"}}
        config = feed.config.model_copy(update={"notify": Notify(**told, pages="https://council.example/planlake/")})
        message = message_of(config, None)
        assert send(config, message) == {"slack": "", "teams": "", "email": ""}
    slack, teams = hook.bodies
    lines = message.text.split("\n")
    assert lines[0] == message.subject == f"Planlake, {config.source_name} (local): 1 of 3 tables needs somebody"
    assert lines[-1] == "Run 3 2026-11-17 10:00 UTC https://council.example/planlake/"
    assert slack == {"text": "\n".join([f"*{lines[0]}*", *lines[1:]])}
    card = teams["attachments"][0]["content"]
    runs = [run for block in card["body"] for run in block["inlines"]]
    assert (teams["type"], [run["text"] for run in runs]) == ("message", lines)
    assert {run["type"] for run in runs} == {"TextRun"}, "else names like a_b_c are read as Markdown"
    assert [action["url"] for action in card["actions"]] == ["https://council.example/planlake/"]
    (mail,) = mails
    read = message_from_string("\n".join(mail), policy=default)
    assert (read["Subject"], read["To"]) == (message.subject, "a@council.example, b@council.example")
    assert read.get_content().rstrip("\n").split("\n") == lines


def test_what_slack_would_take_for_marks_of_its_own_is_text(feed, hook):
    feed.data.put("things", record(131, "2026-11-16 12:00:00") | {"<!channel>": "x"})
    feed.run_at(DAYS[2])
    config = feed.config.model_copy(update={"notify": Notify(slack="${HOOK}")})
    send(config, message_of(config, None))
    assert "<" not in hook.bodies[0]["text"]
    assert "&lt;!channel&gt;" in hook.bodies[0]["text"]


@pytest.mark.parametrize(
    ("status", "headers", "why"),
    [(500, {}, "it answers 500"), (302, {"Location": "/elsewhere"}, "it answers 302"), (404, {}, "it answers 404")],
)
def test_a_webhook_that_refuses_fails_no_run_and_its_address_is_not_said(feed, hook, status, headers, why):
    hook.status, hook.headers = status, headers
    feed.fail(Rule(resource="others", status=503, times=None))
    feed.run_at(DAYS[2])
    config = feed.config.model_copy(update={"notify": Notify(webhook="${HOOK}")})
    assert after_run(config, None) == [f"webhook was not told: {why}\nhint: planlake notify test"]
    assert len(hook.bodies) == 1


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://127.0.0.1:9/SECRETPART", "Connection refused"),
        ("http://council.example/SECRETPART", "it is sent over https only"),
        ("SECRETPART", "it is sent over https only"),
        ("https://[SECRETPART/", "ValueError"),
        ("", "notify.webhook is missing"),
    ],
)
def test_an_address_nobody_answers_at_is_told_without_it(feed, monkeypatch, address, why):
    monkeypatch.setenv("HOOK", address)
    feed.fail(Rule(resource="others", status=503, times=None))
    feed.run_at(DAYS[2])
    config = feed.config.model_copy(update={"notify": Notify(webhook="${HOOK}")})
    (said,) = after_run(config, None)
    assert said.startswith(f"webhook was not told: {why}")
    assert "SECRETPART" not in said


def test_a_mail_server_that_refuses_is_told_without_its_words(feed):
    with mail_server(refuses=True) as (port, mails):
        email = {"to": ["a@council.example"], "sender": "p@council.example", "server": f"127.0.0.1:{port}"}
        config = feed.config.model_copy(update={"notify": Notify(email=email)})
        feed.fail(Rule(resource="others", status=503, times=None))
        feed.run_at(DAYS[2])
        (said,) = after_run(config, None)
    assert said == "email was not told: SMTPRecipientsRefused\nhint: planlake notify test"
    assert mails == []


# ---------------------------------------------------------------- the command and the file


@pytest.fixture
def configured(feed, monkeypatch, capfd):
    file = feed.config.folder / "planlake.yaml"
    before = file.read_text(encoding="utf-8")

    def write(section):
        file.write_text(f"{before}\n{section}\n", encoding="utf-8")
        return lambda *words: typed_in_process(monkeypatch, capfd, (*words, "--config", file))

    yield write
    file.write_text(before, encoding="utf-8")


def test_notify_test_says_whom_it_reached(configured, hook):
    typed = configured('notify: {slack: "${HOOK}", webhook: "${HOOK}"}')
    said = typed("notify", "test")
    assert (said.status, said.err) == (0, "")
    assert [line.split(maxsplit=1) for line in said.out.splitlines() if "told" in line] == [
        ["slack", "+ told"],
        ["webhook", "+ told"],
    ]
    assert "This is a test" in hook.bodies[0]["text"]
    hook.status = 503
    assert typed("notify", "test").status == 1
    assert json.loads(typed("notify", "test", "--json").out) == {"slack": "it answers 503", "webhook": "it answers 503"}


def test_what_the_page_configures_reaches_somebody(configured, hook, monkeypatch):
    page = (Path(__file__).parents[3] / "docs/notify.md").read_text(encoding="utf-8")
    (section,), (command,) = (re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL) for language in ("yaml", "sh"))
    monkeypatch.setenv("SLACK_WEBHOOK", hook.address)
    assert configured(section)(*shlex.split(command, comments=True)[1:]).status == 0
    assert hook.bodies[0]["text"].endswith(" https://intranet.example/planlake/")


def test_a_run_on_the_command_line_tells_and_a_webhook_that_is_down_does_not_change_its_status(
    feed, configured, hook, monkeypatch
):
    typed = configured('notify: {webhook: "${HOOK}"}')
    hook.status = 500
    monkeypatch.setenv("PLANLAKE_NOW", DAYS[2])
    feed.data.put("things", record(131, "2026-11-16 12:00:00") | {"colour_of_file": "x"})
    said = typed("run")
    assert said.status == 0
    assert "webhook was not told: it answers 500" in said.err
    assert hook.address not in said.everything
    assert hook.bodies[0]["commands"][0].startswith("planlake drift --config ")


def test_where_nobody_is_named_the_test_says_how_to_name_somebody(configured):
    said = configured("")("notify", "test")
    assert (said.status, said.errors[0]) == (2, "Error: nobody is named to be told")


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ("{}", "names nobody to tell"),
        ("{slack: https://hooks.example/PRIVATEPART}", "must say where the key is kept"),
        ('{slack: "${HOOK}", on: [always]}', "notify.on.0"),
        ("{sns: topic}", "must be a topic"),
        ("{email: {to: [], sender: a@b.example, server: 'c:25'}}", "notify.email.to"),
        ("{email: {to: [a@b.example], sender: 'a@b.example>', server: 'c:25'}}", "must be e-mail addresses"),
        ("{email: {to: [a@b.example], sender: a@b.example, server: c}}", "must be HOST:PORT"),
        ('{slack: "${HOOK}", pages: somewhere}', "must be an address"),
        ('{slak: "${HOOK}"}', "slak"),
    ],
)
def test_what_the_file_says_wrong_is_named(tmp_path, section, why):
    (tmp_path / "planlake.yaml").write_text(f"notify: {section}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load_config(tmp_path / "planlake.yaml")
    assert why in str(raised.value)
    assert "PRIVATEPART" not in "\n".join(raised.value.lines())


def test_the_address_stays_out_of_the_record(monkeypatch, tmp_path):
    monkeypatch.setenv("HOOK", "https://hooks.example/SECRETPART")
    (tmp_path / "planlake.yaml").write_text('notify: {slack: "${HOOK}"}\n', encoding="utf-8")
    assert "SECRETPART" not in repr(load_config(tmp_path / "planlake.yaml"))
