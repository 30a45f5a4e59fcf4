"""Objects against objects: AJI, PQ and F1, all from one table of shared pixels.

The table counts, in one pass over both maps, the pixels of every pair of ids that meet; areas
and centres are its margins. Comparing whole images pair by pair gives the same numbers some
hundred times slower.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import LabelError
from delineate.metrics.overlap import check_shapes

Ids = NDArray[np.integer[Any]]
Places = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BAND = 1 << 20
"""Pixels that are counted at once, so that memory stays small beside the image."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairing:
    """Which true and predicted objects share pixels, and how many."""

    truth_ids: Places
    """Ids that have pixels in the truth, ascending, (T,)."""
    prediction_ids: Places
    """Ids that have pixels in the prediction, ascending, (P,)."""
    truth_areas: Places
    """Pixels of each true object, (T,)."""
    prediction_areas: Places
    """Pixels of each predicted object, (P,)."""
    truth_centres: FloatArray
    """Centre of gravity of each true object in pixels and array order, (T, D)."""
    prediction_centres: FloatArray
    """Centre of gravity of each predicted object, (P, D)."""
    pairs: Places
    """Places of a true and a predicted object that overlap, (n, 2), truth first, ascending."""
    shared: Places
    """Pixels that each pair shares, (n,)."""

    @cached_property
    def union(self) -> Places:
        """Pixels of either object of each pair, (n,)."""
        first, second = self.pairs.T
        union: Places = self.truth_areas[first] + self.prediction_areas[second] - self.shared
        return union

    @cached_property
    def iou(self) -> FloatArray:
        """Intersection over union of each pair, (n,)."""
        return np.asarray(self.shared / self.union)

    @cached_property
    def is_match(self) -> NDArray[np.bool_]:
        """Pairs of IoU above 0.5, (n,); no object can have two of them."""
        return np.asarray(2 * self.shared > self.union)

    @property
    def matches(self) -> Places:
        """The pairs of IoU above 0.5, (m, 2)."""
        return np.asarray(self.pairs[self.is_match])

    def only(self, truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> "Pairing":
        """Leave objects out, as if neither map had them.

        Args:
            truth: True objects that stay, (T,), bool.
            prediction: Predicted objects that stay, (P,), bool.

        Returns:
            The pairing of the rest.
        """
        first, second = self.pairs.T
        kept = truth[first] & prediction[second]
        places = [np.cumsum(chosen) - 1 for chosen in (truth, prediction)]
        return Pairing(
            truth_ids=self.truth_ids[truth],
            prediction_ids=self.prediction_ids[prediction],
            truth_areas=self.truth_areas[truth],
            prediction_areas=self.prediction_areas[prediction],
            truth_centres=self.truth_centres[truth],
            prediction_centres=self.prediction_centres[prediction],
            pairs=np.stack([places[0][first[kept]], places[1][second[kept]]], axis=1),
            shared=self.shared[kept],
        )


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
    """Count the pixels that true and predicted objects share, in one pass over both maps.

    Args:
        truth: Ids of true objects, (*S), 0 outside; gaps between ids do no harm.
        prediction: Ids of predicted objects, (*S), 0 outside.

    Returns:
        The pairing.

    Raises:
        ShapeError: If the maps differ in shape.
        LabelError: If an id is negative or above 2147483647.
    """
    check_shapes(prediction, truth)
    width = max(_highest(truth), _highest(prediction)) + 1
    codes, pixels, sums = _count(truth, prediction, width)
    first, second = np.divmod(codes, width)
    truth_ids, truth_areas, truth_centres = _margin(first, pixels, sums)
    prediction_ids, prediction_areas, prediction_centres = _margin(second, pixels, sums)
    meets = (first != 0) & (second != 0)
    places = (
        np.searchsorted(truth_ids, first[meets]),
        np.searchsorted(prediction_ids, second[meets]),
    )
    return Pairing(
        truth_ids=truth_ids,
        prediction_ids=prediction_ids,
        truth_areas=truth_areas,
        prediction_areas=prediction_areas,
        truth_centres=truth_centres,
        prediction_centres=prediction_centres,
        pairs=np.stack(places, axis=1),
        shared=pixels[meets],
    )


def aggregated_jaccard(pairing: Pairing) -> float:
    """Aggregated Jaccard index, as the MoNuSeg challenge computes it.

    Each true object takes the prediction of the largest IoU, the lowest id of equals, which
    others may take as well; AJI = sum of intersections / (sum of unions + areas of true objects
    without overlap + areas of predictions that nobody took).

    Args:
        pairing: What `pair_up` counted.

    Returns:
        AJI in [0, 1]; nan if neither side has an object, 0 if only one has.

    Source:
        Kumar et al., 2017, doi:10.1109/TMI.2017.2677499.

    Example:
        >>> aggregated_jaccard(pair_up(np.array([1, 1, 2, 2]), np.array([5, 5, 0, 7])))
        0.75
    """
    if not len(pairing.truth_ids) and not len(pairing.prediction_ids):
        return float("nan")
    true, said = pairing.pairs.T
    order = np.lexsort((said, -pairing.iou, true))
    _, first = np.unique(true[order], return_index=True)
    best = order[first]
    is_taken = np.zeros(len(pairing.prediction_ids), dtype=bool)
    is_taken[said[best]] = True
    is_alone = np.ones(len(pairing.truth_ids), dtype=bool)
    is_alone[true[best]] = False
    union = (
        pairing.union[best].sum()
        + pairing.truth_areas[is_alone].sum()
        + pairing.prediction_areas[~is_taken].sum()
    )
    return float(pairing.shared[best].sum() / union)


def panoptic_quality(pairing: Pairing) -> Quality:
    """Panoptic quality of one image: PQ = DQ x SQ, matches by an IoU strictly above 0.5.

    DQ = TP / (TP + FP / 2 + FN / 2); SQ is the mean IoU of the matches, without the small
    number that official scripts add to its denominator, so a perfect answer has PQ 1.

    Args:
        pairing: What `pair_up` counted.

    Returns:
        The quality; PQ and DQ are nan if neither side has an object, 0 without a match.

    Source:
        Kirillov et al., 2019, arXiv:1801.00868.
    """
    both = len(pairing.truth_ids) + len(pairing.prediction_ids)
    if not both:
        return Quality(pq=float("nan"), sq=float("nan"), dq=float("nan"))
    hits = pairing.iou[pairing.is_match]
    if not len(hits):
        return Quality(pq=0.0, sq=float("nan"), dq=0.0)
    detection, segmentation = 2 * len(hits) / both, float(hits.mean())
    return Quality(pq=detection * segmentation, sq=segmentation, dq=detection)


def detection_f1(truth: FloatArray, prediction: FloatArray, radius: float) -> float:
    """F1 of centres: the largest number of one-to-one pairs that lie near each other.

    Far pairs are cut off before centres are paired. Pairing all of them by the least total
    distance and cutting after, as some scripts do, breaks near pairs for the sake of far ones.

    Args:
        truth: Centres of true objects, (T, D), in any unit.
        prediction: Centres of predicted objects, (P, D), in the same unit.
        radius: Farthest that a pair may lie apart, in that unit.

    Returns:
        2 TP / (T + P); nan if neither side has an object, 0 if only one has.
    """
    both = len(truth) + len(prediction)
    if not both:
        return float("nan")
    if not len(truth) or not len(prediction):
        return 0.0
    from scipy.sparse import csr_array  # the metrics' face stays light
    from scipy.sparse.csgraph import maximum_bipartite_matching
    from scipy.spatial import cKDTree

    near = cKDTree(truth).sparse_distance_matrix(cKDTree(prediction), radius, output_type="ndarray")
    links = (np.ones(len(near), dtype=np.int8), (near["i"], near["j"]))
    table = csr_array(links, shape=(len(truth), len(prediction)))
    partners = maximum_bipartite_matching(table, perm_type="column")
    return 2 * int(np.count_nonzero(partners >= 0)) / both


def _highest(ids: Ids) -> int:
    low, high = int(ids.min(initial=0)), int(ids.max(initial=0))
    if low < 0 or high > np.iinfo(np.int32).max or not np.issubdtype(ids.dtype, np.integer):
        raise LabelError(
            f"Instance ids must be whole numbers from 0 to 2147483647, not {ids.dtype} from {low} "
            f"to {high}. Number them anew with Instances.of."
        )
    return high


def _count(truth: Ids, prediction: Ids, width: int) -> tuple[Places, Places, FloatArray]:
    """Count the pixels of each pair of ids and add up their places, a band of rows at a time.

    Returns:
        The pairs as truth x width + prediction without (0, 0), (n,); their pixels, (n,); and
        the sums of their coordinates, (n, D).
    """
    flat = [ids.reshape(-1, truth.shape[-1]) for ids in (truth, prediction)]
    step = max(1, BAND // max(truth.shape[-1], 1))
    bands = [
        _count_band(flat[0][start : start + step], flat[1][start : start + step], width, start)
        for start in range(0, len(flat[0]), step)
    ]
    codes, lengths, rows, columns = (np.concatenate(parts) for parts in zip(*bands, strict=True))
    known, owner = np.unique(codes, return_inverse=True)
    leading = np.unravel_index(rows, truth.shape[:-1]) if truth.ndim > 1 else ()
    axes = [*(axis * lengths for axis in leading), columns]
    pixels = np.bincount(owner, weights=lengths, minlength=len(known))
    sums = [np.bincount(owner, weights=axis, minlength=len(known)) for axis in axes]
    return known, pixels.astype(np.int64), np.stack(sums, axis=1)


def _count_band(
    truth: Ids, prediction: Ids, width: int, start: int
) -> tuple[Places, Places, Places, FloatArray]:
    """Turn rows into runs of one pair of ids: pair, length, row and sum of columns of each."""
    codes = truth.astype(np.int64)
    codes *= width
    codes += prediction
    is_start = np.ones(codes.shape, dtype=bool)
    np.not_equal(codes[:, 1:], codes[:, :-1], out=is_start[:, 1:])
    starts = np.flatnonzero(is_start)
    lengths = np.diff(starts, append=codes.size)
    found = codes.reshape(-1)[starts]
    kept = found != 0
    starts, lengths, found = starts[kept], lengths[kept], found[kept]
    rows, columns = np.divmod(starts, codes.shape[1])
    return found, lengths, rows + start, (columns + (lengths - 1) / 2) * lengths


def _margin(ids: Places, pixels: Places, sums: FloatArray) -> tuple[Places, Places, FloatArray]:
    """Gather objects from pairs: ids, areas, (N,), and centres, (N, D); 0 is no object."""
    kept = ids != 0
    known, owner = np.unique(ids[kept], return_inverse=True)
    areas = np.bincount(owner, weights=pixels[kept], minlength=len(known))
    totals = [np.bincount(owner, weights=axis[kept], minlength=len(known)) for axis in sums.T]
    return known, areas.astype(np.int64), np.stack(totals, axis=1) / areas[:, None]
