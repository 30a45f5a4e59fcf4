"""How surely a difference is more than chance: p values, and their correction for number."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values for their number, step by step from the smallest.

    Args:
        p_values: In [0, 1]; nan where no test was made, which counts as no test.

    Returns:
        Corrected values in [0, 1], in the order given; nan stays nan.

    Source:
        Holm, 1979, Scandinavian Journal of Statistics 6, 65-70.
    """
    tested = [place for place, p in enumerate(p_values) if not math.isnan(p)]
    corrected, floor = [float("nan")] * len(p_values), 0.0
    for rank, place in enumerate(sorted(tested, key=lambda place: p_values[place])):
        floor = max(floor, min(1.0, (len(tested) - rank) * p_values[place]))
        corrected[place] = floor
    return corrected


def signed_rank(differences: NDArray[Any]) -> float:
    """Test whether differences are symmetric about zero, by Wilcoxon's signed ranks.

    Args:
        differences: One per patient, (P,), float; zeros are dropped before ranking.

    Returns:
        Two-sided p; 1 if all differences are zero, nan if there are none.
    """
    from scipy.stats import wilcoxon  # the metrics' face stays light

    values = np.asarray(differences, dtype=np.float64)
    if not values.size:
        return float("nan")
    # Rounding leaves equal scores apart by less than any score is worth.
    values = values[np.abs(values) > 1e-12]
    return float(wilcoxon(values).pvalue) if values.size else 1.0


def bootstrap_p(means: NDArray[np.float64]) -> float:
    """Ask how often resampled mean differences lie on the rarer side of zero, twice.

    p = 2 (1 + min(#(m <= 0), #(m >= 0))) / (1 + R), at most 1; so it is never below 2 / (1 + R).

    Args:
        means: Resampled mean differences, (R,), float.

    Returns:
        Two-sided p; nan without a mean.
    """
    if not means.size:
        return float("nan")
    below, above = (int(np.count_nonzero(side)) for side in (means <= 0, means >= 0))
    return min(1.0, 2 * (1 + min(below, above)) / (1 + means.size))
