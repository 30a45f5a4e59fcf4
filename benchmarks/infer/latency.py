"""Measure how long one small volume takes: warm, and from process start to file, as JSON.

Run: python benchmarks/infer/latency.py --model hippocampus [--scan FILE] [--repeats 7]
Without --scan, a made volume of 35x50x35 at 1 mm is taken.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from table import write

COMMAND = "import sys; from delineate.cli import main; sys.exit(main())"
STEP = (
    "import sys; from pathlib import Path;"
    "from delineate.steps.predict import PredictSettings, predict;"
    "predict(PredictSettings(inputs=(sys.argv[2],), model=sys.argv[4], out=Path(sys.argv[6])))"
)


def make_scan(path: Path) -> Path:
    """A smooth random MR-like volume, written as NIfTI."""
    import nibabel

    array = np.random.default_rng(0).gamma(4, 100, (35, 50, 35)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), path)
    return path


def time_warm(model: str, scan: Path, repeats: int) -> dict[str, float]:
    """Seconds to predict, and to read, predict and write, in a process that has warmed up."""
    import delineate

    predictor = delineate.load(model)
    image = delineate.read_image(scan)
    predictor.predict(image)
    answer, whole = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            start = time.perf_counter()
            predictor.predict(image)
            answer.append(time.perf_counter() - start)
            start = time.perf_counter()
            predictor.predict(delineate.read_image(scan)).save(Path(folder) / "seg.nii.gz")
            whole.append(time.perf_counter() - start)
    return {
        "warm_predict_s": statistics.median(answer),
        "warm_predict_best_s": min(answer),
        "warm_file_to_file_s": statistics.median(whole),
    }


def time_start(model: str, scan: Path, repeats: int) -> dict[str, float | str]:
    """Seconds from process start to file: the command line, or the step where there is none."""
    source = Path(__file__).parents[2] / "src"
    code = COMMAND if (source / "delineate" / "cli.py").exists() else STEP
    seconds = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            words = ["predict", str(scan), "--model", model, "--out", str(Path(folder) / "out")]
            environment = {**os.environ, "PYTHONPATH": str(source)}
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-c", code, *words],
                check=True,
                env=environment,
                stdout=subprocess.DEVNULL,
            )
            seconds.append(time.perf_counter() - start)
            assert any((Path(folder) / "out").glob("*.nii.gz"))
    return {
        "from": "command line" if code == COMMAND else "step",
        "process_start_to_file_s": statistics.median(seconds),
        "process_start_to_file_best_s": min(seconds),
    }


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="run folder or shipped name")
    parser.add_argument("--scan", type=Path, help="a volume")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path, help="JSON file of the figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scan = options.scan or make_scan(Path(folder) / "scan.nii.gz")
        figures = {
            "model": options.model,
            **time_warm(options.model, scan, options.repeats),
            **time_start(options.model, scan, max(3, options.repeats // 2)),
        }
    text = json.dumps(
        {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in figures.items()
        },
        indent=1,
    )
    print(text)
    if options.out:
        answer = (
            f"{figures['warm_predict_s']:.3f} s warm, {figures['warm_file_to_file_s']:.3f} s from "
            f"file to file, {figures['process_start_to_file_s']:.1f} s from process start to file"
        )
        question = f"`delineate predict` on one hippocampus-sized volume, model {options.model}"
        write(options.out, question, answer, figures)


if __name__ == "__main__":
    main()
