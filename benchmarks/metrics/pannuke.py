"""How long does a whole fold of PanNuke take to score, and how much memory?

    OMP_NUM_THREADS=1 python benchmarks/metrics/pannuke.py

2,656 made images of 256 x 256 x 6, the size of the official fold 1, are written as the dataset's
files are (truth of float64, predictions of uint16), and scored from memory maps by two processes.
Memory is the largest sum of what all processes hold at a moment, pages of the mapped files
included.
"""

import argparse
import os
import sys
import tempfile
import threading
from pathlib import Path
from time import perf_counter, sleep

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import table

from delineate.datasets.nuclei_shapes import scatter
from delineate.metrics.official.pannuke import TISSUES
from delineate.metrics.official.pannuke_fold import score_fold

SIDE, IMAGES, DISTINCT = 256, 2656, 64


def make_planes(seed: int) -> np.ndarray:
    """Some 30 nuclei in five planes, (256, 256, 6), uint16."""
    rng = np.random.default_rng(seed)
    ids, _ = scatter(seed, (SIDE, SIDE), num=int(rng.integers(5, 60)), radius_px=9.0)
    kinds = rng.integers(0, 5, int(ids.max()) + 1)
    planes = np.zeros((SIDE, SIDE, 6), np.uint16)
    for kind in range(5):
        planes[..., kind] = np.where(kinds[ids] == kind, ids, 0)
    planes[..., 5] = ids == 0
    return planes


def make_files(folder: Path) -> tuple[Path, Path]:
    """Write a prediction that lies two pixels off, and the fold."""
    paths = folder / "prediction.npy", folder / "masks.npy"
    planes = [make_planes(seed) for seed in range(DISTINCT)]
    shape = (IMAGES, SIDE, SIDE, 6)
    for path, shift, dtype in zip(paths, (2, 0), ("uint16", "float64"), strict=True):
        out = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
        for place in range(IMAGES):
            out[place] = np.roll(planes[place % DISTINCT], (shift, shift), (0, 1))
        out.flush()
        del out
    return paths


def resident_gb() -> float:
    """What this process and all its children hold at this moment."""
    total, todo = 0, [os.getpid()]
    while todo:
        home = Path("/proc") / str(todo.pop())
        try:
            for task in (home / "task").iterdir():
                todo += [int(child) for child in (task / "children").read_text().split()]
            total += int((home / "statm").read_text().split()[1])
        except OSError:  # it has just ended
            continue
    return total * os.sysconf("SC_PAGE_SIZE") / 2**30


def watch(peak: list[float], is_over: threading.Event) -> None:
    """Keep the largest memory seen."""
    while not is_over.is_set():
        peak[0] = max(peak[0], resident_gb())
        sleep(0.05)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    settings = parser.parse_args()
    tissues = [TISSUES[place % len(TISSUES)] for place in range(IMAGES)]
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        prediction, truth = make_files(Path(folder))
        for variant in ("official", "strict"):
            peak, is_over = [0.0], threading.Event()
            watcher = threading.Thread(target=watch, args=(peak, is_over))
            watcher.start()
            start = perf_counter()
            outcome = score_fold(
                prediction, truth, tissues, variant=variant, workers=settings.workers
            )
            seconds = perf_counter() - start
            is_over.set()
            watcher.join()
            rows[variant] = {
                "seconds": round(seconds, 1), "peak_gb": round(peak[0], 2),
                "bpq": outcome.scores["bpq"], "mpq": outcome.scores["mpq"],
            }  # fmt: skip
            print(variant, rows[variant], flush=True)
    worst = max(row["seconds"] for row in rows.values())
    most = max(row["peak_gb"] for row in rows.values())
    table.write(
        table.HERE / "results" / "metrics_pannuke.json",
        f"PanNuke's scores of {IMAGES:,} images of 256 x 256 x 6, {settings.workers} processes",
        f"{worst:.0f} s from file to result, peak {most:.2f} GB with the mapped files' pages",
        {"workers": settings.workers, "variants": rows},
    )


if __name__ == "__main__":
    main()
