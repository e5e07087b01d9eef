"""What Airflow makes of a folder of DAGs; run by the Python of Airflow: `in_airflow.py FOLDER RESULT`.

A database is made, the folder is read as Airflow reads it, and every DAG is run once by `dag.test`. What became of each
is written as JSON.
"""

import json
import sys
from datetime import datetime
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag
from airflow.models.asset import AssetEvent
from airflow.models.xcom import XComModel
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from sqlalchemy import select

RUN_AFTER = datetime.fromisoformat("2026-11-20T03:00:00+00:00")


def main(folder, result):
    initdb()
    bag = BundleDagBag(folder, bundle_path=Path(folder), bundle_name="dags-folder")
    if bag.import_errors:
        sys.exit(f"{bag.import_errors}")
    tried = {name: tried_once(bag.dags[name]) for name in sorted(bag.dags)}
    told = {"dags": {name: described(dag) for name, dag in bag.dags.items()}}
    with create_session() as session:
        told["updated"] = sorted(event.asset.uri for event in session.scalars(select(AssetEvent)))
    Path(result).write_text(json.dumps(told | {"tried": tried}, default=str))


def described(dag):
    tasks = {
        one.task_id: {
            "kind": type(one).__name__,
            "pool": one.pool,
            "outlets": [asset.uri for asset in one.outlets],
            "retries": one.retries,
        }
        for one in dag.tasks
    }
    return {"tasks": tasks, "catchup": dag.catchup, "max_active_runs": dag.max_active_runs}


def tried_once(dag):
    """How each task of a DAG ended, at which try, and what it gave."""
    run = dag.test(run_after=RUN_AFTER, logical_date=RUN_AFTER)
    with create_session() as session:
        query = select(XComModel).where(XComModel.dag_id == dag.dag_id, XComModel.run_id == run.run_id)
        given = {one.task_id: one.value for one in session.scalars(query) if one.key == "return_value"}
    return {
        one.task_id: {"state": one.state, "try": one.try_number, "given": given.get(one.task_id)}
        for one in run.get_task_instances()
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
