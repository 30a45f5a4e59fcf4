"""3,000 damaged DICOM files: does any hang, end the process, or go unnamed?

Run from the root: PYTHONPATH=src:. python benchmarks/clinical/mutations.py
"""

import argparse
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from benchmarks.table import write
from tests.readers.dicom_cases import mutated, outcome_of, seeds_of_mutations

from delineate.readers.dicom_child import CHILD

RESULTS = Path(__file__).parents[1] / "results" / "clinical_mutations.json"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=2026)
    settings = parser.parse_args()
    rng = np.random.default_rng(settings.seed)
    seeds = seeds_of_mutations()
    outcomes, seconds, unnamed, starts = Counter(), [], [], 0
    start_child = CHILD._start

    def counted():
        nonlocal starts
        starts += 1
        start_child()

    CHILD._start = counted
    with TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.dcm"
        for place in range(settings.count):
            path.write_bytes(mutated(seeds[place % len(seeds)], rng))
            start = time.monotonic()
            outcome = outcome_of(path)
            seconds.append(time.monotonic() - start)
            outcomes[outcome] += 1
            if outcome == "unnamed":
                unnamed.append(place)
    result = {
        "files": settings.count,
        "seed": settings.seed,
        "outcomes": dict(outcomes),
        "unnamed": unnamed,
        "child_restarts": starts - 1,
        "median_ms": round(1e3 * float(np.median(seconds)), 1),
        "longest_s": round(max(seconds), 2),
        "total_s": round(sum(seconds), 1),
    }
    told = ", ".join(f"{count} {word}" for word, count in outcomes.most_common())
    answer = (
        f"{told}, {len(unnamed)} unnamed; the longest took {max(seconds):.1f} s; none ended the "
        f"process that asked (its child was started again {starts - 1} times)"
    )
    question = f"{settings.count} damaged DICOM files: does any hang or go unnamed?"
    write(RESULTS, question, answer, result)
    print(answer)


if __name__ == "__main__":
    main()
