"""The same metrics as other libraries compute them, so that published numbers can be met.

Two libraries give different numbers for the same masks and name: they differ in what a surface
is, in how two directions become one number, and most of all where a mask is empty. Each
function here restates one library's formula; no code of theirs is used.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np

from delineate.core.errors import pick
from delineate.metrics.elements import area_surface_dice, one_way_means, percentile_distance
from delineate.metrics.measures import BORDERS, MEASURES
from delineate.metrics.pair import Metric, Pair
from delineate.metrics.surface import (
    SurfaceDistances,
    average_surface_distance,
    border,
    hausdorff,
    hausdorff95,
    mean_surface_distance,
)

Convention = Literal["delineate", "deepmind", "medpy", "metrics_reloaded", "monai", "nnunet"]
NAN, INF = float("nan"), float("inf")


def metrics_of(convention: Convention) -> dict[str, Metric]:
    """Choose the metrics as one library computes them.

    Args:
        convention: Whose numbers to give: "delineate" (all metrics), "deepmind"
            (surface-distance), "medpy" (MedPy 0.5), "metrics_reloaded", "monai" (MONAI 1.5 with
            its defaults) or "nnunet" (v2); of these, the metrics that the library has.

    Returns:
        Name to metric, in the order of Delineate's own.

    Raises:
        UnknownNameError: If there is no such convention.

    Example:
        >>> nothing = np.zeros((4, 4), bool)
        >>> metrics_of("nnunet")["dice"](nothing, nothing, (1, 1))
        nan
        >>> metrics_of("metrics_reloaded")["dice"](nothing, nothing, (1, 1))
        1.0
    """
    return dict(pick(CONVENTIONS, convention, what="convention"))


def _row(name: str, measure: Callable[[Pair], float], convention: str) -> Metric:
    own = MEASURES[name]
    return Metric(
        measure=measure, title=own.title, unit=own.unit, better=own.better, convention=convention
    )


def _dice(pair: Pair) -> float:
    return pair.counts.dice


def _iou(pair: Pair) -> float:
    return pair.counts.iou


def _distance(
    measure: Callable[[SurfaceDistances], float], *, both: float, one: float
) -> Callable[[Pair], float]:
    """Give a library's own numbers where both masks, or exactly one, are empty."""

    def measured(pair: Pair) -> float:
        num_empty = pair.distances.num_empty
        if num_empty:
            return both if num_empty == 2 else one
        return measure(pair.distances)

    return measured


def _pooled95(distances: SurfaceDistances) -> float:
    every = np.concatenate([distances.to_truth_mm, distances.to_prediction_mm])
    return float(np.percentile(every, 95))


def _single(measure: Callable[[SurfaceDistances], float]) -> Callable[[SurfaceDistances], float]:
    """Round distances to single precision first, as MONAI does."""

    def measured(distances: SurfaceDistances) -> float:
        return measure(
            replace(
                distances,
                to_truth_mm=distances.to_truth_mm.astype(np.float32),
                to_prediction_mm=distances.to_prediction_mm.astype(np.float32),
            )
        )

    return measured


def _share_within(distances: SurfaceDistances, tolerance_mm: float) -> float:
    """Share of border voxels within a tolerance that is not widened for rounding."""
    directed = (distances.to_truth_mm, distances.to_prediction_mm)
    near = sum(int(np.count_nonzero(each <= tolerance_mm)) for each in directed)
    return near / sum(each.size for each in directed)


def _monai_overlap(measure: Callable[[Pair], float], pair: Pair) -> float:
    return measure(pair) if pair.counts.truth else NAN


def _monai_nsd(pair: Pair) -> float:
    limit = float(np.float32(pair.tolerance_mm))
    within = _single(lambda distances: _share_within(distances, limit))
    return _distance(within, both=NAN, one=0.0)(pair)


def _reloaded_dice(pair: Pair) -> float:
    return 1.0 if pair.status == "absent" else _dice(pair)


def _reloaded_nsd(pair: Pair) -> float:
    if pair.status == "absent":
        return 1.0
    if pair.status == "scored":
        return _share_within(pair.distances, pair.tolerance_mm)
    # A distance transform without a goal measures to the voxel one before the first.
    mask = pair.truth if pair.status == "missed" else pair.prediction
    places = np.argwhere(border(mask)).astype(np.float64)
    places[:, 0] += 1
    return float(np.mean(np.linalg.norm(places * pair.spacing_mm, axis=1) <= pair.tolerance_mm))


def _deepmind_masd(pair: Pair) -> float:
    there, back = one_way_means(pair.elements)
    return (there + back) / 2


ELEMENTS = "surface elements (2 x 2 x 2 neighbourhoods, by area; 2 x 2 and by length in 2-D)"
BOTH_NAN = "nan if both masks are empty"

