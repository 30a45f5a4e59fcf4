"""MoNuSeg: mean AJI of the images, polygons turned into pixels the challenge's way.

How polygons become pixels decides as much as the model: a shift by a pixel costs a fifth of
AJI, painting the last polygon on top some hundredths. So both conventions have names.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from delineate.core.errors import pick
from delineate.core.rasters import CENTRES, STACKINGS, Centre, Stacking, rasterise
from delineate.metrics.instance import Ids, aggregated_jaccard, pair_up
from delineate.metrics.official.outcome import Mean, Outcome


@dataclass
class MoNuSeg:
    """Scores images one by one."""

    order: Stacking = "first"
    """Who keeps a pixel that several polygons claim; "first" is official."""
    centre: Centre = "matlab"
    """Where polygons put the first pixel's centre; "matlab" is official."""
    _aji: Mean = field(default_factory=Mean, repr=False)
    _counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("images", "both_empty"), 0), repr=False
    )

    def __post_init__(self) -> None:
        """Check the conventions.

        Raises:
            UnknownNameError: If there is no such order or centre.
        """
        pick(dict.fromkeys(STACKINGS), self.order, what="order of polygons")
        pick(CENTRES, self.centre, what="pixel convention")

    @property
    def convention(self) -> str:
        """How exactly it computes, in a sentence."""
        is_official = (self.order, self.centre) == ("first", "matlab")
        return (
            f"MoNuSeg, {'official' if is_official else 'not the official rasterisation'}: AJI of "
            "each image (the prediction of the largest IoU, which may serve several nuclei), "
            "averaged over the images; polygons are rasterised by "
            f'order="{self.order}", centre="{self.centre}".'
        )

    def add(self, prediction: Ids, truth: Ids | Sequence[ArrayLike]) -> None:
        """Score one image.

        Args:
            prediction: Ids, (Y, X), 0 outside; gaps do no harm.
            truth: Ids, (Y, X), taken as they are; or polygons, corners (x, y) as the file has
                them, (V, 2) each, in the file's order.

        Raises:
            ShapeError: If the maps differ in shape, or a polygon is no list of finite pairs.
            LabelError: If the maps hold no ids.
        """
        is_map = isinstance(truth, np.ndarray) and truth.ndim == 2 and truth.dtype.kind in "iu"
        ids: NDArray[np.int32] | Ids
        if is_map:
            ids = np.asarray(truth)
        else:
            shape = prediction.shape
            ids = rasterise(list(truth), shape, order=self.order, centre=self.centre)
        score = aggregated_jaccard(pair_up(ids, prediction))
        self._aji.add(score)
        self._counts["images"] += 1
        self._counts["both_empty"] += bool(np.isnan(score))

    def result(self) -> Outcome:
        """Average the images so far.

        Returns:
            `aji`. The challenge ranks nobody whose images are not all there, so compare the
            count of images with the test set's.
        """
        return Outcome(
            scorer="monuseg",
            convention=self.convention,
            scores={"aji": self._aji.value},
            counts=dict(self._counts),
        )
