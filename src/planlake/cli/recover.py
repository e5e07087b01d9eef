"""`planlake recover`: a lost or damaged catalogue, made anew from the metadata files in the warehouse."""

from dataclasses import asdict

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName


def recover(env: EnvironmentName = None, config: ConfigFile = None, json: AsJson = False) -> None:
    """Make the catalogue anew from the metadata files in the warehouse; tables it knows are left alone."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import counted, print_json, print_table, remark

    loaded = configuration(config)
    from planlake.flow.recover import recover as make_anew

    found, aside = make_anew(loaded, environment=env)
    if json:
        print_json({"aside": aside, "tables": [asdict(one) for one in found]})
    elif found:
        rows = [(one.database, one.table, one.rows) for one in found]
        print_table("", ("database", "table", "rows"), rows, numbers=("rows",))
    if aside is not None:
        remark(f"the damaged catalogue is kept as {aside}")
    again = f"{counted(len(found), 'table is', 'tables are')} known again"
    remark(again if found else "nothing to do: every table of the warehouse is known")
