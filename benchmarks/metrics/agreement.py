"""Does each convention give the very numbers of the library that it is named after?

    python benchmarks/metrics/agreement.py

Random pairs in 2-D and 3-D (blobs, specks, noise; square and other voxels) and 40 pairs made by
hand (empty, one voxel, touching the edge, holes, one within the other, far apart), measured with
`metrics_of` and by the library. A result counts as equal if both are nan, both infinite, or they
differ by less than one part in 100,000 (MONAI counts in single precision).
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import peers
import table

from delineate.metrics import metrics_of

SPACINGS = {2: [(1.0, 1.0), (0.7, 1.3), (2.5, 0.8)], 3: [(1.0, 1.0, 1.0), (3.0, 1.5, 1.5),
            (0.8, 2.5, 1.1)]}  # fmt: skip
Case = tuple[np.ndarray, np.ndarray, tuple, float]


def random_cases(num: int) -> Iterator[Case]:
    """Pairs of blobs of all sizes, some with noise on top."""
    for seed in range(num):
        rng = np.random.default_rng(seed)
        ndim = 2 + seed % 2
        shape = tuple(rng.integers(5, 40 if ndim == 2 else 24, ndim))
        spacing = SPACINGS[ndim][seed % 3]
        smooth = [gaussian_filter(rng.normal(size=shape), rng.uniform(0.0, 3.0)) for _ in "ab"]
        mixed = smooth[0] + rng.uniform(0.0, 1.0) * smooth[1]
        masks = [field > np.quantile(field, rng.uniform(0.3, 0.98)) for field in (smooth[0], mixed)]
        yield masks[0], masks[1], spacing, float(rng.choice([0.0, 0.9, 1.5, 2.5]))


def hand_made_cases() -> Iterator[Case]:
    """Ten pairs, each in 2-D and 3-D, on square and on other voxels."""
    for ndim in (2, 3):
        empty = np.zeros((12,) * ndim, bool)
        one, box, far, full = empty.copy(), empty.copy(), empty.copy(), ~empty
        one[(5,) * ndim] = True
        box[(slice(3, 8),) * ndim] = True
        far[(slice(10, 12),) * ndim] = True
        edge = np.roll(box, -3, axis=0)
        hollow = box.copy()
        hollow[(slice(4, 7),) * ndim] = False
        corner = empty.copy()
        corner[(0,) * ndim] = True
        pairs = [(empty, empty), (empty, box), (box, empty), (one, one), (one, box), (edge, box),
                 (hollow, box), (far, box), (full, box), (corner, empty)]  # fmt: skip
        for spacing in SPACINGS[ndim][:2]:
            for said, true in pairs:
                yield said, true, spacing, 1.5


def is_equal(ours: float, theirs: float) -> bool:
    """Both nan, both infinite, or alike."""
    return bool(np.isclose(ours, theirs, rtol=1e-5, atol=1e-6, equal_nan=True))


def compare(convention: str, cases: list[Case]) -> dict[str, dict[str, float]]:
    """Count equal results of one convention, a row a metric."""
    rows = metrics_of(convention)
    answer = peers.PEERS[convention][0]
    found: dict[str, dict[str, float]] = {}
    for number, (said, true, spacing, tolerance) in enumerate(cases):
        for name, theirs in answer(said, true, spacing, tolerance).items():
            ours = rows[name](said, true, spacing, tolerance_mm=tolerance)
            row = found.setdefault(name, {"cases": 0, "equal": 0, "largest_difference": 0.0})
            row["cases"] += 1
            row["equal"] += is_equal(ours, theirs)
            if np.isfinite(ours) and np.isfinite(theirs):
                row["largest_difference"] = max(row["largest_difference"], abs(ours - theirs))
            if not is_equal(ours, theirs):
                print(convention, name, number, said.shape, spacing, tolerance, ours, theirs)
    assert set(found) == set(rows), (convention, set(rows) ^ set(found))
    return found


def main() -> None:
    """Measure, compare and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--random", type=int, default=500)
    settings = parser.parse_args()
    cases = [*random_cases(settings.random), *hand_made_cases()]
    results = {}
    for convention, (_, how) in peers.PEERS.items():
        np.seterr(all="ignore")
        results[convention] = {"peer": how, "metrics": compare(convention, cases)}
        print(convention, results[convention], flush=True)
    rows = [row for result in results.values() for row in result["metrics"].values()]
    equal, total = (int(sum(row[key] for row in rows)) for key in ("equal", "cases"))
    table.write(
        table.HERE / "results" / "metrics_agreement.json",
        f"{len(cases)} pairs of masks by the conventions of five libraries",
        f"{equal} of {total} results equal (MONAI and surface-distance run, the others restated)",
        {"conventions": results},
    )


if __name__ == "__main__":
    main()
