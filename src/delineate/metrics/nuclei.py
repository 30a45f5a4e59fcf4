"""A case of nuclei as rows of a scoreboard: all of them, and each type by itself."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.instances import UNTYPED, Instances
from delineate.core.labels import LabelTable
from delineate.metrics.instance import (
    Pairing,
    aggregated_jaccard,
    detection_f1,
    pair_up,
    panoptic_quality,
)
from delineate.metrics.pair import Metric, Pair, Status
from delineate.metrics.scoring import Row

ALL_NUCLEI = "nucleus"
"""Row of all objects, whatever their type."""
RADIUS_UM = 3.0
"""Farthest that two centres may lie apart for F1: 12 pixels of a scan at 40x."""
RADIUS_PX = 12.0
"""The same in pixels, where the resolution is unknown."""


def _metric(name: str, title: str, convention: str) -> Metric:
    def of_components(pair: Pair) -> float:
        from scipy.ndimage import label  # the metrics' face stays light

        said, true = (np.asarray(label(mask)[0]) for mask in (pair.prediction, pair.truth))
        return _measure(pair_up(true, said), RADIUS_PX)[name]

    return Metric(
        measure=of_components, title=title, unit="", better="higher", convention=convention
    )


OBJECT_METRICS: dict[str, Metric] = {
    "dice": _metric(
        "dice",
        "Dice",
        "Dice = 2TP / (2TP + FP + FN), in pixels of all objects together; it does not ask "
        "whether they are told apart.",
    ),
    "aji": _metric(
        "aji",
        "AJI",
        "AJI, as the MoNuSeg challenge computes it: each true object takes the prediction of the "
        "largest IoU (the lowest id of equals), which others may take as well; the sum of their "
        "intersections over that of their unions, to which true objects without overlap and "
        "predictions that nobody took add their areas.",
    ),
    "pq": _metric(
        "pq", "PQ", "PQ = DQ x SQ of each image, then averaged; matches have an IoU above 0.5."
    ),
    "sq": _metric(
        "sq",
        "SQ",
        "SQ = mean IoU of the matches, without the small number that official scripts add below "
        "the line; 0 without a match.",
    ),
    "dq": _metric("dq", "DQ", "DQ = TP / (TP + FP/2 + FN/2), matches by an IoU above 0.5."),
    "f1": _metric(
        "f1",
        "F1",
        "F1 = 2TP / (2TP + FP + FN) of centres of gravity: as many one-to-one pairs as possible "
        "of at most 3 µm (12 pixels of a scan at 40x); 12 pixels where the resolution is unknown.",
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

    In a type's row stand the objects of that type on either side. True objects whose type
    nobody knows are left out of it, and so are predictions that lie mostly on them.

    Args:
        prediction: Predicted objects; their types are ids of `labels`.
        truth: True objects, on the same grid.
        labels: What the types mean.
        case: The case's id.
        patient: Whose it is.
        pixel_um: Micrometres to a pixel, None if unknown.

    Returns:
        The rows, all objects first.

    Raises:
        ShapeError: If the grids differ.
    """
    pairing = pair_up(truth.ids, prediction.ids)
    radius = RADIUS_UM / pixel_um if pixel_um else RADIUS_PX

    def row(label: str, part: Pairing) -> Row:
        values = _measure(part, radius)
        return Row(case=case, patient=patient, label=label, status=_status(part), values=values)

    rows = [row(ALL_NUCLEI, pairing)]
    if not is_typed(truth, labels):
        return rows
    true, said = types_of(truth, pairing.truth_ids), types_of(prediction, pairing.prediction_ids)
    clear = ~_mostly_on(pairing, true == UNTYPED)
    for label in labels.labels:
        name = label.name if label.name != ALL_NUCLEI else f"{label.name} (type)"
        rows.append(row(name, pairing.only(true == label.id, (said == label.id) & clear)))
    return rows


def is_typed(truth: Instances, labels: LabelTable) -> bool:
    """Tell whether a truth can judge types: it knows some, or has no object at all.

    Args:
        truth: True objects.
        labels: What the types mean.

    Returns:
        False also where the table has a single type.
    """
    return len(labels.labels) > 1 and (truth.count == 0 or bool((truth.types != UNTYPED).any()))


def types_of(objects: Instances, ids: NDArray[np.int64]) -> NDArray[np.int16]:
    """Look the types of objects up.

    Args:
        objects: The objects.
        ids: Ids of some of them, (N,).

    Returns:
        Label ids, (N,), 0 where unknown.
    """
    return np.asarray(objects.types[ids - 1])


def _status(pairing: Pairing) -> Status:
    has_truth, has_prediction = len(pairing.truth_ids) > 0, len(pairing.prediction_ids) > 0
    if has_truth and has_prediction:
        return "scored"
    return "missed" if has_truth else "spurious" if has_prediction else "absent"


def _measure(pairing: Pairing, radius: float) -> dict[str, float]:
    quality = panoptic_quality(pairing)
    area = int(pairing.truth_areas.sum() + pairing.prediction_areas.sum())
    has_objects = area > 0
    return {
        "dice": 2 * int(pairing.shared.sum()) / area if has_objects else float("nan"),
        "aji": aggregated_jaccard(pairing),
        "pq": quality.pq,
        "sq": 0.0 if has_objects and np.isnan(quality.sq) else quality.sq,
        "dq": quality.dq,
        "f1": detection_f1(pairing.truth_centres, pairing.prediction_centres, radius),
    }


def _mostly_on(pairing: Pairing, chosen: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which predictions lie on chosen true objects with more than half their area."""
    first, second = pairing.pairs.T
    covered = np.bincount(
        second, weights=pairing.shared * chosen[first], minlength=len(pairing.prediction_ids)
    )
    return np.asarray(2 * covered > pairing.prediction_areas)
