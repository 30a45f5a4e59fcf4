"""One-to-one partners of objects: AJI+, F1 at an IoU, and the ensemble Dice beside them.

Partners are sought among pairs that meet, never in a full matrix of all with all, so that
ten thousand objects cost no more memory than their overlaps.
"""

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import LabelError
from delineate.metrics.instance import FloatArray, Pairing, Places


def best_partners(pairs: Places, gains: FloatArray, shape: tuple[int, int]) -> Places:
    """Choose one-to-one pairs of the largest total gain; anyone may stay alone.

    Args:
        pairs: Rows and columns that may be paired, (n, 2), each pair once.
        gains: What each pair brings, (n,), above 0.
        shape: Number of rows and of columns.

    Returns:
        Places in `pairs` of the chosen ones, ascending, (m,).
    """
    if not len(pairs):
        return np.zeros(0, dtype=np.int64)
    from scipy.sparse import coo_array  # the metrics' face stays light
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows, columns = pairs.T
    top = float(gains.max())
    # Each row has a column of its own that brings nothing: to take it is to stay alone. Costs
    # start at `top`, since a sparse table forgets costs of 0.
    lonely = np.arange(shape[0])
    cost = np.concatenate([2 * top - gains, np.full(shape[0], 2 * top)])
    where = np.concatenate([rows, lonely]), np.concatenate([columns, shape[1] + lonely])
    table = coo_array((cost, where), shape=(shape[0], shape[1] + shape[0])).tocsr()
    taken = np.empty(shape[0], dtype=np.int64)
    chosen_rows, chosen_columns = min_weight_full_bipartite_matching(table)
    taken[chosen_rows] = chosen_columns
    return np.flatnonzero(taken[rows] == columns)


def jaccard_plus(pairing: Pairing) -> float:
    """AJI+: every object is used at most once, by the pairs of the largest total IoU.

    AJI+ = sum of intersections / (sum of unions + areas of all objects without a partner). It
    is mostly above AJI, where one prediction may serve several true objects.

    Args:
        pairing: What `pair_up` counted.

    Returns:
        AJI+ in [0, 1]; nan if neither side has an object, 0 if only one has.

    Source:
        Graham et al., 2019, doi:10.1016/j.media.2019.101563.
    """
    shape = len(pairing.truth_ids), len(pairing.prediction_ids)
    if shape == (0, 0):
        return float("nan")
    chosen = best_partners(pairing.pairs, pairing.iou, shape)
    common = int(pairing.shared[chosen].sum())
    # With partners used once, unions and lonely areas add up to all areas less what is shared.
    union = int(pairing.truth_areas.sum() + pairing.prediction_areas.sum()) - common
    return common / union


def dice_of_pairs(pairing: Pairing) -> float:
    """Ensemble Dice, the second Dice of HoVer-Net: over all pairs of objects that meet.

    2 x sum of intersections / sum of the areas of both objects, for each pair that shares a
    pixel; an object that meets two counts twice, and one that meets none does not count.

    Args:
        pairing: What `pair_up` counted.

    Returns:
        Dice in [0, 1]; nan if neither side has an object, 0 if nothing meets.

    Source:
        Vu et al., 2019, doi:10.3389/fbioe.2019.00053.
    """
    if not len(pairing.truth_ids) and not len(pairing.prediction_ids):
        return float("nan")
    first, second = pairing.pairs.T
    areas = int(pairing.truth_areas[first].sum() + pairing.prediction_areas[second].sum())
    return 2 * int(pairing.shared.sum()) / areas if areas else 0.0


def matches_above(pairing: Pairing, iou: float) -> Places:
    """Pair objects one to one, as many as possible, by an IoU strictly above a threshold.

    From 0.5 upwards no object has two candidates; below, more pairs go before closer ones.

    Args:
        pairing: What `pair_up` counted.
        iou: Threshold in [0, 1).

    Returns:
        Places in `pairing.pairs`, ascending, (m,).

    Raises:
        LabelError: If the threshold is out of range.
    """
    if not 0 <= iou < 1:
        raise LabelError(f"iou must lie in [0, 1), not {iou}. Pass a share, such as 0.5.")
    above = np.flatnonzero(pairing.iou > iou)
    if iou >= 0.5:
        return above
    shape = len(pairing.truth_ids), len(pairing.prediction_ids)
    gains: NDArray[np.float64] = min(shape) + pairing.iou[above]  # one pair more beats any IoU
    return above[best_partners(pairing.pairs[above], gains, shape)]


def f1_above(pairing: Pairing, iou: float) -> float:
    """F1 of objects found, 2 TP / (2 TP + FP + FN), by `matches_above`.

    Args:
        pairing: What `pair_up` counted.
        iou: Threshold in [0, 1), which a match must exceed.

    Returns:
        F1 in [0, 1]; nan if neither side has an object, 0 if only one has.

    Raises:
        LabelError: If the threshold is out of range.
    """
    both = len(pairing.truth_ids) + len(pairing.prediction_ids)
    found = len(matches_above(pairing, iou))
    return 2 * found / both if both else float("nan")
