"""Metrics: how well a mask fits the truth; one row a metric."""

from delineate.metrics.boundary import boundary_iou
from delineate.metrics.centreline import centreline_dice, skeleton
from delineate.metrics.centres import (
    Detection,
    TypedDetection,
    detect_type,
    pair_centres,
)
from delineate.metrics.conventions import CONVENTIONS, Convention, metrics_of
from delineate.metrics.elements import ElementDistances, element_distances
from delineate.metrics.instance import Pairing, Quality, pair_up
from delineate.metrics.lesions import LesionCounts, count_lesions
from delineate.metrics.measures import MEASURES
from delineate.metrics.objects import (
    aggregated_jaccard,
    aggregated_jaccard_plus,
    detection_at_distance,
    detection_f1_at_iou,
    ensemble_dice,
    mean_panoptic_quality,
    panoptic_quality,
    panoptic_quality_by_class,
)
from delineate.metrics.overlap import dice, iou, precision, recall, specificity
from delineate.metrics.pair import Metric, Pair
from delineate.metrics.scoreboard import ALL_CLASSES, Failure, Scoreboard
from delineate.metrics.scoring import Row, score_case
from delineate.metrics.summary import Summary
from delineate.metrics.surface import (
    SurfaceDistances,
    average_surface_distance,
    hausdorff,
    hausdorff95,
    mean_surface_distance,
    surface_dice,
    surface_distances,
)
from delineate.metrics.volume import volume_difference_ml, volume_difference_percent

METRICS: dict[str, Metric] = {name: MEASURES[name] for name in ("dice", "iou", "hd95", "nsd")}
"""Name to metric; a scoreboard measures all of them, in this order."""

__all__ = [
    "ALL_CLASSES", "CONVENTIONS", "MEASURES", "METRICS", "Convention", "Detection",
    "ElementDistances", "Failure", "LesionCounts", "Metric", "Pair", "Pairing", "Quality",
    "Row", "Scoreboard", "Summary", "SurfaceDistances", "TypedDetection",
    "aggregated_jaccard", "aggregated_jaccard_plus", "average_surface_distance",
    "boundary_iou", "centreline_dice", "count_lesions", "detect_type",
    "detection_at_distance", "detection_f1_at_iou", "dice", "element_distances",
    "ensemble_dice", "hausdorff", "hausdorff95", "iou", "mean_panoptic_quality",
    "mean_surface_distance", "metrics_of", "pair_centres", "pair_up", "panoptic_quality",
    "panoptic_quality_by_class", "precision", "recall", "score_case", "skeleton",
    "specificity", "surface_dice", "surface_distances", "volume_difference_ml",
    "volume_difference_percent",
]  # fmt: skip
