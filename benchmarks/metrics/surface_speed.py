"""How long do HD95, NSD and ASSD of three organs in a whole scan take?

    OMP_NUM_THREADS=1 python benchmarks/metrics/surface_speed.py

Three organs of different size in 144 x 266 x 266 voxels of 3 x 1.5 x 1.5 mm, each with a
prediction whose outline wanders by some voxels. Delineate measures distances once for all three
metrics, as surface-distance does; MONAI has a function for each; MedPy's formulas (restated) work
on the full volume for each metric. The same numbers come out where two conventions agree. Processor
time of one core, the best of several runs that take turns.
"""

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from time import process_time

import numpy as np
from scipy.ndimage import gaussian_filter

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import peers
import table

from delineate.metrics import Pair, metrics_of

SHAPE, SPACING, TOLERANCE = (144, 266, 266), (3.0, 1.5, 1.5), 1.0
NAMES = ("hd95", "nsd", "assd")
ORGANS = {"stomach": ((80, 110, 160), (22, 40, 34)), "small bowel": ((60, 150, 130), (30, 50, 60)),
          "large bowel": ((70, 130, 90), (35, 25, 25))}  # fmt: skip
"""Centre and half axes in voxels."""


def organ(name: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A truth with a wavy outline, and a prediction with other waves."""
    centre, half = ORGANS[name]
    places = np.ogrid[tuple(slice(size) for size in SHAPE)]
    radius = np.sqrt(
        sum(((at - c) / h) ** 2 for at, c, h in zip(places, centre, half, strict=True))
    )
    rng = np.random.default_rng(seed)
    waves = [gaussian_filter(rng.normal(size=SHAPE).astype(np.float32), 6) for _ in "ab"]
    waves = [wave / wave.std() for wave in waves]
    return radius + 0.05 * waves[0] + 0.03 * waves[1] < 1, radius + 0.05 * waves[0] < 1


def ours(said: np.ndarray, true: np.ndarray, convention: str) -> list[float]:
    """The three metrics of one pair, distances measured once."""
    pair = Pair(prediction=said, truth=true, spacing_mm=SPACING, tolerance_mm=TOLERANCE)
    rows = metrics_of(convention)
    return [rows[name].measure(pair) for name in NAMES if name in rows]


def monai(said: np.ndarray, true: np.ndarray) -> list[float]:
    """MONAI's three functions."""
    import torch
    from monai import metrics

    one, two = (torch.from_numpy(mask)[None, None] for mask in (said, true))
    given = {"include_background": True, "spacing": SPACING}
    return [
        float(metrics.compute_hausdorff_distance(one, two, percentile=95, **given)),
        float(metrics.compute_surface_dice(one, two, [TOLERANCE], **given)),
        float(metrics.compute_average_surface_distance(one, two, symmetric=True, **given)),
    ]


def deepmind(said: np.ndarray, true: np.ndarray) -> list[float]:
    """surface-distance: measured once, then three figures."""
    import surface_distance as peer

    np.Inf, np.NaN = np.inf, np.nan
    found = peer.compute_surface_distances(true, said, SPACING)
    peer.compute_average_surface_distance(found)
    return [
        float(peer.compute_robust_hausdorff(found, 95)),
        float(peer.compute_surface_dice_at_tolerance(found, TOLERANCE)),
    ]


def medpy(said: np.ndarray, true: np.ndarray) -> list[float]:
    """MedPy's way for each metric; NSD, which it lacks, from the same distances."""
    return [peers.MEDPY[name](said, true, SPACING) for name in ("hd95", "nsd1", "assd")]


def main() -> None:
    """Measure, compare and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    settings = parser.parse_args()
    warnings.simplefilter("ignore")
    import torch

    torch.set_num_threads(1)
    pairs = [organ(name, seed) for seed, name in enumerate(ORGANS)]
    ways: dict[str, Callable[[np.ndarray, np.ndarray], list[float]]] = {
        "delineate": lambda said, true: ours(said, true, "delineate"),
        "delineate, by area": lambda said, true: ours(said, true, "deepmind"),
        "monai": monai,
        "surface-distance": deepmind,
        "medpy formulas": medpy,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    values = {}
    for run in range(settings.runs):
        for name, way in ways.items():
            if name == "medpy formulas" and run > 1:
                continue  # slow and steady
            start = process_time()
            values[name] = [way(*pair) for pair in pairs]
            times[name].append(process_time() - start)
    best = {name: round(1000 * min(each), 1) for name, each in times.items()}
    assert np.allclose(values["delineate"], values["monai"], rtol=1e-5)
    assert np.allclose(values["delineate, by area"], values["surface-distance"], rtol=1e-9)
    ratio = {name: round(best[name] / best["delineate"], 1) for name in best}
    print(best, ratio, values)
    table.write(
        table.HERE / "results" / "metrics_surface_speed.json",
        "HD95 + NSD + ASSD of 3 organs in 144 x 266 x 266 voxels, one core",
        f"{best['delineate']:.0f} ms; MONAI {ratio['monai']:.1f}, surface-distance "
        f"{ratio['surface-distance']:.1f}, MedPy's formulas {ratio['medpy formulas']:.0f} times "
        "as long",
        {"milliseconds": best, "times_delineate": ratio, "values": values},
    )


if __name__ == "__main__":
    main()
