"""What follows a run, whatever became of it: its pages are written and people are told. None of it fails the run."""

from collections.abc import Callable, Iterator

from planlake.config import Config
from planlake.errors import PlanlakeError

Typed = Callable[[str], str]


def after_run(
    config: Config, environment: str | None, *, typed: Typed = str, error: Exception | None = None
) -> list[str]:
    """Write the pages and send the messages that the configuration wants; a line for each that could not be.

    `error` is what the run ended with, where it came to nothing; `typed` writes a command as it can be typed. For
    a preview nothing of this is done: people's pages and messages are of the lake it stands on.
    """
    if environment is not None and environment not in config.environments:
        return []
    return [*_pages(config, environment, typed), *_messages(config, environment, typed, error)]


def _pages(config: Config, environment: str | None, typed: Typed) -> Iterator[str]:
    if not config.report.after_run:
        return  # and their templates are not imported
    from planlake.report.pages.write import write_after_run  # noqa: PLC0415

    if trouble := write_after_run(config, environment, typed):
        yield f"{trouble}\nhint: planlake report"


def _messages(config: Config, environment: str | None, typed: Typed, error: Exception | None) -> Iterator[str]:
    if config.notify is None:
        return
    from planlake.report.telling.message import failure_of, message_of  # noqa: PLC0415
    from planlake.report.telling.sending import send  # noqa: PLC0415

    hint = "hint: planlake notify test"
    try:
        try:
            message = message_of(config, environment, typed) if error is None else None
        except PlanlakeError as unreadable:  # the run is over, and nobody knows how the lake stands
            error = unreadable
        if error is not None:
            message = failure_of(config, environment, error, typed)
        not_sent = {name: why for name, why in send(config, message).items() if why} if message is not None else {}
    except Exception as defect:  # a defect of a message is no reason to fail a run
        yield f"nobody could be told: internal error: {type(defect).__name__}\n{hint}"
        return
    for name, why in not_sent.items():
        yield f"{name} was not told: {why}\n{hint}"
