"""Write docs/reference.md: every option of every command, and every row of every table.

The lower parts of docs/losses.md and docs/networks.md are written, too: each loss with its
formula, options and source, each network with its options and source.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

from delineate.cli import COMMANDS, OPTIONS
from delineate.losses import LOSSES
from delineate.models import MODELS

TARGET = Path(__file__).with_name("reference.md")
LOSS_PAGE = Path(__file__).with_name("losses.md")
NETWORK_PAGE = Path(__file__).with_name("networks.md")
MARK = "<!-- From here on made by `make docs` from the code; do not edit. -->"
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


def read_sections(text: str) -> dict[str, str]:
    """Split a docstring into its sections.

    Args:
        text: The docstring, without indentation.

    Returns:
        Text by name of the section, without indentation; what comes first is "".
    """
    parts = re.split(r"^(Args|Returns|Raises|Source):\n", text, flags=re.MULTILINE)
    named = zip(parts[1::2], parts[2::2], strict=True)
    return {"": parts[0].strip()} | {name: textwrap.dedent(body).strip() for name, body in named}


def list_options(made: Callable[..., Any], args: str) -> list[str]:
    """Lay out the keyword arguments of a function or class with what its docstring says.

    Args:
        made: The function or class.
        args: The section "Args" of the docstring.

    Returns:
        Lines of Markdown.
    """
    entries = re.split(r"\n(?=\**\w+:)", args)
    meanings = {entry.partition(": ")[0]: entry.partition(": ")[2] for entry in entries}
    lines = ["| option | default | meaning |", "|---|---|---|"]
    for option in inspect.signature(made).parameters.values():
        if option.kind is option.KEYWORD_ONLY:
            meaning = " ".join(meanings[option.name].split()).replace("|", "\\|")
            lines.append(f"| `{option.name}` | {option.default} | {meaning} |")
        elif option.kind is option.VAR_KEYWORD:
            meaning = " ".join(meanings[f"**{option.name}"].split()).replace("|", "\\|")
            lines.append(f"| further | | {meaning} |")
    return lines


def describe_network(name: str) -> list[str]:
    """Describe a network by its docstring and its options.

    Args:
        name: Row of `MODELS`.

    Returns:
        Lines of Markdown.
    """
    module, kind = MODELS[name].split(":")
    network = getattr(import_module(module), kind)
    sections = read_sections(inspect.getdoc(network) or "")
    options = read_sections(inspect.getdoc(network.__init__) or "")
    source = " ".join(sections.get("Source", "").split())
    lines = [f"### {name}", "", sections[""], "", *list_options(network, options["Args"]), ""]
    return [*lines, *([f"Source: {source}", ""] if source else [])]


def build_networks(page: str) -> str:
    """Renew the lower part of the page of networks.

    Args:
        page: The page as it is.

    Returns:
        The page as it should be.
    """
    upper = page.split(MARK)[0]
    lines = [line for name in MODELS for line in describe_network(name)]
    return "\n".join([f"{upper}{MARK}", "", *lines])


def describe_loss(name: str) -> list[str]:
    """Describe a loss by its docstring and its options.

    Args:
        name: Row of `LOSSES`.

    Returns:
        Lines of Markdown.
    """
    module, function = LOSSES[name].split(":")
    loss = getattr(import_module(module), function)
    sections = read_sections(inspect.getdoc(loss) or "")
    lines = [f"### {name}", "", sections[""], "", *list_options(loss, sections["Args"])]
    value = " ".join(sections["Returns"].split())
    source = " ".join(sections.get("Source", "").split())
    return [*lines, "", f"Value: {value}", "", *([f"Source: {source}", ""] if source else [])]


def build_losses(page: str) -> str:
    """Renew the lower part of the page of losses.

    Args:
        page: The page as it is.

    Returns:
        The page as it should be.
    """
    upper = page.split(MARK)[0]
    lines = [line for name in LOSSES for line in describe_loss(name)]
    return "\n".join([f"{upper}{MARK}", "", *lines])


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
    LOSS_PAGE.write_text(build_losses(LOSS_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    networks = NETWORK_PAGE.read_text(encoding="utf-8")
    NETWORK_PAGE.write_text(build_networks(networks), encoding="utf-8")
