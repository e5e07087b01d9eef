"""`planlake spark-job`: `planlake run` on Spark's executors, and where the file is that `spark-submit` is given.

Platforms add arguments of their own to those of a job: what AWS Glue adds is left out.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, cast

import typer

# What AWS Glue puts among the arguments of a script, each followed by a value.
OF_GLUE = (
    *("--JOB_NAME", "--JOB_ID", "--JOB_RUN_ID", "--SECURITY_CONFIGURATION", "--encryption-type", "--TempDir"),
    *("--job-bookmark-option", "--job-bookmark-from", "--job-bookmark-to", "--RedshiftTempDir"),
    *("--continuation-option", "--extra-py-files", "--extra-files", "--additional-python-modules"),
)
ON_SPARK = ("--engine", "spark")


def spark_job(
    context: typer.Context,
    file: Annotated[
        bool, typer.Option("--file", help="Print where the file for spark-submit is, and do nothing.")
    ] = False,
) -> None:
    """Run on Spark's executors; tables and options are those of `planlake run`."""
    if file:
        typer.echo(Path(__file__).parents[1] / "job.py")
        return
    parent = cast("typer.Context", context.parent)
    run = cast("typer.core.TyperGroup", parent.command).commands["run"]
    arguments = [*ON_SPARK, *without_platform(context.args)]
    with run.make_context("run", arguments, parent=parent) as of_run:
        run.invoke(of_run)


def without_platform(arguments: Sequence[str]) -> list[str]:
    """The arguments but those that AWS Glue adds."""
    kept: list[str] = []
    waiting = iter(arguments)
    for one in waiting:
        name, has_value, _ = one.partition("=")
        if name not in OF_GLUE and not name.startswith("--enable-"):
            kept.append(one)
        elif not has_value:
            next(waiting, None)
    return kept
