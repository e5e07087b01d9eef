"""Carries out asynchronous work from plain functions, in a notebook too."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future, wait
from contextlib import suppress
from threading import Thread
from typing import Any, TypeVar

Result = TypeVar("Result")
SECONDS_BETWEEN_LOOKS = 0.01


def run_to_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Carry out asynchronous work; what stops the wait for it (Ctrl-C) cancels it first.

    A notebook has a loop of its own in the thread that calls us, which cannot be entered a second time: there the work
    is done on another thread, while this one waits.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    begun, done = list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Result]]](), Future[Result]()

    async def cancellable() -> Result:
        task = asyncio.create_task(work)
        begun.append((asyncio.get_running_loop(), task))
        return await task

    try:
        Thread(target=_run, args=(cancellable(), done), name="planlake", daemon=True).start()
        wait([done])
    finally:
        if not done.done():
            _cancel(begun, done)
    return done.result()


def _run(work: Coroutine[Any, Any, Result], done: "Future[Result]") -> None:
    try:
        done.set_result(asyncio.run(work))
    except BaseException as error:  # it is raised where the work was asked for
        done.set_exception(error)


def _cancel(begun: list[tuple[asyncio.AbstractEventLoop, "asyncio.Task[Result]"]], done: "Future[Result]") -> None:
    """Cancel the work, once it has begun, and wait until it has cleaned up."""
    while not begun and not done.done():
        wait([done], SECONDS_BETWEEN_LOOKS)
    with suppress(RuntimeError):  # it came to its end meanwhile
        for loop, task in begun:
            loop.call_soon_threadsafe(task.cancel)
    wait([done])
