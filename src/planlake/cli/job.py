"""The file that `spark-submit`, AWS Glue and EMR are given: `planlake run` on the Spark that starts it."""

import sys

from planlake.cli.main import main as planlake
from planlake.cli.runs.spark_job import ON_SPARK, without_platform


def main() -> None:
    """Carry out the arguments of this process; it returns if all went well: platforms take an exit for a failure."""
    sys.argv = ["planlake", "run", *ON_SPARK, *without_platform(sys.argv[1:])]
    try:
        planlake()
    except SystemExit as leaving:
        if leaving.code:
            raise


if __name__ == "__main__":
    main()
