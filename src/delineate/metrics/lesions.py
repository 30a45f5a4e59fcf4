"""Which lesions were found, each piece that hangs together counting once."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import GeometryError
from delineate.metrics.overlap import check_shapes


@dataclass(frozen=True, kw_only=True)
class LesionCounts:
    """How many lesions were found, missed and invented."""

    found: int
    """Lesions of the truth that the prediction overlaps enough."""
    missed: int
    """Lesions of the truth that it does not."""
    invented: int
    """Lesions of the prediction that the truth does not overlap enough."""

    @property
    def f1(self) -> float:
        """2 found / (2 found + missed + invented); nan if there is no lesion at all."""
        total = 2 * self.found + self.missed + self.invented
        return 2 * self.found / total if total else float("nan")


def count_lesions(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    *,
    overlap: float = 0.0,
    touching: Literal["corners", "faces"] = "corners",
) -> LesionCounts:
    """Count the lesions that two masks share, and those that only one of them has.

    A true lesion is found if more than a share of its voxels is predicted, in however many
    pieces; a predicted lesion is invented unless more than that share of its voxels is true.

    Args:
        prediction: Mask, (*S), bool.
        truth: Mask, (*S), bool.
        overlap: The share, in [0, 1); 0 asks for one voxel.
        touching: What makes voxels one lesion: a shared corner or only a shared face.

    Returns:
        The three counts; all 0 if both masks are empty.

    Raises:
        ShapeError: If the shapes differ.
        GeometryError: If the share is out of range.

    Example:
        >>> truth = np.array([1, 1, 0, 1, 0, 0], bool)
        >>> count_lesions(np.array([0, 1, 0, 0, 0, 1], bool), truth).f1
        0.5
    """
    check_shapes(prediction, truth)
    if not 0 <= overlap < 1:
        raise GeometryError(
            f"overlap must be at least 0 and less than 1, not {overlap}. "
            "Pass the share of a lesion that must be found, such as 0.1."
        )
    said, true = np.asarray(prediction, dtype=bool), np.asarray(truth, dtype=bool)
    is_found = _covered(true, said, overlap, touching)
    is_real = _covered(said, true, overlap, touching)
    return LesionCounts(
        found=int(is_found.sum()), missed=int((~is_found).sum()), invented=int((~is_real).sum())
    )


def _covered(
    lesions: NDArray[np.bool_], other: NDArray[np.bool_], overlap: float, touching: str
) -> NDArray[np.bool_]:
    """Say for each lesion of one mask whether the other covers more than a share of it."""
    from scipy.ndimage import generate_binary_structure, label  # the metrics' face stays light

    reach = lesions.ndim if touching == "corners" else 1
    pieces, num = label(lesions, structure=generate_binary_structure(lesions.ndim, reach))
    sizes = np.bincount(pieces[lesions], minlength=num + 1)[1:]
    shared = np.bincount(pieces[lesions & other], minlength=num + 1)[1:]
    return np.asarray(shared > overlap * sizes)
