"""Sends a message to whoever the configuration names: webhooks, SNS, e-mail. No address or password is ever said."""

import json
import smtplib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import asdict
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import partial
from http.client import HTTPException
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from planlake.config import Config
from planlake.config_sections import Email
from planlake.errors import ConfigurationError, PlanlakeError
from planlake.lake.aws.clients import client
from planlake.report.telling.message import Message
from planlake.sources.secrets import ON_THIS_MACHINE, read_secret
from planlake.version import __version__

SECONDS, SECONDS_IN_ALL = 10, 30
OVER_TLS = 465  # the port of servers that speak TLS from the first byte
MOST_OF_SUBJECT = 100  # SNS takes no more
NOT_SENT = (PlanlakeError, OSError, HTTPException, smtplib.SMTPException, ValueError)


def send(config: Config, message: Message) -> dict[str, str]:
    """Send a message to each that is named; what went wrong, by who was not told, and an empty text where nothing did.

    Nothing is raised.
    """
    found = {}
    for name, deliver in _channels(config):
        done: Queue[str] = Queue()
        # A thread of its own, as whoever answers a byte now and then is no time-out of any socket.
        Thread(target=lambda deliver=deliver, done=done: done.put(_delivered(deliver, message)), daemon=True).start()
        try:
            found[name] = done.get(timeout=SECONDS_IN_ALL)
        except Empty:
            found[name] = f"no answer within {SECONDS_IN_ALL} s"
    return found


def _delivered(deliver: Callable[[Message], None], message: Message) -> str:
    """Why a message did not arrive; empty where it did."""
    try:
        deliver(message)
    except NOT_SENT as error:
        return _why(error)
    except Exception as error:  # botocore's own errors, of which there is a class for each service
        is_of_aws = type(error).__module__.startswith("botocore")
        return f"{'AWS refused it' if is_of_aws else 'internal error'}: {type(error).__name__}"
    return ""


def _channels(config: Config) -> Iterator[tuple[str, Callable[[Message], None]]]:
    told = config.notify
    if told is None:
        raise ConfigurationError("nobody is named to be told", hint="notify: {slack: ...} in planlake.yaml")
    for name, body in (("slack", _for_slack), ("teams", _for_teams), ("webhook", _as_data)):
        place = getattr(told, name)
        if place is not None:
            yield name, partial(_post, (f"notify.{name}", place, config.folder), body)
    if told.sns:
        yield "sns", partial(_publish, told.sns)
    if told.email is not None:
        yield "email", partial(_mail, told.email, config)


def _why(error: Exception) -> str:
    """Why it was not sent, without the address, which may be a key."""
    if isinstance(error, PlanlakeError):
        return error.message
    if isinstance(error, HTTPError):
        return f"it answers {error.code}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server answers {error.smtp_code}"
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return f"no answer within {SECONDS} s"
    return str(reason.strerror) if isinstance(reason, OSError) and reason.strerror else type(reason).__name__


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:  # noqa: ANN401 - a message would be lost on the way
        return None


def _post(place: tuple[str, str, Path], body: Callable[[Message], object], message: Message) -> None:
    address = read_secret(*place)
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ON_THIS_MACHINE):
        raise ConfigurationError("it is sent over https only")
    content = json.dumps(body(message), default=str, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "User-Agent": f"planlake/{__version__}"}
    with build_opener(_NoRedirect).open(Request(address, content, headers), timeout=SECONDS):  # noqa: S310 - see above
        pass


def _for_slack(message: Message) -> object:
    text = message.text
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, written)
    first, _, rest = text.partition("\n")
    return {"text": f"*{first}*\n{rest}"}


def _for_teams(message: Message) -> object:
    """A card, as the workflow "post to a channel when a webhook request is received" takes it."""

    def block(text: str, **more: str) -> object:  # of whose text nothing is Markdown, as names have underscores
        return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **more}]}

    first, *rest = message.text.split("\n")
    blocks = [block(first, weight="Bolder"), *map(block, rest)]
    card = {"type": "AdaptiveCard", "version": "1.4", "body": blocks}
    if message.pages:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open the report", "url": message.pages}]
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [content]}


def _as_data(message: Message) -> object:
    return {**asdict(message), "text": message.text, "version": __version__}


def _publish(topic: str, message: Message) -> None:
    subject = message.subject.encode("ascii", "replace").decode()[:MOST_OF_SUBJECT]
    client("sns", {"sns.region": topic.split(":")[3]}).publish(TopicArn=topic, Subject=subject, Message=message.text)


def _mail(to: Email, config: Config, message: Message) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.subject, to.sender, ", ".join(to.to)
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid("planlake")
    mail.set_content(message.text)
    host, _, port = to.server.rpartition(":")
    context = ssl.create_default_context()
    is_here = host in ON_THIS_MACHINE
    if int(port) == OVER_TLS:
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, int(port), timeout=SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, int(port), timeout=SECONDS)
    with server:
        if int(port) != OVER_TLS and not is_here:
            server.starttls(context=context)
        if to.password is not None:
            server.login(to.user, read_secret("notify.email.password", to.password, config.folder))
        refused = server.send_message(mail)
    if refused:
        raise ConfigurationError(f"the mail server refused {len(refused)} of {len(to.to)} addresses")
