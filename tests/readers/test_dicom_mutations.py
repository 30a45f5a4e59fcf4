"""Damaged files by the hundred: none hangs, none ends this process, each is read or named.

benchmarks/clinical/mutations.py does the same with 3,000.
"""

from collections import Counter

import numpy as np
from tests.readers.dicom_cases import mutated, outcome_of, seeds_of_mutations

COUNT = 120


def test_each_of_many_damaged_files_is_read_named_or_counted(tmp_path):
    rng = np.random.default_rng(6)
    seeds = seeds_of_mutations()
    outcomes = Counter()

    for place in range(COUNT):
        path = tmp_path / f"damaged{place}.dcm"
        path.write_bytes(mutated(seeds[place % len(seeds)], rng))
        outcomes[outcome_of(path)] += 1

    assert outcomes["unnamed"] == 0
    assert outcomes["named"] > COUNT / 5
    assert sum(outcomes.values()) == COUNT
