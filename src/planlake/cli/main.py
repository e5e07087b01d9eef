"""The command `planlake`: runs what was typed, and answers with an exit status and clear lines, not a traceback.

Exit status: 0 all well, 1 some tables failed, 2 usage or configuration, 3 the source or the lake cannot be reached,
4 internal error, 130 on Ctrl-C.
"""

import gc
import os
import sys
import warnings
from typing import Annotated, Any

import typer

from planlake.cli.changes import env, forget, maintain, rebuild, recover, rollback, undo
from planlake.cli.inspection import advise, doctor, drift
from planlake.cli.report import check, diagram, export, model, pages, runs, sql, status, tables, ui, views
from planlake.cli.runs import backfill, notify, plan, recast, reconcile, run, spark_job
from planlake.cli.setup import add, completion, demo, init, schedule, simulate, try_
from planlake.errors import LakeError, MovedLake, PlanlakeError
from planlake.printable import printable
from planlake.version import __version__

INTERRUPTED = 130

app = typer.Typer(
    name="planlake",
    help="A council's planning system, from its API to typed, checked, queryable lake tables, every day.",
    no_args_is_help=True,
    add_completion=False,  # a command does it: `planlake completion`
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS = (
    demo.demo,
    init.init,
    add.add,
    try_.try_,
    doctor.doctor,
    plan.plan,
    run.run,
    status.status,
    runs.runs,
    sql.sql,
    ui.ui,
    ui.mcp,
    tables.tables,
    export.export,
    diagram.diagram,
    views.views,
    advise.advise,
    check.check,
    pages.report,
    backfill.backfill,
    rollback.rollback,
    undo.undo,
    rebuild.rebuild,
    rebuild.reset,
    recast.recast,
    reconcile.reconcile,
    drift.drift,
    maintain.maintain,
    recover.recover,
    forget.forget,
    simulate.simulate,
    schedule.schedule,
    completion.completion,
)
for command in COMMANDS:
    app.command(command.__name__.rstrip("_"))(command)
OF_ANOTHER = {"allow_extra_args": True, "ignore_unknown_options": True}  # its arguments are those of another command
app.command("spark-job", context_settings=OF_ANOTHER)(spark_job.spark_job)
app.add_typer(env.env)
app.add_typer(model.model)
app.add_typer(notify.notify)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"planlake {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
    log: Annotated[
        str | None,
        typer.Option("--log", help="How to log what changes the lake, on standard error: auto, json, text or off."),
    ] = None,
) -> None:
    """Common to every command."""
    if log is not None:
        from planlake.cli.loading import set_flag

        set_flag("log", log)


def program() -> None:
    """The whole of a process: run the command line and end.

    It ends at once: all is closed and committed by then, and to take a quarter of a million objects apart one by one
    takes as long as a short query. For the same reason cyclic garbage is looked for less often.
    """
    from planlake.cli.streams import prepare
    from planlake.engines.without_pandas import keep_pandas_out

    gc.set_threshold(500_000)
    keep_pandas_out()
    prepare()
    try:
        main()
    except SystemExit as leaving:
        _leave_nothing()
        os._exit(_flushed(_number(leaving)))


def _leave_nothing() -> None:
    """Delete the temporary files of this process, where it had any."""
    spill = sys.modules.get("planlake.engines.spill")
    if spill is not None:
        spill.delete_own()


def _flushed(status: int) -> int:
    """Hand on what was printed; the status the process ends with."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:  # whoever read our output has seen enough
            continue
        except PlanlakeError as error:
            _say(error.lines())
            status = status or error.exit_code
    return status


def main() -> None:
    """Run the command line and leave with its exit status."""
    try:
        sys.exit(_status())
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _status() -> int:
    if reading := sys.modules.get("planlake.sources.secrets"):  # what an earlier command read is none of this one's
        reading.known_secrets.clear()
    if completion.VARIABLE in os.environ:  # a shell asks what to complete
        from typer._completion_classes import completion_init

        completion_init()
    try:
        with warnings.catch_warnings():
            _remark_on_moved_lakes()
            app(prog_name="planlake")
    except SystemExit as leaving:
        return _after(leaving)
    except PlanlakeError as error:
        return _told(error)
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        raise
    except Exception as error:
        if os.environ.get("PLANLAKE_DEBUG"):
            raise
        return _told(error)
    return 0


def _remark_on_moved_lakes() -> None:
    """Say once, beside whatever a command shows, that the lake it reads is not where it was made."""
    others, said = warnings.showwarning, set[str]()

    def show(message: Warning | str, *about: Any, **more: Any) -> None:  # noqa: ANN401 - as Python hands them on
        if not isinstance(message, MovedLake):
            others(message, *about, **more)
        elif str(message) not in said:
            from planlake.cli.screen import remark

            said.add(str(message))
            remark(f"! {message}")

    warnings.simplefilter("always", MovedLake)
    warnings.showwarning = show


def _told(error: Exception) -> int:
    """Say what is wrong: which files of the lake are damaged, where that is what an error came from."""
    from planlake.lake.aws.errors import aws_trouble

    found = _explained(error)
    if not isinstance(found, PlanlakeError):
        refused = aws_trouble(found)
        if refused is None:
            return _defect(found)
        found = LakeError(refused.said, hint=refused.advice)
    _say([_hidden(line) for line in found.lines()])
    return found.exit_code


def _hidden(text: str, *, is_defect: bool = False) -> str:
    from planlake.cli.loading import loaded_configuration
    from planlake.report.hiding import without_secrets

    return without_secrets(text, loaded_configuration(), is_defect=is_defect)


def _explained(error: Exception) -> Exception:
    from planlake.cli.loading import chosen_environment, loaded_configuration

    config = loaded_configuration()
    if config is None or (isinstance(error, PlanlakeError) and error.__context__ is None):
        return error
    from planlake.lake.lake import catalogue_file
    from planlake.lake.open_lake import open_lake
    from planlake.lake.repair.damage import explain_error

    try:
        file = catalogue_file(config, chosen_environment())
        if file is not None and not file.exists():
            return error  # to open a lake that is not there would make one
        return explain_error(open_lake(config, chosen_environment()), error)
    except Exception:  # what cannot be looked at explains nothing
        return error


def _after(leaving: SystemExit) -> int:
    """The status a command left with; the command line's library turns Ctrl-C and a closed pipe into one of its own."""
    if isinstance(leaving.__context__, BrokenPipeError):
        raise leaving.__context__
    status = _number(leaving)
    return _interrupted() if status == INTERRUPTED else status


def _number(leaving: SystemExit) -> int:
    return leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))


def _interrupted() -> int:
    """Say what Ctrl-C left: the commands of reports change nothing, so there is nothing to keep or to continue."""
    rooms = {one.__name__.rstrip("_"): one.__module__ for one in COMMANDS}
    command = next((word for word in sys.argv[1:] if word in rooms or word == "env"), "")
    is_report = rooms.get(command, "").startswith("planlake.cli.report.")
    kept = ["Stopped; everything committed so far is kept", "hint: the same command continues"]
    _say(["Stopped"] if is_report else kept)
    return INTERRUPTED


def _defect(error: Exception) -> int:
    said = _hidden(str(error), is_defect=True)
    where = printable(f"{type(error).__name__}: {said.splitlines()[0] if said else 'no message'}")
    _say(
        [
            f"Error: something went wrong inside Planlake: {where}",
            "Everything committed so far is kept",
            "hint: PLANLAKE_DEBUG=1 shows where; please report it",
        ]
    )
    return 4


def _say(lines: list[str]) -> None:
    from planlake.cli.screen import remark

    remark("\n".join(lines))
