"""Writes what is made of something else: docs/commands.md, the list of decisions, tables of errors, the policy for AWS.

    python scripts/build_docs.py [--check]

With `--check` nothing is written; the exit status is 1 where a page is not what it would be now.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from errors_of_code import tables

DOCS = Path(__file__).parent.parent / "docs"
WIDTH = "100"
HEAD = """\
# Commands

<!-- Made by scripts/build_docs.py from the commands themselves: change those, then run `make format`. -->

Every command reads `planlake.yaml` in the folder it is called in, unless `--config` names another file. What you asked
for goes to standard output; remarks, progress and errors go to standard error, so `planlake sql ... > file` holds the
answer and nothing else.

`planlake --log json|text|off COMMAND` says how commands that change the lake log what they do;
[settings.md](settings.md#the-log) has more.

| exit status | meaning |
|---|---|
| 0 | all is well |
| 1 | the run ended, and some tables failed; they are named |
| 2 | a command, option or the configuration is wrong |
| 3 | the API or the lake cannot be reached |
| 4 | a defect of Planlake itself |
| 130 | stopped with Ctrl-C; everything committed so far is kept |

[errors.md](errors.md) says what to do about each, [settings.md](settings.md) lists every setting.
"""


ERRORS = "<!-- Made by scripts/build_docs.py of the code: change the errors there, then run `make format`. -->"
LINK = re.compile(r"\[([^\]]*)\]\(([^)]*)\)")
COPIED = {
    "carry-on.md": ("CONTRIBUTING.md", "Carrying on the work"),
    "benchmarks.md": ("benchmarks/README.md", "Benchmarks"),
}
END = "<!-- end -->"
POLICY = "deploy/terraform/derived/policy.json"
OF_POLICY = f"<!-- Made by scripts/build_docs.py of {POLICY}: change that, then run `make format`. -->"
DECISIONS = """\
# Decisions

<!-- Made by scripts/build_docs.py from the decisions themselves: run `make format`. -->

Why Planlake is built as it is: what was asked, measured and chosen, each in half a page, and never rewritten.
"""


def decisions() -> str:
    """The list of the decisions as it should be now, newest first."""
    titles = [(file.name, file.read_text(encoding="utf-8").split("\n", 1)[0]) for file in DOCS.glob("decisions/0*.md")]
    listed = [f"- [{title.removeprefix('# ')}]({name})" for name, title in sorted(titles, reverse=True)]
    return "\n".join([DECISIONS, *listed, ""])


def page() -> str:
    """The page of the commands as it should be now."""
    os.environ.update(COLUMNS=WIDTH, TERM="dumb", NO_COLOR="1")
    from typer.main import get_command  # noqa: PLC0415
    from typer.testing import CliRunner  # noqa: PLC0415 - after the width is set, so that lines break alike everywhere

    from planlake.cli.main import app  # noqa: PLC0415

    runner = CliRunner()
    index = ["| command | does |", "|---|---|"]
    sections = []
    for name, command in commands(get_command(app)):
        said = runner.invoke(app, [*name.split(), "--help"], prog_name="planlake")
        if said.exit_code:
            raise SystemExit(f"planlake {name} --help failed: {said.output}")
        index.append(
            f"| [`planlake {name}`](#planlake-{name.replace(' ', '-')}) | {' '.join((command.help or '').split())} |"
        )
        body = "\n".join(line.rstrip() for line in said.output.strip().splitlines())
        sections.append(f"## planlake {name}\n\n```text\n{body}\n```\n")
    return "\n".join([HEAD, *index, "", *sections])


def commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - the library's classes
    """Every command with its whole name, those of groups each on its own."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def errors() -> str:
    """The page of errors with the tables of those that the code raises; all around them is as it stands."""
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    before, mark, rest = text.partition(ERRORS)
    return f"{before}{mark}\n\n{tables()}\n{END}{rest.partition(END)[2]}"


def policy() -> str:
    """The page about AWS with the policy that deploy/terraform puts together for each environment."""
    before, mark, rest = (DOCS / "deploy/aws.md").read_text(encoding="utf-8").partition(OF_POLICY)
    block = f"```json\n{(DOCS.parent / POLICY).read_text(encoding='utf-8')}```"
    return f"{before}{mark}\n\n{block}{rest.partition('```json')[2].partition('```')[2]}"


def copied(file: str, title: str) -> str:
    """A page of the repository as one of the site: links lead to pages of docs/, what lies elsewhere is only named."""
    text = (DOCS.parent / file).read_text(encoding="utf-8").split("\n", 1)[1]

    def leads(found: re.Match[str]) -> str:
        place = found[2].removeprefix("../")
        if place.startswith(("#", "http")):
            return found[0]
        return f"[{found[1]}]({place.removeprefix('docs/')})" if place.startswith("docs/") else f"`{found[1]}`"

    made = f"<!-- Made by scripts/build_docs.py of {file}: change that, then run `make format`. -->"
    return f"# {title}\n\n{made}\n{LINK.sub(leads, text)}"


def main() -> None:
    """Write the pages, or say whether they are current."""
    is_stale = False
    pages = {"commands.md": page(), "decisions/index.md": decisions(), "errors.md": errors()}
    pages["deploy/aws.md"] = policy()
    pages |= {name: copied(*source) for name, source in COPIED.items()}
    for name, wanted in pages.items():
        file = DOCS / name
        if "--check" not in sys.argv[1:]:
            file.write_text(wanted, encoding="utf-8")
            print(f"{name} written")
        elif not file.is_file() or file.read_text(encoding="utf-8") != wanted:
            print(f"docs/{name} is stale: run `make format`", file=sys.stderr)
            is_stale = True
    sys.exit(int(is_stale))


if __name__ == "__main__":
    main()
