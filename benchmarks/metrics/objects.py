"""How long do all scores of objects take, on a tile of 650 nuclei and on one of 10,000?

    OMP_NUM_THREADS=1 python benchmarks/metrics/objects.py

AJI, AJI+, PQ, ensemble Dice and F1 (at an IoU and by centres) come from one table of shared
pixels. Beside it stands HoVer-Net's way of comparing whole images pair by pair for AJI and PQ
alone, from `benchmarks/nuclei/scoring.py`, which must give equal scores. Processor time of one
core; the best of several runs.
"""

import sys
from pathlib import Path
from time import process_time

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "nuclei"))

import scoring
import table

from delineate.datasets.nuclei_shapes import scatter
from delineate.metrics.assignment import dice_of_pairs, f1_above, jaccard_plus
from delineate.metrics.centres import detect
from delineate.metrics.instance import aggregated_jaccard, pair_up, panoptic_quality


def by_table(truth: np.ndarray, said: np.ndarray) -> dict[str, float]:
    """All scores, and what each took in milliseconds."""
    times, clock = {}, process_time()

    def note(name: str) -> None:
        nonlocal clock
        times[f"{name}_ms"] = 1000 * (process_time() - clock)
        clock = process_time()

    pairing = pair_up(truth, said)
    note("table")
    scores = {"aji": aggregated_jaccard(pairing), "pq": panoptic_quality(pairing).pq}
    note("aji_pq")
    scores["aji_plus"] = jaccard_plus(pairing)
    note("aji_plus")
    scores["dice"], scores["f1_iou"] = dice_of_pairs(pairing), f1_above(pairing, 0.5)
    note("dice_f1")
    centres = pairing.truth_centres, pairing.prediction_centres
    scores["f1_gated"] = detect(*centres, 12.0).f1
    note("gated")
    scores["f1_official"] = detect(*centres, 12.0, pairing="official").f1
    note("official")
    return scores | times


def main() -> None:
    """Measure, compare and write."""
    rows = []
    for side, num in ((1000, 650), (4000, 10_400)):
        truth, _ = scatter(0, (side, side), num=num, radius_px=scoring.RADIUS_PX)
        said = scoring.make_prediction(truth, 0)
        runs = [by_table(truth, said) for _ in range(5)]
        row = {"side": side, "nuclei": len(np.unique(truth)) - 1}
        row |= {key: round(min(run[key] for run in runs), 6 if "_ms" not in key else 2)
                for key in runs[0]}  # fmt: skip
        if num < 1000:
            pairs_ms, (aji, pq) = scoring.best_of(lambda t=truth, s=said: scoring.by_pairs(t, s), 1)
            assert np.allclose((aji, pq), (runs[0]["aji"], runs[0]["pq"]), rtol=0, atol=1e-12)
            row["pairs_aji_pq_ms"] = round(pairs_ms, 1)
        rows.append(row)
        print(row, flush=True)
    small = rows[0]
    both = small["table_ms"] + small["aji_pq_ms"]
    apart = ("pairs_aji_pq_ms", "official_ms")
    totals = [sum(v for k, v in row.items() if k.endswith("_ms") and k not in apart)
              for row in rows]  # fmt: skip
    table.write(
        table.HERE / "results" / "metrics_objects.json",
        "All scores of objects: 1000 x 1000 pixels with 650 nuclei, 4000 x 4000 with 10,400",
        f"{totals[0]:.0f} ms and {totals[1]:.0f} ms on one core, and "
        f"{rows[1]['official_ms']:.0f} ms more if 10,400 centres are "
        f"paired officially; AJI + PQ alone {both:.1f} ms, "
        f"{small['pairs_aji_pq_ms'] / both:.0f} times faster than whole images pair by pair",
        {"tiles": rows},
    )


if __name__ == "__main__":
    main()
