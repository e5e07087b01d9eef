"""Asking before something is undone or dropped: where the environment is protected, and nobody said yes beforehand."""

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

import typer

from planlake.cli.screen import print_json, waiting
from planlake.config import Config
from planlake.errors import ConfigurationError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

One = TypeVar("One")
Record = TypeVar("Record", bound="DataclassInstance")


def is_protected(config: Config, environment: str | None) -> bool:
    """Whether an environment is protected; a preview never is, whatever it stands on."""
    is_preview = environment is not None and environment not in config.environments
    return not is_preview and config.environment(environment).protected


def may_go_on(config: Config, environment: str | None, *, says_yes: bool) -> bool:
    """Whether to do what was shown; a ConfigurationError where it must be asked and nobody is there to answer."""
    if says_yes or not is_protected(config, environment):
        return True
    if not sys.stdin.isatty():
        state = "Nothing was changed"
        raise ConfigurationError("this environment is protected", state=state, hint="--yes confirms it")
    return typer.confirm("This environment is protected. Do it?", err=True)


def asking_first(
    config: Config,
    environment: str | None,
    *,
    says_yes: bool,
    show: Callable[[Sequence[One]], None] | None,
) -> tuple[Callable[[Sequence[One]], bool], list[bool]]:
    """What an action asks before it changes a table, and the answers it was given.

    It shows what would be done, where `show` is given, and then asks where that is needed.
    """
    answers: list[bool] = []

    def confirm(found: Sequence[One]) -> bool:
        if show is not None:
            show(found)
        answers.append(may_go_on(config, environment, says_yes=says_yes))
        return answers[-1]

    return confirm, answers


def act_or_show(
    act: Callable[[Callable[[Sequence[Record]], bool] | None], Sequence[Record]],
    config: Config,
    environment: str | None,
    *,
    says_yes: bool,
    is_dry_run: bool,
    show: Callable[[Sequence[Record]], None] | None,
    lasts: str = "",
) -> tuple[Sequence[Record], list[bool]]:
    """Carry out an action, or only show what it would do; what was found to do, and the answers as of `asking`.

    `act` is given what asks, None in a dry run, and gives back what it found. Without `show` all of it is JSON.
    What it does from then on is told as `lasts` while it takes long.
    """
    confirm, answers = asking_first(config, environment, says_yes=says_yes, show=show)
    with ExitStack() as until_done:

        def confirmed(found: Sequence[Record]) -> bool:
            says_so = confirm(found)
            if says_so and lasts:
                until_done.enter_context(waiting(lasts))
            return says_so

        found = act(None if is_dry_run else confirmed)
    if is_dry_run and found and show is not None:
        show(found)
    if show is None:
        print_json({"done": any(answers), "tables": [asdict(one) for one in found]})
    return found, answers
