"""How long do AJI and PQ of one tile take?

    OMP_NUM_THREADS=1 python benchmarks/nuclei/scoring.py

Made tiles of 1000 x 1000 pixels with some 650 nuclei, and a prediction that shifts, loses, merges
and adds some, are scored from one table of shared pixels, and pair by pair as HoVer-Net's
published script does: a mask of the whole image for each nucleus, and one comparison of whole
images for each pair that overlaps. That way is written anew here. Both must give equal scores.
Processor time of one core, so that other work on the machine does not count; the best of several
runs.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import table

from delineate.datasets.nuclei_shapes import scatter
from delineate.metrics.instance import aggregated_jaccard, pair_up, panoptic_quality

SIDE, NUCLEI, RADIUS_PX = 1000, 650, 11.0


def make_prediction(truth: np.ndarray, seed: int) -> np.ndarray:
    """The truth three pixels further, one in ten lost, one in twelve merged, some added."""
    rng = np.random.default_rng(seed)
    names = np.arange(truth.max() + 1)
    names[rng.random(len(names)) < 0.1] = 0
    merged = rng.random(len(names)) < 1 / 12
    names[merged] = np.roll(names, 1)[merged]
    names[0] = 0
    said = np.roll(names[truth], 3, axis=1)
    for number, (top, left) in enumerate(rng.integers(0, SIDE - 12, (30, 2)), start=len(names)):
        spot = said[top : top + 12, left : left + 12]
        spot[spot == 0] = number
    return said.astype(np.int32)


def by_table(truth: np.ndarray, said: np.ndarray) -> tuple[float, float]:
    """AJI and PQ as this package computes them."""
    pairing = pair_up(truth, said)
    return aggregated_jaccard(pairing), panoptic_quality(pairing).pq


def by_pairs(truth: np.ndarray, said: np.ndarray) -> tuple[float, float]:
    """AJI and PQ with a mask of the whole image for each nucleus; each does its own pairing."""
    return _aji(*_compare(truth, said)), _pq(*_compare(truth, said))


def _compare(truth: np.ndarray, said: np.ndarray) -> tuple[np.ndarray, ...]:
    true_masks = [truth == number for number in np.unique(truth)[1:]]
    said_ids = np.unique(said)[1:].tolist()
    said_masks = {number: said == number for number in said_ids}
    common = np.zeros((len(true_masks), len(said_ids)))
    union = np.zeros_like(common)
    for row, mask in enumerate(true_masks):
        for number in np.unique(said[mask]):
            if number:
                other = said_masks[number]
                column = said_ids.index(number)
                common[row, column] = (mask & other).sum()
                union[row, column] = mask.sum() + other.sum() - common[row, column]
    areas = [np.array([mask.sum() for mask in masks])
             for masks in (true_masks, said_masks.values())]  # fmt: skip
    return common, union, *areas


def _aji(common, union, true_areas, said_areas) -> float:
    iou = common / np.maximum(union, 1)
    best = iou.argmax(axis=1)
    rows = np.flatnonzero(iou.max(axis=1) > 0)
    total = union[rows, best[rows]].sum() + np.delete(true_areas, rows).sum()
    total += np.delete(said_areas, np.unique(best[rows])).sum()
    return float(common[rows, best[rows]].sum() / total)


def _pq(common, union, true_areas, said_areas) -> float:
    iou = common / np.maximum(union, 1)
    hits = iou[iou > 0.5]
    return float(2 * hits.sum() / (len(true_areas) + len(said_areas)))


def best_of(call: Callable[[], tuple[float, float]], runs: int) -> tuple[float, tuple[float, ...]]:
    """Shortest of several runs in milliseconds, and what the last one gave."""
    times = []
    for _ in range(runs):
        start = process_time()
        answer = call()
        times.append(process_time() - start)
    return 1000 * min(times), answer


def main() -> None:
    """Measure, compare and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiles", type=int, default=3)
    settings = parser.parse_args()
    rows = []
    for seed in range(settings.tiles):
        truth, _ = scatter(seed, (SIDE, SIDE), num=NUCLEI, radius_px=RADIUS_PX)
        said = make_prediction(truth, seed)
        ours, scores = best_of(lambda truth=truth, said=said: by_table(truth, said), 10)
        pairs, others = best_of(lambda truth=truth, said=said: by_pairs(truth, said), 1)
        assert np.allclose(scores, others, rtol=0, atol=1e-12), (scores, others)
        rows.append(
            {"nuclei": len(np.unique(truth)) - 1, "aji": scores[0], "pq": scores[1],
             "table_ms": round(ours, 2), "pairs_ms": round(pairs, 1)}
        )  # fmt: skip
        print(rows[-1], flush=True)
    slowest = max(row["table_ms"] for row in rows)
    ratio = min(row["pairs_ms"] / row["table_ms"] for row in rows)
    table.write(
        table.HERE / "results" / "nuclei_scoring.json",
        "AJI + PQ of 1000 x 1000 pixels with some 650 nuclei, one core",
        f"{slowest:.1f} ms by one table, {ratio:.0f} times faster than whole images pair by pair; "
        "equal to 12 digits",
        {"tiles": rows},
    )


if __name__ == "__main__":
    main()
