"""Where the networks' runs are kept, and what each of their rows says of its origin."""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from table import machine  # noqa: E402 - benchmarks/ is on the path from here on

RUNS = HERE / "runs"
CALIBRATION = HERE / "calibration"
DATA = Path(os.environ.get("DELINEATE_DATA", ROOT.parent / "shared" / "data"))
WORK = ROOT / "runs" / "networks"
NOT_YET = 3
"""Exit code of a run whose network, option or calibration is not there (yet)."""
TAKEN = 4
"""Exit code of a run that another process is at."""


def add_places(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the options that say where things lie."""
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the data sets")
    parser.add_argument("--work", type=Path, default=WORK, help="caches, weights and locks")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    return parser


def origin(device: str = "cpu") -> dict[str, Any]:
    """Tell with what and on what a row was made."""
    import torch

    try:
        release = version("delineate")
    except PackageNotFoundError:
        release = "not installed"
    where = {**machine(), "device": device, "threads": torch.get_num_threads()}
    if device.startswith("cuda"):
        where["gpu"] = torch.cuda.get_device_name(device)
    return {
        "versions": {
            "delineate": release,
            "commit": _git("rev-parse", "--short=12", "HEAD"),
            "is_changed": bool(_git("status", "--porcelain", "--", "src")),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "machine": where,
        "load": [round(value, 2) for value in os.getloadavg()],
    }


def _git(*words: str) -> str:
    try:
        told = subprocess.run(
            ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told.stdout.strip()


def save(path: Path, row: dict[str, Any]) -> None:
    """Write a row, whole or not at all, so that a killed run leaves nothing."""
    from delineate.core.files import write_text

    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(_plain(row), indent=1, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    """Round numbers and turn nan into null, which JSON knows."""
    if isinstance(value, dict):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def rows(folder: Path = RUNS) -> list[dict[str, Any]]:
    """Read all rows, by name."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
