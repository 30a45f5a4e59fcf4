"""Dice of centre lines: whether vessels and other tubes stay connected."""

import torch
from torch import Tensor
from torch.nn import functional

from delineate.losses.overlap import first_class
from delineate.losses.pair import PerClass, average_classes, compare, exact


def cldice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    iterations: int = 3,
    smooth: float = 1.0,
    class_weights: PerClass | None = None,
    absent: str = "keep",
    background: bool = False,
) -> Tensor:
    """One minus the Dice of soft skeletons, averaged over classes without background.

    C = 2 P R / (P + R), with P the share of the answer's skeleton inside the truth and R the
    share of the truth's skeleton inside the answer. For tubes only, and beside Dice.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        iterations: Times that objects are thinned; at least their largest radius, in voxels.
        smooth: Added to numerator and denominator of P and R, in voxels; > 0.
        class_weights: Weight of each channel in the average, >= 0; None means 1.
        absent: "keep" pushes classes that the batch lacks to nothing, "skip" leaves them out.
        background: True if class 0 is averaged in; layers have none.

    Returns:
        Mean loss, (), in [0, 1].

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Shit et al., 2021, arXiv:2003.07311, algorithms 1 and 2.
    """
    axes = [0, *range(2, logits.ndim)]
    with exact(logits):
        pair = compare(logits, target)
        chances, truth = pair.chances, pair.truth
        mine, theirs = soft_skeleton(chances, iterations), soft_skeleton(truth, iterations)
        precision = ((mine * truth).sum(axes) + smooth) / (mine.sum(axes) + smooth)
        recall = ((theirs * chances).sum(axes) + smooth) / (theirs.sum(axes) + smooth)
        return average_classes(
            1 - 2 * precision * recall / (precision + recall),
            truth.sum(axes) > 0,
            first=first_class(logits, target, background),
            class_weights=class_weights,
            absent=absent,
        )


def soft_skeleton(chances: Tensor, iterations: int) -> Tensor:
    """Thin probabilities to centre lines: what opening takes away, at each depth.

    Args:
        chances: Probabilities, (N, K, *S), 2-D or 3-D, in [0, 1].
        iterations: Times that objects are thinned.

    Returns:
        Probabilities of lying on a centre line, (N, K, *S).
    """
    skeleton = functional.relu(chances - _open(chances))
    for _ in range(iterations):
        chances = _erode(chances)
        ridge = functional.relu(chances - _open(chances))
        skeleton = skeleton + functional.relu(ridge - skeleton * ridge)
    return skeleton


def _erode(chances: Tensor) -> Tensor:
    """Take the least of each voxel and its neighbours along the axes."""
    dims = chances.ndim - 2
    thinned = [
        _largest(-chances, [3 if axis == own else 1 for own in range(dims)]) for axis in range(dims)
    ]
    return -torch.stack(thinned).amax(0)


def _open(chances: Tensor) -> Tensor:
    return _largest(_erode(chances), [3] * (chances.ndim - 2))


def _largest(values: Tensor, window: list[int]) -> Tensor:
    pool = functional.max_pool2d if len(window) == 2 else functional.max_pool3d
    return pool(values, window, stride=1, padding=[side // 2 for side in window])
