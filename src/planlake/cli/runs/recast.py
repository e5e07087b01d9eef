"""`planlake recast`: build tables again from raw where their types changed."""

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName, TableNames


def recast(
    tables: TableNames = None, env: EnvironmentName = None, config: ConfigFile = None, json: AsJson = False
) -> None:
    """After a change of the catalogue: build the tables it affects again from raw, without asking the API."""
    from planlake.cli.loading import configuration
    from planlake.cli.runs.run import carry_out

    loaded = configuration(config)
    from planlake.runs.plan import Selection

    carry_out(loaded, Selection(tuple(tables or ()), recasts=True), environment=env, as_json=json)
