"""Centres near centres: detection and classification F1, by two ways of pairing.

HoVer-Net's script pairs all centres by the least total distance and then drops far pairs. A far
pair can so take the partner of a near one, and true matches are lost. `gated` never looks at
far pairs; `official` reproduces published numbers.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import ShapeError, pick
from delineate.metrics.assignment import best_partners
from delineate.metrics.instance import FloatArray, Places

Rule = Literal["official", "gated"]
"""How centres are paired; see `pair_centres`."""


@dataclass(frozen=True, kw_only=True)
class Detection:
    """Objects found, missed and made up; add two to pool images."""

    tp: int = 0
    """Pairs."""
    fp: int = 0
    """Predictions without a partner."""
    fn: int = 0
    """True objects without a partner."""

    def __add__(self, other: "Detection") -> "Detection":
        return Detection(tp=self.tp + other.tp, fp=self.fp + other.fp, fn=self.fn + other.fn)

    @property
    def precision(self) -> float:
        """TP / (TP + FP); nan without a prediction."""
        return _share(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """TP / (TP + FN); nan without a true object."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); nan without any object."""
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)


@dataclass(frozen=True, kw_only=True)
class TypedDetection:
    """Objects of one type found, confused and alone; add two to pool images."""

    right: int = 0
    """Pairs of the type on both sides."""
    confused: int = 0
    """Pairs where only one side has it."""
    alone: int = 0
    """Objects of it on either side without a partner."""

    def __add__(self, other: "TypedDetection") -> "TypedDetection":
        return TypedDetection(
            right=self.right + other.right,
            confused=self.confused + other.confused,
            alone=self.alone + other.alone,
        )

    @property
    def f1(self) -> float:
        """2 right / (2 right + 2 confused + alone), as HoVer-Net's script weighs them.

        A pair of the wrong type so costs double; nan if neither side has the type.
        """
        return _share(2 * self.right, 2 * self.right + 2 * self.confused + self.alone)


def pair_centres(
    truth: FloatArray, prediction: FloatArray, radius: float, *, pairing: Rule = "gated"
) -> Places:
    """Pair centres one to one that lie at most a radius apart.

    Args:
        truth: Centres of true objects, (T, D), in any unit.
        prediction: Centres of predicted objects, (P, D), in the same unit.
        radius: Farthest that a pair may lie apart, in that unit; 12 pixels at 40x by custom.
        pairing: "gated": as many near pairs as possible, of these the least total distance;
            "official": the least total distance of all centres, far pairs dropped afterwards.

    Returns:
        Places of a true and a predicted centre, (n, 2), ascending.

    Raises:
        ShapeError: If the centres are no two lists of places with equally many axes.
        UnknownNameError: If there is no such way of pairing.

    Source:
        Graham et al., 2019, doi:10.1016/j.media.2019.101563, for "official".
    """
    pick({"official": 0, "gated": 1}, pairing, what="way of pairing centres")
    if truth.ndim != 2 or prediction.ndim != 2 or truth.shape[1] != prediction.shape[1]:
        raise ShapeError(
            f"Centres must be (T, D) and (P, D), not {truth.shape} and {prediction.shape}. "
            "Take them from one pairing."
        )
    if not len(truth) or not len(prediction):
        return np.zeros((0, 2), dtype=np.int64)
    return (_official if pairing == "official" else _gated)(truth, prediction, radius)


def detect(
    truth: FloatArray, prediction: FloatArray, radius: float, *, pairing: Rule = "gated"
) -> Detection:
    """Count objects found, missed and made up by their centres.

    Args:
        truth: Centres of true objects, (T, D), in any unit.
        prediction: Centres of predicted objects, (P, D), in the same unit.
        radius: Farthest that a pair may lie apart, in that unit.
        pairing: See `pair_centres`.

    Returns:
        The counts.

    Raises:
        ShapeError: If the centres do not fit each other.
        UnknownNameError: If there is no such way of pairing.
    """
    found = len(pair_centres(truth, prediction, radius, pairing=pairing))
    return Detection(tp=found, fp=len(prediction) - found, fn=len(truth) - found)


def detect_type(
    pairs: Places, truth_types: NDArray[np.integer], prediction_types: NDArray[np.integer], of: int
) -> TypedDetection:
    """Count how objects of one type were detected and classified.

    Args:
        pairs: What `pair_centres` found, (n, 2).
        truth_types: Type of each true object, (T,).
        prediction_types: Type of each predicted object, (P,).
        of: The type.

    Returns:
        The counts.
    """
    is_true, is_said = truth_types == of, prediction_types == of
    first, second = pairs.T
    lonely_true, lonely_said = is_true.copy(), is_said.copy()
    lonely_true[first] = lonely_said[second] = False
    return TypedDetection(
        right=int((is_true[first] & is_said[second]).sum()),
        confused=int((is_true[first] != is_said[second]).sum()),
        alone=int(lonely_true.sum() + lonely_said.sum()),
    )


def _official(truth: FloatArray, prediction: FloatArray, radius: float) -> Places:
    from scipy.optimize import linear_sum_assignment  # the metrics' face stays light
    from scipy.spatial.distance import cdist

    apart = cdist(truth, prediction)
    first, second = linear_sum_assignment(apart)
    near = apart[first, second] <= radius
    return np.stack([first[near], second[near]], axis=1).astype(np.int64)


def _gated(truth: FloatArray, prediction: FloatArray, radius: float) -> Places:
    from scipy.spatial import cKDTree  # the metrics' face stays light

    near = cKDTree(truth).sparse_distance_matrix(cKDTree(prediction), radius, output_type="ndarray")
    pairs = np.stack([near["i"], near["j"]], axis=1).astype(np.int64)
    pairs, apart = pairs[turn := np.lexsort(pairs.T[::-1])], near["v"][turn]
    shape = len(truth), len(prediction)
    reach = radius if radius > 0 else 1.0  # one pair more outweighs every distance saved
    return pairs[best_partners(pairs, reach * (min(shape) + 1) - apart, shape)]


def _share(part: int, total: int) -> float:
    return part / total if total else float("nan")
