"""`planlake maintain`: expire old versions, merge small files, delete what nothing refers to."""

from dataclasses import asdict

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName

MEGABYTE = 10**6


def maintain(env: EnvironmentName = None, config: ConfigFile = None, json: AsJson = False) -> None:
    """Look after every table: expire old versions, merge small files, delete files that nothing refers to."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import counted, print_json, print_table, progress_bars, remark

    loaded = configuration(config)
    from planlake.changes.maintain import maintain as look_after

    with progress_bars() as notify:
        found = look_after(loaded, environment=env, notify=notify)
    if json:
        print_json([asdict(one) for one in found])
        return
    rows = [
        (one.database, one.table, one.freed.snapshots, one.freed.merged, one.freed.files, _megabytes(one.freed.bytes))
        for one in found
        if any(asdict(one.freed).values())
    ]
    if rows:
        names = ("database", "table", "versions expired", "files merged", "files deleted", "MB freed")
        print_table("", names, rows, numbers=names[2:])
    freed = sum(one.freed.bytes for one in found)
    remark(
        f"{counted(len(found), 'table', 'tables')} maintained, {_megabytes(freed)} MB freed; every row is still there"
    )


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.1f}"
