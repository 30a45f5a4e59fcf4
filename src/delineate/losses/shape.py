"""Dice beside a loss of shape, which does not find objects by itself."""

from collections.abc import Sequence

from torch import Tensor

from delineate.losses.boundary import boundary_loss
from delineate.losses.cldice import cldice_loss
from delineate.losses.hausdorff_dt import hausdorff_dt_loss
from delineate.losses.overlap import dice_loss
from delineate.losses.pair import PerClass


def dice_boundary_loss(
    logits: Tensor,
    target: Tensor,
    *,
    share: float = 0.1,
    clip: float = 20.0,
    spacing: Sequence[float] | None = None,
    smooth: float = 1.0,
    class_weights: PerClass | None = None,
    absent: str = "keep",
) -> Tensor:
    """Dice and boundary loss, (1 - a) to a; for outlines, once objects are found.

    In the paper a begins at 0.01 and grows by 0.01 an epoch.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        share: The a, in [0, 1].
        clip: Distance from which farther is no worse, > 0, in voxels or units of `spacing`.
        spacing: Size of a voxel along each axis of S; None means 1.
        smooth: Smoothing of the Dice term, in voxels.
        class_weights: Weight of each channel in the Dice term, >= 0; None means 1.
        absent: "keep" or "skip", of both terms.

    Returns:
        Loss, (), may be negative.

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Kervadec et al., 2019, arXiv:1812.07032, section 3, with Dice of all classes.
    """
    overlap = dice_loss(logits, target, smooth=smooth, class_weights=class_weights, absent=absent)
    border = boundary_loss(logits, target, clip=clip, spacing=spacing, absent=absent)
    return (1 - share) * overlap + share * border


def dice_hausdorff_loss(
    logits: Tensor,
    target: Tensor,
    *,
    hausdorff_weight: float = 1.0,
    alpha: float = 2.0,
    spacing: Sequence[float] | None = None,
    smooth: float = 1.0,
    class_weights: PerClass | None = None,
) -> Tensor:
    """Dice plus weighted Hausdorff estimate, for outliers far from an object.

    The estimate is small, as distances are shares of the diagonal: raise its weight until both
    terms are of one size.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        hausdorff_weight: Weight of the Hausdorff term, >= 0.
        alpha: Power of distances in it, > 0.
        spacing: Size of a voxel along each axis of S; None means 1.
        smooth: Smoothing of the Dice term, in voxels.
        class_weights: Weight of each channel in the Dice term, >= 0; None means 1.

    Returns:
        Loss, (), >= 0.

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Karimi and Salcudean, 2019, arXiv:1904.10030, section III.
    """
    overlap = dice_loss(logits, target, smooth=smooth, class_weights=class_weights)
    far = hausdorff_dt_loss(logits, target, alpha=alpha, spacing=spacing)
    return overlap + hausdorff_weight * far


def dice_cldice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    share: float = 0.5,
    iterations: int = 3,
    smooth: float = 1.0,
    class_weights: PerClass | None = None,
    absent: str = "keep",
) -> Tensor:
    """Dice and clDice, (1 - a) to a; for vessels and other tubes.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        share: The a, in [0, 1].
        iterations: Times that tubes are thinned; at least their largest radius, in voxels.
        smooth: Smoothing of both terms, in voxels.
        class_weights: Weight of each channel in both terms, >= 0; None means 1.
        absent: "keep" or "skip", of both terms.

    Returns:
        Loss, (), in [0, 1].

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Shit et al., 2021, arXiv:2003.07311, equation 3.
    """
    overlap = dice_loss(logits, target, smooth=smooth, class_weights=class_weights, absent=absent)
    lines = cldice_loss(
        logits,
        target,
        iterations=iterations,
        smooth=smooth,
        class_weights=class_weights,
        absent=absent,
    )
    return (1 - share) * overlap + share * lines
