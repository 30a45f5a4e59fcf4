"""Whether a model that says 80 % is right eight times of ten: reliability, ECE, Brier.

Counts are summed voxel by voxel over all cases, so memory does not grow with them, and two
accumulators merge into what one pass would have counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import DelineateError, LabelError, ShapeError

FloatArray = NDArray[np.float64]
NUM_BINS = 15


@dataclass(frozen=True, kw_only=True, eq=False)
class Reliability:
    """What was said against what was so, in bins of equal width, closed on the right."""

    edges: FloatArray
    """Borders of the bins, (B + 1,), from 0 to 1; 0 itself belongs to the first bin."""
    confidence: FloatArray
    """Mean probability said in each bin, (B,); nan in an empty bin."""
    accuracy: FloatArray
    """Share that was so in each bin, (B,); nan in an empty bin."""
    count: NDArray[np.int64]
    """Voxels in each bin, (B,)."""

    @property
    def ece(self) -> float:
        """Expected calibration error: gaps weighted by voxels, in [0, 1]; nan without a voxel."""
        total = int(self.count.sum())
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(gaps * self.count) / total) if total else float("nan")


class Calibration:
    """Adds up, case by case, how far probabilities agree with the truth.

    Conventions: the global curve and the band's take each voxel's largest probability and
    whether that class is right (Guo et al., 2017, arXiv:1706.04599; ties go to the lower class);
    the curve of a class takes its probability in all voxels, one against the rest. Brier is the
    sum over classes of squared errors, averaged over voxels, in [0, 2] (Brier, 1950).
    """

    def __init__(
        self, num_classes: int = 2, *, num_bins: int = NUM_BINS, band_width: float | None = None
    ) -> None:
        """Start with nothing counted.

        Args:
            num_classes: K, with the background; a binary probability counts as two classes.
            num_bins: Bins of equal width.
            band_width: Voxels at most this far from a change of the true label make the
                boundary band, in the unit of the spacing (mm, or px); None for no band.

        Raises:
            LabelError: If there are fewer than two classes or no bin, or a negative width.
        """
        if num_classes < 2 or num_bins < 1 or (band_width is not None and not band_width >= 0):
            raise LabelError(
                "Calibration needs at least 2 classes, 1 bin and a band of at least 0, not "
                f"{num_classes}, {num_bins} and {band_width}. Count the background as a class."
            )
        self.num_classes, self.num_bins, self.band_width = num_classes, num_bins, band_width
        # Rows: largest probability, the same in the band, then each class against the rest.
        self.count = np.zeros((num_classes + 2, num_bins), dtype=np.int64)
        self.right = np.zeros_like(self.count)
        self.said = np.zeros(self.count.shape)
        self.squares, self.num_voxels = np.zeros(num_classes), 0

    def add(
        self,
        probabilities: NDArray[Any],
        truth: NDArray[Any],
        *,
        ignore: int | None = None,
        spacing: Sequence[float] | None = None,
    ) -> None:
        """Count one case.

        Args:
            probabilities: (K, *S) summing to 1, or (*S) of the foreground; float in [0, 1].
            truth: Class ids in [0, K), (*S), whole numbers or bool.
            ignore: Id in the truth whose voxels count nowhere.
            spacing: Voxel size in array order, in the unit of the band's width; 1 by default.
        """
        layers, labels, counted = check_case(
            probabilities, truth, num_classes=self.num_classes, ignore=ignore
        )
        chosen, top = layers.argmax(axis=0), layers.max(axis=0)
        is_right = chosen == labels
        self._count(0, top[counted], is_right[counted])
        if self.band_width is not None:
            near = boundary_band(labels, self.band_width, counted=counted, spacing=spacing)
            self._count(1, top[near], is_right[near])
        for place in range(self.num_classes):
            said, so = layers[place][counted], labels[counted] == place
            self._count(2 + place, said, so)
            self.squares[place] += float(((said - so) ** 2).sum())
        self.num_voxels += int(counted.sum())

    def merge(self, other: "Calibration") -> "Calibration":
        """Add two accumulators, as if one had seen all cases.

        Args:
            other: One with equal classes, bins and band.

        Returns:
            A new accumulator.

        Raises:
            ShapeError: If classes, bins or bands differ.
        """
        keys = ("num_classes", "num_bins", "band_width")
        ours, theirs = ([getattr(one, key) for key in keys] for one in (self, other))
        if ours != theirs:
            raise ShapeError(
                f"Classes, bins and band must be equal to merge, not {ours} and {theirs}. "
                "Start both accumulators alike."
            )
        both = Calibration(self.num_classes, num_bins=self.num_bins, band_width=self.band_width)
        for key in ("count", "right", "said", "squares", "num_voxels"):
            setattr(both, key, getattr(self, key) + getattr(other, key))
        return both

    @property
    def curve(self) -> Reliability:
        """Reliability of the largest probability in all voxels."""
        return self._curve(0)

    @property
    def band_curve(self) -> Reliability:
        """Reliability of the largest probability in the boundary band; empty without one."""
        return self._curve(1)

    @property
    def class_curves(self) -> tuple[Reliability, ...]:
        """Reliability of each class against the rest, K in all."""
        return tuple(self._curve(2 + place) for place in range(self.num_classes))

    @property
    def brier(self) -> float:
        """Brier score in [0, 2], 0 is best; nan without a voxel."""
        return float(self.squares.sum() / self.num_voxels) if self.num_voxels else float("nan")

    @property
    def brier_by_class(self) -> FloatArray:
        """Each class's share of the Brier score, (K,), in [0, 1]; nan without a voxel."""
        return self.squares / self.num_voxels if self.num_voxels else self.squares * np.nan

    def _count(self, row: int, said: FloatArray, is_so: NDArray[np.bool_]) -> None:
        edges = np.linspace(0, 1, self.num_bins + 1)
        places = np.clip(np.searchsorted(edges, said, side="left") - 1, 0, self.num_bins - 1)
        self.count[row] += np.bincount(places, minlength=self.num_bins)
        self.right[row] += np.bincount(places[is_so], minlength=self.num_bins)
        self.said[row] += np.bincount(places, weights=said, minlength=self.num_bins)

    def _curve(self, row: int) -> Reliability:
        number = np.where(self.count[row] > 0, self.count[row], np.nan)
        return Reliability(
            edges=np.linspace(0, 1, self.num_bins + 1), confidence=self.said[row] / number,
            accuracy=self.right[row] / number, count=self.count[row].copy(),
        )  # fmt: skip


