"""What linters cannot hold: sizes, mirrors, silence, lightness and the keys of tables."""

import ast
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import delineate
from delineate.cli import COMMANDS

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "src" / "delineate"
FILES = sorted(HOUSE.rglob("*.py"))
ROOMS = [path for path in FILES if path.name not in ("__init__.py", "__main__.py")]
MAY_SPEAK = ("cli.py", "serve")
"""Who may print and look at the environment: what faces a user or an operator."""
HEAVY = ("torch", "nibabel", "matplotlib", "scipy", "pydicom", "tensorboard", "PIL", "tifffile")
VAGUE = {"utils", "util", "helpers", "common", "misc", "tools"}
TABLES = {
    "READERS": "readers",
    "WRITERS": "writers",
    "DATASETS": "datasets",
    "MODELS": "models",
    "LOSSES": "losses",
    "METRICS": "metrics",
}
ALIASES = {
    "LOSSES": {
        "cross_entropy": "pixel",
        "focal": "pixel",
        "dice": "overlap",
        "tversky": "overlap",
        "focal_tversky": "overlap",
        "log_dice": "logarithmic",
        "log_jaccard": "logarithmic",
        "boundary_ce": "boundary",
        "border_ce": "border",
        "dice_ce": "compound",
        "tversky_ce": "compound",
        "focal_tversky_ce": "compound",
        "dice_focal": "compound",
        "bce_dice_lovasz": "compound",
        "lovasz_ce": "compound",
        "dice_boundary": "shape",
        "dice_hausdorff": "shape",
        "dice_cldice": "shape",
    },
    "METRICS": {"dice": "overlap", "iou": "overlap", "hd95": "surface", "nsd": "surface"},
    "READERS": {},
    "WRITERS": {
        "nifti": "volume",
        "nrrd": "volume",
        "png": "raster",
        "tiff": "raster",
        "csv": "table",
        "parquet": "table",
        "dicom-seg": "dicom_seg",
        "dicom-seg-labelmap": "dicom_seg",
        "dicom-seg-fractional": "dicom_seg",
        "rtstruct": "dicom_rt",
        "sr": "dicom_sr",
    },
}
"""Keys that are no file's name, with the file that holds them."""


def named(path):
    return str(path.relative_to(HOUSE))


def calls_of(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def functions_of(tree):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def body_lines(function):
    """Lines of a function without its docstring and its decorators."""
    has_docstring = ast.get_docstring(function) is not None
    docstring = function.body[0] if has_docstring else None
    hidden = docstring.end_lineno - docstring.lineno + 1 if docstring else 0
    return function.end_lineno - function.lineno + 1 - hidden


@pytest.mark.parametrize("path", FILES, ids=named)
def test_no_file_is_longer_than_300_lines(path):
    lines = path.read_text(encoding="utf-8").splitlines()

    assert len(lines) <= 300


@pytest.mark.parametrize("path", FILES, ids=named)
def test_no_function_is_longer_than_40_lines_or_takes_more_than_6_arguments_in_order(path):
    functions = functions_of(ast.parse(path.read_text(encoding="utf-8")))

    long = {entry.name: body_lines(entry) for entry in functions if body_lines(entry) > 40}
    wide = {
        entry.name: len(entry.args.args)
        for entry in functions
        if len([word for word in entry.args.args if word.arg not in ("self", "cls")]) > 6
    }

    assert long == {}
    assert wide == {}


@pytest.mark.parametrize("path", ROOMS, ids=named)
def test_every_file_has_its_test_file(path):
    inside = path.relative_to(HOUSE)

    mirror = ROOT / "tests" / inside.with_name(f"test_{inside.name}")

    assert mirror.is_file()


@pytest.mark.parametrize("path", FILES, ids=named)
def test_only_what_faces_a_user_prints_or_reads_the_environment(path):
    if path.relative_to(HOUSE).parts[0] in MAY_SPEAK:
        pytest.skip("This one faces a user.")
    tree = ast.parse(path.read_text(encoding="utf-8"))

    printing = [call.lineno for call in calls_of(tree) if getattr(call.func, "id", "") == "print"]
    looking = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "putenv")
    ]

    assert printing == []
    assert looking == []


@pytest.mark.parametrize("path", FILES, ids=named)
def test_names_say_what_is_inside(path):
    words = {part.removesuffix(".py") for part in path.relative_to(HOUSE).parts}

    assert not words & VAGUE


@pytest.mark.parametrize("table", TABLES)
def test_every_key_of_a_table_is_a_file_or_a_stated_alias(table):
    folder = TABLES[table]
    rows = getattr(import_module(f"delineate.{folder}"), table)

    homes = {key: ALIASES.get(table, {}).get(key, key) for key in rows}
    homeless = [key for key, home in homes.items() if not (HOUSE / folder / f"{home}.py").is_file()]

    assert rows
    assert homeless == []


def test_every_alias_belongs_to_a_row():
    rows = {table: getattr(import_module(f"delineate.{TABLES[table]}"), table) for table in ALIASES}

    stale = [(table, key) for table in ALIASES for key in ALIASES[table] if key not in rows[table]]

    assert stale == []


def test_every_step_is_a_command_and_every_command_a_step():
    steps = {path.stem for path in (HOUSE / "steps").glob("*.py")} - {"__init__"}

    assert steps == set(COMMANDS)


@pytest.mark.parametrize(
    "code",
    [
        "import delineate",
        "import delineate.cli; delineate.cli.main(['--help'])",
        "import delineate.readers, delineate.writers, delineate.models, delineate.losses",
    ],
)
def test_looking_at_the_house_imports_nothing_heavy(code):
    ask = f"{code}\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    space = {**os.environ, "PYTHONPATH": str(HOUSE.parent)}

    told = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, check=True, env=space
    )

    loaded = json.loads(told.stdout.splitlines()[-1])
    assert [name for name in HEAVY if name in loaded] == []


def test_every_public_name_is_there():
    homes = {name: delineate._HOME_OF.get(name) for name in delineate.__all__ if name != "load"}

    absent = [
        name
        for name, home in homes.items()
        if home is None or not hasattr(import_module(f"delineate.{home}"), name)
    ]

    assert absent == []
    assert callable(delineate.load)
    assert len(delineate.__all__) <= 40


def test_the_lock_names_exact_versions_and_no_place():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")

    lines = [line for line in text.splitlines() if line and not line.startswith("#")]

    assert "torch==2.13.0" in lines
    assert [line for line in lines if line.count("==") != 1 or "/" in line or "+" in line] == []
    assert not any(line.startswith("torchvision") for line in lines)
