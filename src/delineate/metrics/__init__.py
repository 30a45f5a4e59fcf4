"""Metrics: how well a mask fits the truth; one row a metric."""

from delineate.metrics.boundary import boundary_iou
from delineate.metrics.centreline import centreline_dice, skeleton
from delineate.metrics.conventions import CONVENTIONS, Convention, metrics_of
from delineate.metrics.elements import ElementDistances, element_distances
from delineate.metrics.lesions import LesionCounts, count_lesions
from delineate.metrics.measures import MEASURES
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
    "ALL_CLASSES", "CONVENTIONS", "MEASURES", "METRICS", "Convention", "ElementDistances",
    "Failure", "LesionCounts", "Metric", "Pair", "Row", "Scoreboard", "Summary",
    "SurfaceDistances", "average_surface_distance", "boundary_iou", "centreline_dice",
    "count_lesions", "dice", "element_distances", "hausdorff", "hausdorff95", "iou",
    "mean_surface_distance", "metrics_of", "precision", "recall", "score_case", "skeleton",
    "specificity", "surface_dice", "surface_distances", "volume_difference_ml",
    "volume_difference_percent",
]  # fmt: skip
