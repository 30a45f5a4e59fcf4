"""Objects against objects from two id maps: one call a number, together or by class.

Maps are whole numbers of any size with gaps, 0 outside, in two or three dimensions. Who wants
several numbers of one case counts once with `instance.pair_up` and asks each from that table.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import GeometryError, LabelError
from delineate.metrics import instance
from delineate.metrics.assignment import dice_of_pairs, f1_above, jaccard_plus
from delineate.metrics.centres import Detection, Rule, detect
from delineate.metrics.instance import Ids, Pairing, Quality, pair_up

Types = Mapping[int, int]
"""Class of each object by its id in the map; all must be named."""


def panoptic_quality(prediction: Ids, truth: Ids) -> Quality:
    """PQ, SQ and DQ of one image, all classes together; of typed nuclei that is bPQ.

    PQ = DQ x SQ, DQ = TP / (TP + FP / 2 + FN / 2), SQ = mean IoU of the matches, which have an
    IoU strictly above 0.5.

    Args:
        prediction: Ids, (*S), 0 outside.
        truth: Ids, (*S), 0 outside.

    Returns:
        The quality; PQ and DQ are nan if both maps are empty, 0 if one is.

    Raises:
        ShapeError: If the maps differ in shape.
        LabelError: If they hold no ids.

    Source:
        Kirillov et al., 2019, arXiv:1801.00868.

    Example:
        >>> panoptic_quality(np.array([3, 3, 3, 0]), np.array([1, 1, 1, 1])).pq
        0.75
    """
    return instance.panoptic_quality(pair_up(truth, prediction))


def panoptic_quality_by_class(
    prediction: Ids, truth: Ids, prediction_types: Types, truth_types: Types
) -> dict[int, Quality]:
    """PQ, SQ and DQ of each class by itself, as if both maps held nothing else.

    Args:
        prediction: Ids, (*S), 0 outside.
        truth: Ids, (*S), 0 outside.
        prediction_types: Class of each predicted object.
        truth_types: Class of each true object.

    Returns:
        A quality for each class that either side names, ascending.

    Raises:
        ShapeError: If the maps differ in shape.
        LabelError: If they hold no ids, or an object has no class.
    """
    pairing = pair_up(truth, prediction)
    classes = sorted({*truth_types.values(), *prediction_types.values()})
    return {
        kind: instance.panoptic_quality(
            pairing_of_class(pairing, prediction_types, truth_types, kind)
        )
        for kind in classes
    }


def mean_panoptic_quality(
    prediction: Ids, truth: Ids, prediction_types: Types, truth_types: Types
) -> float:
    """Mean PQ (mPQ) of one image: over the classes that the truth holds, as PanNuke computes it.

    What is predicted of a class that the truth lacks costs nothing here; `official.CoNIC` pools
    images and counts it.

    Args:
        prediction: Ids, (*S), 0 outside.
        truth: Ids, (*S), 0 outside.
        prediction_types: Class of each predicted object.
        truth_types: Class of each true object.

    Returns:
        mPQ in [0, 1]; nan if the truth is empty.

    Raises:
        ShapeError: If the maps differ in shape.
        LabelError: If they hold no ids, or an object has no class.
    """
    found = panoptic_quality_by_class(prediction, truth, prediction_types, truth_types)
    present = {truth_types[int(number)] for number in np.unique(truth) if number}
    return float(np.mean([found[kind].pq for kind in present])) if present else float("nan")


def aggregated_jaccard(prediction: Ids, truth: Ids) -> float:
    """AJI, as the MoNuSeg challenge computes it; see `instance.aggregated_jaccard`.

    Args:
        prediction: Ids, (*S), 0 outside.
        truth: Ids, (*S), 0 outside.

    Returns:
        AJI in [0, 1]; nan if both maps are empty, 0 if one is.

    Raises:
        ShapeError: If the maps differ in shape.
        LabelError: If they hold no ids.

    Source:
        Kumar et al., 2017, doi:10.1109/TMI.2017.2677499.
    """
    return instance.aggregated_jaccard(pair_up(truth, prediction))


def aggregated_jaccard_plus(prediction: Ids, truth: Ids) -> float:
    """AJI+, where every object is used at most once; see `assignment.jaccard_plus`.

    Args:
        prediction: Ids, (*S), 0 outside.
        truth: Ids, (*S), 0 outside.

    Returns:
        AJI+ in [0, 1]; nan if both maps are empty, 0 if one is.

    Raises:
        ShapeError: If the maps differ in shape.
        LabelError: If they hold no ids.

    Source:
        Graham et al., 2019, doi:10.1016/j.media.2019.101563.
    """
    return jaccard_plus(pair_up(truth, prediction))


def ensemble_dice(prediction: Ids, truth: Ids) -> float:
    """Dice over all pairs of objects that meet; see `assignment.dice_of_pairs`.

    Args:
        prediction: Ids, (*S), 0 outside.
        truth: Ids, (*S), 0 outside.

    Returns:
        Dice in [0, 1]; nan if both maps are empty, 0 if nothing meets.

    Raises:
        ShapeError: If the maps differ in shape.
        LabelError: If they hold no ids.
    """
    return dice_of_pairs(pair_up(truth, prediction))


def detection_f1_at_iou(prediction: Ids, truth: Ids, iou: float = 0.5) -> float:
    """F1 of objects paired one to one, as many as possible, by an IoU above a threshold.

    Args:
        prediction: Ids, (*S), 0 outside.
        truth: Ids, (*S), 0 outside.
        iou: Threshold in [0, 1), which a match must exceed.

    Returns:
        F1 in [0, 1]; nan if both maps are empty, 0 if one is.

    Raises:
        ShapeError: If the maps differ in shape.
        LabelError: If they hold no ids, or the threshold is out of range.
    """
    return f1_above(pair_up(truth, prediction), iou)


def detection_at_distance(
    prediction: Ids,
    truth: Ids,
    radius: float,
    *,
    spacing: tuple[float, ...] | None = None,
    pairing: Rule = "gated",
) -> Detection:
    """Count objects found by centres of gravity that lie at most a radius apart.

    Args:
        prediction: Ids, (*S), 0 outside.
        truth: Ids, (*S), 0 outside.
        radius: Farthest that a pair may lie apart, in the unit of `spacing`; else in pixels.
        spacing: Pixel size in array order, None for pixels.
        pairing: "gated" or "official", see `centres.pair_centres`.

    Returns:
        Counts with precision, recall and F1.

    Raises:
        ShapeError: If the maps differ in shape.
        LabelError: If they hold no ids.
        GeometryError: If a spacing is not positive, or there are too few or many.
        UnknownNameError: If there is no such way of pairing.
    """
    table = pair_up(truth, prediction)
    scale = np.asarray(spacing or (1.0,) * truth.ndim, dtype=np.float64)
    if scale.shape != (truth.ndim,) or not (np.isfinite(scale) & (scale > 0)).all():
        raise GeometryError(
            f"spacing must be {truth.ndim} positive numbers, not {spacing}. "
            "Pass one a dimension, in array order."
        )
    true, said = table.truth_centres * scale, table.prediction_centres * scale
    return detect(true, said, radius, pairing=pairing)


def pairing_of_class(
    pairing: Pairing, prediction_types: Types, truth_types: Types, kind: int
) -> Pairing:
    """Keep the objects of one class, so that any score of a pairing is had by class.

    Args:
        pairing: What `pair_up` counted.
        prediction_types: Class of each predicted object.
        truth_types: Class of each true object.
        kind: The class.

    Returns:
        The pairing of that class on both sides.

    Raises:
        LabelError: If an object has no class.
    """
    true = _types(pairing.truth_ids, truth_types)
    said = _types(pairing.prediction_ids, prediction_types)
    return pairing.only(true == kind, said == kind)


def _types(ids: NDArray[Any], types: Types) -> NDArray[np.int64]:
    absent = [int(number) for number in ids if int(number) not in types]
    if absent:
        raise LabelError(
            f"Every object must have a class; {len(absent)} have none, the first is {absent[0]}. "
            "Name the class of each id."
        )
    return np.array([types[int(number)] for number in ids], dtype=np.int64)