def boundary_band(
    labels: NDArray[Any],
    width: float,
    *,
    counted: NDArray[np.bool_],
    spacing: Sequence[float] | None = None,
) -> NDArray[np.bool_]:
    """Find the voxels near a change of the label.

    Voxels on both sides of a change between face-neighbours have distance 0; changes to an
    ignored voxel are none.

    Args:
        labels: Class ids, (*S).
        width: Largest distance between voxel centres, in the unit of the spacing.
        counted: False where the truth is ignored, (*S), bool.
        spacing: Voxel size in array order; 1 by default.

    Returns:
        The band, (*S), bool; empty where nothing changes.
    """
    from scipy.ndimage import distance_transform_edt  # the metrics' face stays light

    rim = np.zeros(labels.shape, dtype=bool)
    for axis in range(labels.ndim):
        here, mine, seen = (np.moveaxis(grid, axis, 0) for grid in (rim, labels, counted))
        changes = (mine[1:] != mine[:-1]) & seen[1:] & seen[:-1]
        here[1:] |= changes
        here[:-1] |= changes
    if not rim.any():
        return rim
    return np.asarray((distance_transform_edt(~rim, sampling=spacing) <= width) & counted)


def check_case(
    probabilities: NDArray[Any], truth: NDArray[Any], *, num_classes: int, ignore: int | None
) -> tuple[FloatArray, NDArray[np.int64], NDArray[np.bool_]]:
    """Bring a case into one form, or say what is wrong with it.

    Args:
        probabilities: (K, *S), or (*S) of the foreground.
        truth: Class ids, (*S).
        num_classes: K.
        ignore: Id in the truth whose voxels count nowhere.

    Returns:
        Probabilities (K, *S), class ids (*S), and where the truth counts (*S).

    Raises:
        ShapeError: If the shapes do not go together.
        DelineateError: If counted probabilities are not in [0, 1] or do not sum to 1.
        LabelError: If the truth holds other values than ids in [0, K).
    """
    said, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(truth)
    if said.shape == labels.shape and num_classes == 2:
        said = np.stack([1 - said, said])
    if said.shape != (num_classes, *labels.shape):
        raise ShapeError(
            f"probabilities must be ({num_classes}, *S) for a truth of shape {labels.shape}, not "
            f"{said.shape}. Pass one layer a class, the background first."
        )
    counted = np.ones(labels.shape, bool) if ignore is None else np.asarray(labels != ignore)
    seen = said[:, counted]
    if seen.size and not (seen.min() >= 0 and seen.max() <= 1):
        raise DelineateError(
            f"probabilities must lie in [0, 1], not in [{seen.min():g}, {seen.max():g}]. "
            "Pass them after the softmax, without nan."
        )
    if seen.size and np.abs(seen.sum(axis=0) - 1).max() > 1e-2:
        raise DelineateError(
            "probabilities must sum to 1 over the classes in every voxel. "
            "Score overlapping classes one by one, as binary."
        )
    strange = sorted({value.item() for value in np.unique(labels[counted])} - {*range(num_classes)})
    if strange:
        raise LabelError(
            f"The truth holds {strange[:8]}, where ids go from 0 to {num_classes - 1}. "
            "Correct the truth, or name the id to ignore."
        )
    return said, np.where(counted, labels, 0).astype(np.int64), counted
