"""Make the table of benchmarks/README.md from the JSON files in benchmarks/results.

    python benchmarks/table.py

Each file holds what one script measured; `question` and `answer` say it in a line.
"""

import json
import os
import platform
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MARK = "<!-- made by table.py; edit nothing below -->"


def machine() -> dict[str, Any]:
    """Say on what a figure was measured."""
    import torch

    able = torch.cpu.get_capabilities()
    return {
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "bf16": [name for name in ("avx512_bf16", "amx_bf16") if able.get(name)],
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def write(path: Path, question: str, answer: str, figures: dict[str, Any]) -> None:
    """Write one result."""
    path.parent.mkdir(parents=True, exist_ok=True)
    result = {"question": question, "answer": answer, **figures, "machine": machine()}
    path.write_text(json.dumps(result, indent=1) + "\n")


def main() -> None:
    """Rewrite everything below the mark."""
    lines = ["| question | answer | machine | file |", "|---|---|---|---|"]
    for path in sorted((HERE / "results").glob("*.json")):
        facts = json.loads(path.read_text())
        where = facts["machine"]
        cores = f"{where['cores']} cores {where['architecture']}"
        words = f"{cores}, {'/'.join(where['bf16']) or 'no bf16'}, torch {where['torch']}"
        row = (facts["question"], facts["answer"], words, f"`{path.name}`")
        lines.append(f"| {' | '.join(row)} |")
    page = HERE / "README.md"
    head = page.read_text().split(MARK)[0]
    page.write_text(head + MARK + "\n\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
