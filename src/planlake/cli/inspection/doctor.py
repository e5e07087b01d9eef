"""`planlake doctor`: is everything ready for a run, and what to do about what is not."""

from dataclasses import asdict

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName

MARKS = {"ok": "+ ok", "warning": "! warning", "failed": "x failed", "skipped": "- skipped"}


def doctor(env: EnvironmentName = None, config: ConfigFile = None, json: AsJson = False) -> None:
    """Check configuration, catalogue, lake, keys, reachability and clock, and say what to do about each."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, print_table, remark, waiting

    loaded = configuration(config)
    from planlake.inspection.doctor import examine

    with waiting("doctor: the lake and the API are looked at"):
        findings = list(examine(loaded, env))
    if json:
        print_json([asdict(finding) for finding in findings])
    else:
        rows = [(one.check, MARKS[one.verdict], one.seen) for one in findings]
        print_table("", ("check", "verdict", "seen"), rows)
    for finding in findings:
        if finding.advice:
            remark(f"{finding.check}: {finding.seen}\nhint: {finding.advice}")
    raise typer.Exit(max((finding.exit_code for finding in findings), default=0))
