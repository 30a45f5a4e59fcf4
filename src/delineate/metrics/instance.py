"""Objects against objects: AJI, PQ and F1, all from one table of shared pixels."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from delineate.core.errors import ShapeError

Ids = NDArray[np.integer]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairing:
    """Which true and predicted objects share pixels, and how many."""

    truth_ids: NDArray[np.int64]
    """Ids that have pixels in the truth, ascending, (T,)."""
    prediction_ids: NDArray[np.int64]
    """Ids that have pixels in the prediction, ascending, (P,)."""
    truth_areas: FloatArray
    """Pixels of each true object, (T,)."""
    prediction_areas: FloatArray
    """Pixels of each predicted object, (P,)."""
    pairs: NDArray[np.int64]
    """Places of a true and a predicted object that overlap, (n, 2), truth first, ascending."""
    shared: FloatArray
    """Pixels that each pair shares, (n,)."""

    @cached_property
    def iou(self) -> FloatArray:
        """Intersection over union of each pair, (n,)."""
        first, second = self.pairs.T
        union: FloatArray = self.truth_areas[first] + self.prediction_areas[second] - self.shared
        return self.shared / union

    @property
    def matches(self) -> NDArray[np.int64]:
        """Pairs of IoU above 0.5, of which no object can have two, (m, 2)."""
        found: NDArray[np.int64] = self.pairs[self.iou > 0.5]
        return found


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Panoptic quality and its two factors."""

    pq: float
    """Detection quality times segmentation quality."""
    sq: float
    """Mean IoU of the matches; nan without one."""
    dq: float
    """F1 of matches by IoU above 0.5."""


def pair_up(truth: Ids, prediction: Ids) -> Pairing:
    """Count the pixels that true and predicted objects share, in one pass over the image.

    Args:
        truth: Ids of true objects, (*S), 0 outside.
        prediction: Ids of predicted objects, (*S), 0 outside.

    Returns:
        The pairing.

    Raises:
        ShapeError: If the maps differ in shape.
    """
    if truth.shape != prediction.shape:
        raise ShapeError(
            f"prediction must have the truth's shape {truth.shape}, not {prediction.shape}. "
            "Predict on the image that the truth was drawn on."
        )
    true, said = truth.reshape(-1), prediction.reshape(-1)
    truth_areas, prediction_areas = np.bincount(true), np.bincount(said)
    both = np.flatnonzero((true != 0) & (said != 0))
    width = max(len(prediction_areas), 1)
    codes = true[both].astype(np.int64) * width + said[both]
    known, shared = _count(codes, len(truth_areas) * width)
    truth_ids, prediction_ids = (
        np.flatnonzero(areas[1:]) + 1 for areas in (truth_areas, prediction_areas)
    )
    first, second = np.divmod(known, width)
    pairs = np.stack(
        [np.searchsorted(truth_ids, first), np.searchsorted(prediction_ids, second)], axis=1
    )
    return Pairing(
        truth_ids=truth_ids,
        prediction_ids=prediction_ids,
        truth_areas=truth_areas[truth_ids].astype(np.float64),
        prediction_areas=prediction_areas[prediction_ids].astype(np.float64),
        pairs=pairs,
        shared=shared.astype(np.float64),
    )


def aggregated_jaccard(pairing: Pairing) -> float:
    """Aggregated Jaccard index, as the MoNuSeg challenge computes it.

    Each true object takes the prediction of the largest IoU, the first of equals, which others
    may take as well; AJI = sum of intersections / (sum of unions + areas of true objects
    without overlap + areas of predictions that nobody took).

    Args:
        pairing: What `pair_up` counted.

    Returns:
        AJI in [0, 1]; nan if neither side has an object.

    Source:
        Kumar et al., 2017, doi:10.1109/TMI.2017.2677499.
    """
    if not len(pairing.truth_ids) and not len(pairing.prediction_ids):
        return float("nan")
    order = np.lexsort((pairing.pairs[:, 1], -pairing.iou, pairing.pairs[:, 0]))
    _, first = np.unique(pairing.pairs[order, 0], return_index=True)
    best = order[first]
    taken = np.unique(pairing.pairs[best, 1])
    common = pairing.shared[best].sum()
    union = (
        pairing.truth_areas.sum()
        + pairing.prediction_areas[pairing.pairs[best, 1]].sum()
        - common
        + np.delete(pairing.prediction_areas, taken).sum()
    )
    return float(common / union)


def panoptic_quality(pairing: Pairing) -> Quality:
    """Panoptic quality of one image: PQ = DQ x SQ, matches by an IoU above 0.5.

    DQ = TP / (TP + FP / 2 + FN / 2); SQ is the mean IoU of the matches, without a small number
    in its denominator.

    Args:
        pairing: What `pair_up` counted.

    Returns:
        The quality; PQ and DQ are nan if neither side has an object.

    Source:
        Kirillov et al., 2019, arXiv:1801.00868.
    """
    both = len(pairing.truth_ids) + len(pairing.prediction_ids)
    if not both:
        return Quality(pq=float("nan"), sq=float("nan"), dq=float("nan"))
    hits = pairing.iou[pairing.iou > 0.5]
    detection = 2 * len(hits) / both
    if not len(hits):
        return Quality(pq=0.0, sq=float("nan"), dq=0.0)
    return Quality(pq=detection * float(hits.mean()), sq=float(hits.mean()), dq=detection)


def detection_f1(truth: FloatArray, prediction: FloatArray, radius: float) -> float:
    """F1 of centres that lie near each other, the nearest pairs first.

    Args:
        truth: Centres of true objects, (T, D), in any unit.
        prediction: Centres of predicted objects, (P, D), in the same unit.
        radius: Farthest that a pair may lie apart, in that unit.

    Returns:
        2 TP / (T + P); nan if neither side has an object.
    """
    both = len(truth) + len(prediction)
    if not both:
        return float("nan")
    if not len(truth) or not len(prediction):
        return 0.0
    near = cKDTree(truth).sparse_distance_matrix(cKDTree(prediction), radius, output_type="ndarray")
    true_free, said_free = np.ones(len(truth), bool), np.ones(len(prediction), bool)
    hits = 0
    for row in near[np.lexsort((near["j"], near["i"], near["v"]))]:
        if true_free[row["i"]] and said_free[row["j"]]:
            true_free[row["i"]] = said_free[row["j"]] = False
            hits += 1
    return 2 * hits / both


def centres_of(ids: Ids) -> FloatArray:
    """Average the pixel places of each object that has pixels.

    Args:
        ids: Ids of objects, (*S), 0 outside.

    Returns:
        Centres in pixels and array order, (N, D), by ascending id.
    """
    flat = np.flatnonzero(ids.reshape(-1))
    owners = ids.reshape(-1)[flat]
    areas = np.bincount(owners)
    present = np.flatnonzero(areas)
    axes = np.unravel_index(flat, ids.shape)
    sums = [np.bincount(owners, weights=axis)[present] for axis in axes]
    return np.stack(sums, axis=1) / np.maximum(areas[present], 1)[:, None]


def _count(codes: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if size <= 2**24:  # counting beats sorting while the table stays small
        table = np.bincount(codes, minlength=1)
        known = np.flatnonzero(table)
        return known, table[known]
    known, shared = np.unique(codes, return_counts=True)
    return known, shared