_DEEPMIND = {
    "dice": _row("dice", _dice, f"Dice = 2TP / (2TP + FP + FN), {BOTH_NAN}, 0 if one is."),
    "hd": _row(
        "hd", lambda pair: percentile_distance(pair.elements, 100),
        f"HD = the largest distance between {ELEMENTS}; infinite if a mask is empty.",
    ),
    "hd95": _row(
        "hd95", lambda pair: percentile_distance(pair.elements, 95),
        f"HD95 = the larger of the two distances that 95 % of the {ELEMENTS} stay within, without "
        "interpolation; infinite if a mask is empty, and if both are.",
    ),
    "masd": _row(
        "masd", _deepmind_masd,
        f"MASD = mean of the two average distances of {ELEMENTS} that surface-distance gives; nan "
        "if a mask is empty.",
    ),
    "nsd": _row(
        "nsd", lambda pair: area_surface_dice(pair.elements, pair.tolerance_mm),
        f"NSD = share of the {ELEMENTS} within the tolerance; {BOTH_NAN}, 0 if one is.",
    ),
}  # fmt: skip

_RAISES = "nan if a mask is empty, where MedPy raises an error"
_MEDPY = {
    "dice": _row("dice", _dice, f"Dice = 2TP / (2TP + FP + FN), {BOTH_NAN}, 0 if one is."),
    "iou": _row(
        "iou", _iou, "IoU = TP / (TP + FP + FN); nan if both masks are empty, where MedPy raises."
    ),
    "hd": _row(
        "hd", _distance(hausdorff, both=NAN, one=NAN), f"HD = the largest of {BORDERS}; {_RAISES}."
    ),
    "hd95": _row(
        "hd95", _distance(_pooled95, both=NAN, one=NAN),
        f"HD95 = 95th percentile of both directions pooled, of {BORDERS}; {_RAISES}.",
    ),
    "assd": _row(
        "assd", _distance(average_surface_distance, both=NAN, one=NAN),
        f"ASSD = mean of both directions pooled, of {BORDERS}; {_RAISES}. MedPy before 0.5 gives "
        "the mean of the two means (MASD).",
    ),
}  # fmt: skip

_RELOADED_EMPTY = "0 if both masks are empty, nan if one is"
_RELOADED = {
    "dice": _row("dice", _reloaded_dice, "Dice = 2TP / (2TP + FP + FN); 1 if both are empty."),
    "iou": _row("iou", _iou, f"IoU = TP / (TP + FP + FN); {BOTH_NAN}."),
    "hd": _row(
        "hd", _distance(hausdorff, both=0.0, one=NAN),
        f"HD = the largest of {BORDERS}; {_RELOADED_EMPTY}.",
    ),
    "hd95": _row(
        "hd95", _distance(hausdorff95, both=0.0, one=NAN),
        f"HD95 = the larger of the two directed 95th percentiles of {BORDERS}; {_RELOADED_EMPTY}.",
    ),
    "assd": _row(
        "assd", _distance(average_surface_distance, both=0.0, one=NAN),
        f"ASSD = mean of both directions pooled, of {BORDERS}; {_RELOADED_EMPTY}.",
    ),
    "masd": _row(
        "masd", _distance(mean_surface_distance, both=0.0, one=NAN),
        f"MASD = mean of the two directed means of {BORDERS}; {_RELOADED_EMPTY}.",
    ),
    "nsd": _row(
        "nsd", _reloaded_nsd,
        "NSD = share of border voxels within the tolerance; 1 if both masks are empty; if one is, "
        "the share near the voxel before the first, as its distance transform has it.",
    ),
}  # fmt: skip

_MONAI_EMPTY = "nan if the truth is empty, 0 if only the prediction is"
_MONAI = {
    "dice": _row(
        "dice", partial(_monai_overlap, _dice), f"Dice = 2TP / (2TP + FP + FN); {_MONAI_EMPTY}."
    ),
    "iou": _row(
        "iou", partial(_monai_overlap, _iou), f"IoU = TP / (TP + FP + FN); {_MONAI_EMPTY}."
    ),
    "hd": _row(
        "hd", _distance(_single(hausdorff), both=NAN, one=INF),
        f"HD = the largest of {BORDERS}; {BOTH_NAN}, infinite if one is.",
    ),
    "hd95": _row(
        "hd95", _distance(_single(hausdorff95), both=NAN, one=NAN),
        f"HD95 = the larger of the two directed 95th percentiles of {BORDERS}; nan if a mask is "
        "empty, so that a mean over cases leaves missed organs out.",
    ),
    "assd": _row(
        "assd", _distance(_single(average_surface_distance), both=NAN, one=INF),
        f"ASSD = mean of both directions pooled, of {BORDERS} (symmetric); {BOTH_NAN}, infinite "
        "if one is.",
    ),
    "nsd": _row(
        "nsd", _monai_nsd,
        f"NSD = share of border voxels within the tolerance, by counts; {BOTH_NAN}, 0 if one is.",
    ),
}  # fmt: skip

_NNUNET = {
    "dice": _row("dice", _dice, f"Dice = 2TP / (2TP + FP + FN); {BOTH_NAN}, 0 if one is."),
    "iou": _row("iou", _iou, f"IoU = TP / (TP + FP + FN); {BOTH_NAN}, 0 if one is."),
}

CONVENTIONS: dict[str, dict[str, Metric]] = {
    "delineate": MEASURES,
    "deepmind": _DEEPMIND,
    "medpy": _MEDPY,
    "metrics_reloaded": _RELOADED,
    "monai": _MONAI,
    "nnunet": _NNUNET,
}
"""Name of a library to the metrics that it has, each computed its way."""
