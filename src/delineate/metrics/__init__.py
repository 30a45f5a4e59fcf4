"""Metrics: how well a mask fits the truth; one row a metric."""

from delineate.metrics.overlap import dice, iou, precision, recall
from delineate.metrics.pair import Metric, Pair
from delineate.metrics.scoreboard import ALL_CLASSES, Failure, Scoreboard
from delineate.metrics.scoring import Row, score_case
from delineate.metrics.summary import Summary
from delineate.metrics.surface import (
    SurfaceDistances,
    average_surface_distance,
    hausdorff,
    hausdorff95,
    surface_dice,
    surface_distances,
)

# Objects told apart, from two id maps.
from delineate.metrics.centres import (  # isort: skip
    Detection,
    TypedDetection,
    detect_type,
    pair_centres,
)
from delineate.metrics.instance import Pairing, Quality, pair_up  # isort: skip
from delineate.metrics.objects import (  # isort: skip
    aggregated_jaccard,
    aggregated_jaccard_plus,
    detection_at_distance,
    detection_f1_at_iou,
    ensemble_dice,
    mean_panoptic_quality,
    panoptic_quality,
    panoptic_quality_by_class,
)

METRICS: dict[str, Metric] = {
    "dice": Metric(
        measure=lambda pair: dice(pair.prediction, pair.truth),
        title="Dice",
        unit="",
        better="higher",
        convention="Dice = 2TP / (2TP + FP + FN), in voxels; 0 if only one mask is empty.",
    ),
    "iou": Metric(
        measure=lambda pair: iou(pair.prediction, pair.truth),
        title="IoU",
        unit="",
        better="higher",
        convention="IoU = TP / (TP + FP + FN), in voxels; 0 if only one mask is empty.",
    ),
    "hd95": Metric(
        measure=lambda pair: hausdorff95(pair.distances),
        title="HD95",
        unit="mm",
        better="lower",
        convention=(
            "HD95 = the larger of the two directed 95th percentiles (linear interpolation) of "
            "distances between voxel borders (mask minus its erosion by one face-neighbour), as "
            "MONAI and Metrics Reloaded compute it; the image's diagonal if only one mask is empty."
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
}
"""Name to metric; a scoreboard measures all of them, in this order."""

__all__ = [
    "ALL_CLASSES", "METRICS", "Failure", "Metric", "Pair", "Row", "Scoreboard", "Summary",
    "SurfaceDistances", "average_surface_distance", "dice", "hausdorff", "hausdorff95", "iou",
    "precision", "recall", "score_case", "surface_dice", "surface_distances",
]  # fmt: skip
__all__ += [
    "Detection", "Pairing", "Quality", "TypedDetection", "aggregated_jaccard",
    "aggregated_jaccard_plus", "detect_type", "detection_at_distance", "detection_f1_at_iou",
    "ensemble_dice", "mean_panoptic_quality", "pair_centres", "pair_up", "panoptic_quality",
    "panoptic_quality_by_class",
]  # fmt: skip
