"""How long does `delineate evaluate` take for 200 cases, with all metrics and the page?

    python benchmarks/metrics/evaluation.py --data msd_task04_hippocampus --jobs 2

The truth is the labels of the data (Medical Decathlon, Task 4, any folder with labelsTr/ and
imagesTr/ will do); predictions are made from it with a seed: shifted by up to a voxel along each
axis, and every third eroded. Wall time of the whole command, from reading to report.html, with
several processes allowed and with one; both must give equal scores. These volumes are so small
that the work is done before processes would have started, so the first cases are also enlarged
five times along each axis and evaluated in both ways.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import nibabel
import numpy as np
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).parents[1]))

import table

from delineate.metrics import MEASURES
from delineate.steps.evaluate import EvaluateSettings, evaluate

ENLARGED, LARGE_CASES = 5, 80


def make_prediction(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The truth up to a voxel away, and every third time thinner."""
    said = np.roll(truth, rng.integers(-1, 2, size=3), axis=(0, 1, 2))
    if rng.random() < 1 / 3:
        said = np.where(ndimage.binary_erosion(said > 0), said, 0)
    return said.astype(np.uint8)


def make_predictions(data: Path, folder: Path, number: int, seed: int) -> int:
    """Write a prediction for each of the first cases."""
    rng = np.random.default_rng(seed)
    files = sorted(path for path in (data / "labelsTr").glob("*.nii.gz") if path.name[0] != ".")
    folder.mkdir()
    for path in files[:number]:
        volume = nibabel.load(path)
        said = make_prediction(np.asarray(volume.dataobj), rng)
        nibabel.Nifti1Image(said, volume.affine).to_filename(folder / path.name)
    return len(files[:number])


def enlarge(data: Path, said: Path, space: Path, number: int) -> tuple[Path, Path]:
    """Write some truths and predictions with each voxel repeated along each axis."""
    folders = space / "large truth", space / "large said"
    for source, folder in zip((data / "labelsTr", said), folders, strict=True):
        folder.mkdir()
        for path in sorted(said.iterdir())[:number]:
            array = np.asarray(nibabel.load(source / path.name).dataobj).astype(np.uint8)
            for axis in range(3):
                array = array.repeat(ENLARGED, axis)
            nibabel.Nifti1Image(array, np.eye(4)).to_filename(folder / path.name)
    return folders


def measure(data: Path, said: Path, out: Path, jobs: int) -> tuple[float, str]:
    """Seconds of a whole evaluation, and its scores."""
    start = perf_counter()
    evaluate(EvaluateSettings(predictions=said, truth=data, out=out, jobs=jobs, metrics="all"))
    seconds = perf_counter() - start
    return seconds, (out / "scores.csv").read_text(encoding="utf-8")


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with labelsTr/")
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the page; else it is removed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as space:
        said = Path(space) / "said"
        number = make_predictions(given.data, said, given.cases, given.seed)
        seconds, scores = measure(given.data, said, given.keep or Path(space) / "out", given.jobs)
        alone, same = measure(given.data, said, Path(space) / "alone", 1)
        truth, large = enlarge(given.data, said, Path(space), LARGE_CASES)
        large_seconds, large_scores = measure(truth, large, Path(space) / "many", given.jobs)
        large_alone, large_same = measure(truth, large, Path(space) / "one", 1)
    assert (scores, large_scores) == (same, large_same), "scores depend on the number of processes"
    table.write(
        table.HERE / "results" / "evaluation.json",
        f"How long does evaluating {number} hippocampus cases take, with all metrics and the page?",
        f"{seconds:.1f} s with up to {given.jobs} processes, {alone:.1f} s with one; "
        f"{LARGE_CASES} of them {ENLARGED} times as long along each axis: {large_seconds:.1f} and "
        f"{large_alone:.1f} s; equal scores",
        {"cases": number, "metrics": list(MEASURES), "jobs": given.jobs,
         "seconds": round(seconds, 2), "seconds_one_process": round(alone, 2),
         "large_cases": LARGE_CASES, "enlarged": ENLARGED,
         "large_seconds": round(large_seconds, 2),
         "large_seconds_one_process": round(large_alone, 2)},
    )  # fmt: skip
    print(f"{number} cases: {seconds:.1f} s with {given.jobs} processes, {alone:.1f} s with one")
    print(f"enlarged: {large_seconds:.1f} s and {large_alone:.1f} s")


if __name__ == "__main__":
    main()
