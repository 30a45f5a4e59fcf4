"""Every metric of Delineate's own convention as a row.

Two empty masks are nan, which a scoreboard counts as absent; where exactly one is empty, shares
are 0 and distances the diagonal of the image, since a missed organ must cost.
"""

from delineate.metrics.boundary import boundary_iou
from delineate.metrics.centreline import centreline_dice
from delineate.metrics.lesions import count_lesions
from delineate.metrics.overlap import specificity
from delineate.metrics.pair import Metric, Pair
from delineate.metrics.surface import (
    average_surface_distance,
    hausdorff,
    hausdorff95,
    mean_surface_distance,
    surface_dice,
)
from delineate.metrics.volume import volume_difference_ml, volume_difference_percent

BORDERS = "distances between voxel borders (mask minus its erosion by one face-neighbour)"
"""What a distance is measured between, as reports say it."""


def _boundary_iou(pair: Pair) -> float:
    return boundary_iou(pair.prediction, pair.truth, pair.spacing_mm, width_mm=pair.tolerance_mm)


def _volume_ml(pair: Pair) -> float:
    return abs(volume_difference_ml(pair.prediction, pair.truth, pair.spacing_mm))


MEASURES: dict[str, Metric] = {
    "dice": Metric(
        measure=lambda pair: pair.counts.dice,
        title="Dice",
        unit="",
        better="higher",
        convention="Dice = 2TP / (2TP + FP + FN), in voxels; 0 if only one mask is empty.",
    ),
    "iou": Metric(
        measure=lambda pair: pair.counts.iou,
        title="IoU",
        unit="",
        better="higher",
        convention="IoU = TP / (TP + FP + FN), in voxels; 0 if only one mask is empty.",
    ),
    "precision": Metric(
        measure=lambda pair: pair.counts.precision,
        title="Precision",
        unit="",
        better="higher",
        convention="Precision = TP / (TP + FP), in voxels; 0 if only one mask is empty.",
    ),
    "recall": Metric(
        measure=lambda pair: pair.counts.recall,
        title="Recall",
        unit="",
        better="higher",
        convention="Recall (sensitivity) = TP / (TP + FN), in voxels; 0 if only one is empty.",
    ),
    "specificity": Metric(
        measure=lambda pair: specificity(pair.prediction, pair.truth),
        title="Specificity",
        unit="",
        better="higher",
        convention="Specificity = TN / (TN + FP), in voxels of the whole image.",
    ),
    "volume_ml": Metric(
        measure=_volume_ml,
        title="Volume error",
        unit="mL",
        better="lower",
        convention="Volume error = size of the difference of the two volumes.",
    ),
    "volume_percent": Metric(
        measure=lambda pair: abs(volume_difference_percent(pair.prediction, pair.truth)),
        title="Relative volume error",
        unit="%",
        better="lower",
        convention=(
            "Relative volume error = size of the difference of the two volumes in percent of the "
            "truth's; infinite if only the truth is empty."
        ),
    ),
    "hd": Metric(
        measure=lambda pair: hausdorff(pair.distances),
        title="HD",
        unit="mm",
        better="lower",
        convention=f"HD = the largest of {BORDERS}; the image's diagonal if only one is empty.",
    ),
    "hd95": Metric(
        measure=lambda pair: hausdorff95(pair.distances),
        title="HD95",
        unit="mm",
        better="lower",
        convention=(
            f"HD95 = the larger of the two directed 95th percentiles (linear interpolation) of "
            f"{BORDERS}, as MONAI and Metrics Reloaded compute it; the image's diagonal if only "
            "one mask is empty."
        ),
    ),
    "assd": Metric(
        measure=lambda pair: average_surface_distance(pair.distances),
        title="ASSD",
        unit="mm",
        better="lower",
        convention=(
            f"ASSD = mean of the {BORDERS} of both directions together; the image's diagonal if "
            "only one mask is empty."
        ),
    ),
    "masd": Metric(
        measure=lambda pair: mean_surface_distance(pair.distances),
        title="MASD",
        unit="mm",
        better="lower",
        convention=(
            f"MASD = mean of the two directed means of {BORDERS}; the image's diagonal if only "
            "one mask is empty."
        ),
    ),
    "nsd": Metric(
        measure=lambda pair: surface_dice(pair.distances, pair.tolerance_mm),
        title="NSD",
        unit="",
        better="higher",
        convention=(
            "NSD (surface Dice) = share of the border voxels of both masks that lie within the "
            "tolerance of the other border, by voxel counts as Metrics Reloaded computes it; "
            "0 if only one mask is empty."
        ),
    ),
    "boundary_iou": Metric(
        measure=_boundary_iou,
        title="Boundary IoU",
        unit="",
        better="higher",
        convention=(
            "Boundary IoU = IoU of the voxels of each mask within the tolerance of its own border "
            "voxels; 0 if only one mask is empty."
        ),
    ),
    "cldice": Metric(
        measure=lambda pair: centreline_dice(pair.prediction, pair.truth),
        title="clDice",
        unit="",
        better="higher",
        convention=(
            "clDice = harmonic mean of the shares of each centreline (topology-preserving "
            "thinning) within the other mask; 0 if only one mask is empty."
        ),
    ),
    "lesion_f1": Metric(
        measure=lambda pair: count_lesions(pair.prediction, pair.truth).f1,
        title="Lesion F1",
        unit="",
        better="higher",
        convention=(
            "Lesion F1 = 2 found / (2 found + missed + invented), pieces joined by corners, one "
            "shared voxel being enough; 0 if only one mask is empty."
        ),
    ),
}
"""Name to metric; those of distances share what one pair measured."""
