"""One case against its truth: a row per class, or a sentence that says why not."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import GeometryError, LabelError
from delineate.core.geometry import Geometry
from delineate.core.image import Mask
from delineate.core.labels import Label, LabelTable
from delineate.metrics.pair import Metric, Pair, Status

MM3_PER_ML = 1000.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """All metrics of one class in one case."""

    case: str
    """The case's id."""
    patient: str
    """Whose it is."""
    label: str
    """The class's name."""
    status: Status
    """Scored, missed (only in the truth), spurious (only predicted) or absent (in neither)."""
    values: Mapping[str, float]
    """Metric name to number; nan if absent."""
    truth_ml: float = math.nan
    """Volume of the class in the truth, in ml; nan where no volume is known."""
    prediction_ml: float = math.nan
    """Volume of the class in the prediction, in ml; nan where no volume is known."""


def score_case(
    prediction: Mask,
    truth: Mask,
    labels: LabelTable,
    metrics: Mapping[str, Metric],
    *,
    case: str,
    patient: str,
    tolerance_mm: float | Mapping[str, float],
    has_truth_ids: bool = False,
) -> tuple[Row, ...]:
    """Measure every class of one case with every metric.

    Args:
        prediction: What the model wrote: label ids (*S) or layers (L, *S).
        truth: What is so, on the same grid; its spacing counts.
        labels: What the numbers mean; voxels of its `ignore` value do not count.
        metrics: Rows of `METRICS`.
        case: The case's id.
        patient: Whose it is.
        tolerance_mm: How far apart two borders may lie and still agree, in mm; for all classes,
            or by the class's name.
        has_truth_ids: True if the prediction of a table with regions holds the truth's ids,
            as nnU-Net writes them, and not the ids of the regions.

    Returns:
        A row per class, in the table's order.

    Raises:
        GeometryError: If the two grids differ.
        LabelError: If either mask holds a value or a number of layers that the table lacks.
    """
    _check_grids(prediction, truth, case)
    _check_values(prediction, labels, f"the prediction of {case}", has_truth_ids=has_truth_ids)
    _check_values(truth, labels, f"the truth of {case}", has_truth_ids=True)
    counted = _counted(truth, labels)
    rows = []
    for label in labels.labels:
        said = _predicted(prediction, label, labels, has_truth_ids=has_truth_ids)
        true = truth.region(label, labels)
        if counted is not None:
            said, true = said & counted, true & counted
        spacing = truth.geometry.spacing_mm
        limit = tolerance_mm[label.name] if isinstance(tolerance_mm, Mapping) else tolerance_mm
        pair = Pair(prediction=said, truth=true, spacing_mm=spacing, tolerance_mm=limit)
        values = {name: float(metric.measure(pair)) for name, metric in metrics.items()}
        rows.append(
            Row(
                case=case,
                patient=patient,
                label=label.name,
                status=pair.status,
                values=values,
                truth_ml=_volume_ml(true, truth.geometry),
                prediction_ml=_volume_ml(said, truth.geometry),
            )
        )
    return tuple(rows)


def _check_grids(prediction: Mask, truth: Mask, case: str) -> None:
    ours, theirs = prediction.geometry, truth.geometry
    if ours.shape != theirs.shape:
        raise GeometryError(
            f"The prediction of {case} has shape {ours.shape} and its truth {theirs.shape}. "
            "Predict on the image that the truth was drawn on, or pass --resample."
        )
    tolerance = 0.1 * min(theirs.spacing_mm)
    if not ours.agrees_with(theirs, tolerance_mm=tolerance):
        raise GeometryError(
            f"The grids of the prediction and the truth of {case} lie up to "
            f"{ours.corner_distance_mm(theirs):.3g} mm apart ({_differing(ours, theirs)}), where "
            f"at most {tolerance:.3g} mm is rounding. Repair the header that is wrong, or pass "
            "--resample if both are right."
        )


def _differing(ours: Geometry, theirs: Geometry) -> str:
    """Name what two grids differ in, with both values: the first is the prediction's."""
    lengths = [np.asarray(grid.spacing_mm) for grid in (ours, theirs)]
    turns = [
        grid.affine[:-1, :-1] / steps for grid, steps in zip((ours, theirs), lengths, strict=True)
    ]
    if not np.allclose(lengths[0], lengths[1], rtol=1e-3):
        return f"spacing {_plain(ours.spacing_mm)} and {_plain(theirs.spacing_mm)} mm"
    if not np.allclose(turns[0], turns[1], atol=1e-3):
        first, second = (np.round(turn.T, 3).tolist() for turn in turns)
        return f"directions of the axes {first} and {second}"
    first, second = (np.round(grid.affine[:-1, -1], 3).tolist() for grid in (ours, theirs))
    return f"origin {first} and {second} mm"


def _volume_ml(mask: NDArray[np.bool_], grid: Geometry) -> float:
    """Measure a volume; a picture has none, nor what knows no millimetres."""
    if grid.dims != 3 or not grid.is_physical:
        return math.nan
    return float(np.count_nonzero(mask) * abs(np.linalg.det(grid.affine[:-1, :-1])) / MM3_PER_ML)


def _check_values(mask: Mask, labels: LabelTable, where: str, *, has_truth_ids: bool) -> None:
    if mask.num_layers is not None:
        if mask.num_layers != len(labels.labels):
            raise LabelError(
                f"{where} has {mask.num_layers} layers where the label table has "
                f"{len(labels.labels)} classes {list(labels.names)}. Write one layer a class."
            )
        return
    if not np.issubdtype(mask.array.dtype, np.integer) and mask.array.dtype != np.bool_:
        raise LabelError(
            f"{where} holds numbers of type {mask.array.dtype}, not label ids. "
            "Write whole numbers, one a class."
        )
    known = set(labels.values)
    if not has_truth_ids:
        known = {0, *(label.id for label in labels.labels)}
        known |= set() if labels.ignore is None else {labels.ignore}
    strange = sorted({int(value) for value in np.unique(mask.array)} - known)
    if strange:
        raise LabelError(
            f"{where} holds label values {strange[:8]} that the label table "
            f"({', '.join(f'{label.name} = {label.id}' for label in labels.labels)}) does not "
            "know. Correct the mask, or evaluate with the table that it was written with."
        )


def _counted(truth: Mask, labels: LabelTable) -> NDArray[np.bool_] | None:
    if labels.ignore is None or truth.num_layers is not None:
        return None
    counted = np.asarray(truth.array != labels.ignore)
    return None if counted.all() else counted


def _predicted(
    prediction: Mask, label: Label, labels: LabelTable, *, has_truth_ids: bool
) -> NDArray[np.bool_]:
    """Cut out one class; a region also holds the regions within it, painted over it."""
    if prediction.num_layers is not None or has_truth_ids:
        return prediction.region(label, labels)
    within = [other.id for other in labels.labels if set(other.ids) <= set(label.ids)]
    return np.isin(prediction.array, within) if len(within) > 1 else prediction.array == label.id


def _plain(spacing: tuple[float, ...]) -> str:
    return " x ".join(f"{step:.4g}" for step in spacing)
