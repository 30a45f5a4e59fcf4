"""A case of nuclei as rows of a scoreboard: all of them, and each type by itself."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from delineate.core.instances import UNTYPED, Instances
from delineate.core.labels import LabelTable
from delineate.metrics.instance import (
    Ids,
    aggregated_jaccard,
    centres_of,
    detection_f1,
    pair_up,
    panoptic_quality,
)
from delineate.metrics.overlap import dice
from delineate.metrics.pair import Metric, Pair, Status
from delineate.metrics.scoring import Row

ALL_NUCLEI = "nucleus"
"""Row of all objects, whatever their type."""
RADIUS_PX = 12.0
"""The same in pixels, where the resolution is unknown."""
RADIUS_UM = 3.0
"""Farthest that two centres may lie apart for F1: 12 pixels of a scan at 40x."""


def _metric(name: str, title: str, convention: str) -> Metric:
    def of_components(pair: Pair) -> float:
        said, true = (label(mask)[0] for mask in (pair.prediction, pair.truth))
        return _measure(np.asarray(true), np.asarray(said), RADIUS_PX)[name]

    return Metric(
        measure=of_components, title=title, unit="", better="higher", convention=convention
    )


OBJECT_METRICS: dict[str, Metric] = {
    "dice": _metric("dice", "Dice", "Dice of the foreground = 2TP / (2TP + FP + FN), in pixels."),
    "aji": _metric(
        "aji",
        "AJI",
        "AJI as the MoNuSeg challenge computes it: each true object takes the prediction of the "
        "largest IoU, which others may take as well; predictions that nobody took add their area.",
    ),
    "pq": _metric("pq", "PQ", "PQ = DQ x SQ per image, matches by an IoU above 0.5."),
    "sq": _metric(
        "sq", "SQ", "SQ = mean IoU of the matches, without a small number below; 0 if none."
    ),
    "dq": _metric("dq", "DQ", "DQ = TP / (TP + FP/2 + FN/2), matches by an IoU above 0.5."),
    "f1": _metric(
        "f1",
        "F1",
        "F1 of centres of gravity at most 3 um (12 pixels of a scan at 40x) apart, the nearest "
        "pairs first; 12 pixels where the resolution is unknown.",
    ),
}
"""Name to metric, the columns of a scoreboard of objects; of two masks without ids, objects
are the connected components."""


def score_instances(
    prediction: Instances,
    truth: Instances,
    labels: LabelTable,
    *,
    case: str,
    patient: str,
    pixel_um: float | None = None,
) -> list[Row]:
    """Score one case: a row for all objects, and one a type where the truth is typed.

    In a type's row stand the objects of that type on either side. Predictions that lie mostly
    on objects whose type nobody knows are left out of it.

    Args:
        prediction: Predicted objects.
        truth: True objects, on the same grid.
        labels: What the types mean.
        case: The case's id.
        patient: Whose it is.
        pixel_um: Micrometres to a pixel, None if unknown.

    Returns:
        The rows; raises a ShapeError if the grids differ.
    """
    radius = RADIUS_UM / pixel_um if pixel_um else RADIUS_PX
    rows = [_row(truth.ids, prediction.ids, radius, case, patient, ALL_NUCLEI)]
    if len(labels.labels) < 2 or not (truth.types != UNTYPED).any():
        return rows
    doubtful = _mostly_on(prediction.ids, truth, prediction.count)
    for kind in labels.labels:
        said = _only(prediction.ids, (prediction.types == kind.id) & ~doubtful)
        true = _only(truth.ids, truth.types == kind.id)
        rows.append(_row(true, said, radius, case, patient, kind.name))
    return rows


def _row(truth: Ids, prediction: Ids, radius: float, case: str, patient: str, label: str) -> Row:
    said, true = bool(prediction.any()), bool(truth.any())
    status: Status = "missed" if true else "spurious" if said else "absent"
    if said and true:
        status = "scored"
    values = _measure(truth, prediction, radius)
    return Row(case=case, patient=patient, label=label, status=status, values=values)


def _measure(truth: Ids, prediction: Ids, radius: float) -> dict[str, float]:
    has_truth, has_prediction = bool(truth.any()), bool(prediction.any())
    if not (has_truth and has_prediction):
        worst = 0.0 if has_truth or has_prediction else float("nan")
        return dict.fromkeys(("dice", "aji", "pq", "sq", "dq", "f1"), worst)
    pairing = pair_up(truth, prediction)
    quality = panoptic_quality(pairing)
    return {
        "dice": dice(prediction > 0, truth > 0),
        "aji": aggregated_jaccard(pairing),
        "pq": quality.pq,
        "sq": 0.0 if np.isnan(quality.sq) else quality.sq,
        "dq": quality.dq,
        "f1": detection_f1(centres_of(truth), centres_of(prediction), radius),
    }


def _mostly_on(ids: Ids, truth: Instances, count: int) -> NDArray[np.bool_]:
    """Tell which predictions lie on objects of unknown type with more than half their area."""
    unknown = np.concatenate([[False], truth.types == UNTYPED])[truth.ids]
    areas = np.bincount(ids.reshape(-1), minlength=count + 1)[1:]
    covered = np.bincount(ids[unknown], minlength=count + 1)[1:]
    return np.asarray(2 * covered > areas)


def _only(ids: Ids, chosen: NDArray[np.bool_]) -> Ids:
    table = np.concatenate([[0], np.where(chosen, np.arange(1, len(chosen) + 1), 0)])
    return np.asarray(table[ids])
