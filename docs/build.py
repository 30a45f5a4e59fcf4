"""Write docs/reference.md: every option of every command, and every row of every table."""

import ast
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

from delineate.cli import COMMANDS, OPTIONS

TARGET = Path(__file__).with_name("reference.md")
TABLES = {
    "readers": "READERS",
    "writers": "WRITERS",
    "datasets": "DATASETS",
    "planning": "RULES",
    "models": "MODELS",
    "losses": "LOSSES",
    "metrics": "METRICS",
}


def read_field_docs(kind: type) -> dict[str, str]:
    """Collect the docstring below each field of a dataclass.

    Args:
        kind: The dataclass.

    Returns:
        Text by field name, on one line.
    """
    tree = ast.parse(inspect.getsource(kind)).body[0]
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    docs = {}
    for entry, text in pairwise(body):
        is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        if isinstance(entry, ast.AnnAssign) and isinstance(entry.target, ast.Name) and is_text:
            docs[entry.target.id] = " ".join(str(text.value.value).split())
    return docs


def describe_command(name: str, summary: str) -> list[str]:
    """Describe a step's settings.

    Args:
        name: Row of `COMMANDS`.
        summary: Its line.

    Returns:
        Lines of Markdown.
    """
    module = import_module(f"delineate.steps.{name}")
    kind = getattr(module, f"{name.capitalize()}Settings")
    docs = read_field_docs(kind)
    lines = [f"### delineate {name}", "", summary, "", "| argument | default | meaning |"]
    lines.append("|---|---|---|")
    for entry in fields(kind):
        required = entry.default is MISSING and entry.default_factory is MISSING
        is_place = required and entry.name not in OPTIONS
        word = entry.name.upper() if is_place else f"--{entry.name.replace('_', '-')}"
        default = "required" if required else "" if entry.default is None else f"{entry.default}"
        lines.append(f"| `{word}` | {default} | {docs.get(entry.name, '')} |")
    return [*lines, ""]


def describe_table(folder: str, table: str) -> list[str]:
    """Describe the rows of a table by the first line of each docstring.

    Args:
        folder: Folder of the package.
        table: Name of the dictionary in its face.

    Returns:
        Lines of Markdown.
    """
    rows: Mapping[str, Any] = getattr(import_module(f"delineate.{folder}"), table)
    lines = [f"### {table} (`{folder}/`)", "", "| name | what it is |", "|---|---|"]
    return [*lines, *(f"| `{name}` | {tell(row)} |" for name, row in rows.items()), ""]


def tell(row: object) -> str:
    """Say what a row is in one line.

    Args:
        row: A class, function, instance, `module:name`, or metric with its convention.

    Returns:
        One line.
    """
    if isinstance(row, str):
        module, name = row.split(":")
        row = getattr(import_module(module), name)
    if hasattr(row, "convention"):
        return str(row.convention)
    text = inspect.getdoc(row) or inspect.getdoc(type(row)) or ""
    return text.split("\n\n")[0].replace("\n", " ").replace("|", "/")


def build() -> Iterable[str]:
    """Put the page together.

    Yields:
        Lines of Markdown.
    """
    yield from ("# Reference", "", "Made by `make docs` from the code; do not edit.", "")
    yield from ("## Commands", "")
    for name, summary in COMMANDS.items():
        yield from describe_command(name, summary)
    yield from ("## Tables", "")
    for folder, table in TABLES.items():
        yield from describe_table(folder, table)


if __name__ == "__main__":
    TARGET.write_text("\n".join(build()), encoding="utf-8")
