"""An answer beside its truth: probabilities and one-hot classes on one grid, ignored voxels out.

Every loss starts here, so that ids and layers, the ignored label and the precision mean the same
in all of them: at least float32 (float64 stays), under autocast too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from delineate.core.errors import ShapeError, pick

IGNORED = -1
"""Label of voxels that count nowhere."""
ABSENT = {"keep": False, "skip": True}
"""What becomes of classes that the truth of a batch does not hold: they go on being pushed to
nothing, or they are left out of the average."""
TINY = 1e-12

PerClass = float | Sequence[float] | Tensor
"""One number for all classes, or one for each of the K channels."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """Probabilities and truth of one batch, both 0 where the truth is ignored."""

    chances: Tensor
    """Softmax or sigmoid of the scores, (N, K, *S), in [0, 1]."""
    truth: Tensor
    """1 where the class is, (N, K, *S), of the type of `chances`."""
    valid: Tensor
    """True where the truth is known, (N, 1, *S) or (N, K, *S)."""
    first: int
    """First class that counts as foreground: 1 beside a background, 0 for layers."""


def exact(logits: Tensor) -> torch.autocast:
    """Switch autocast off, so that sums over many voxels keep their digits.

    Args:
        logits: Anything on the device in question.

    Returns:
        A context manager.
    """
    return torch.autocast(logits.device.type, enabled=False)


def promote(values: Tensor) -> Tensor:
    """Give at least float32: half precision rises, float64 stays.

    Args:
        values: Any floats.

    Returns:
        The same numbers.
    """
    return values if values.dtype == torch.float64 else values.float()


def has_layers(logits: Tensor, target: Tensor) -> bool:
    """Tell layers, which may overlap, from class ids.

    Args:
        logits: Raw scores, (N, K, *S).
        target: Class ids (N, *S), or layers (N, K, *S).

    Returns:
        True for layers.
    """
    return target.ndim == logits.ndim


def check_shapes(logits: Tensor, target: Tensor) -> None:
    """Refuse logits and targets that do not lie on one grid.

    Args:
        logits: Raw scores, (N, K, *S).
        target: Class ids (N, *S), or layers (N, K, *S).

    Raises:
        ShapeError: If they do not.
    """
    lead = logits.shape[:2] if has_layers(logits, target) else logits.shape[:1]
    if target.shape != (*lead, *logits.shape[2:]):
        raise ShapeError(
            f"target must have the batch and spatial shape of logits {tuple(logits.shape)}, "
            f"not {tuple(target.shape)}. Resample one of them."
        )


def compare(logits: Tensor, target: Tensor) -> Pair:
    """Turn scores into probabilities and a target into ones and zeros.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, for a softmax over K classes with background 0; or
            layers (N, K, *S) of 0 and 1 for K sigmoids. -1 is ignored in both.

    Returns:
        Both, in at least float32.

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.
    """
    check_shapes(logits, target)
    scores = promote(logits)
    if has_layers(logits, target):
        valid = target != IGNORED
        truth = target.clamp_min(0).to(scores.dtype)
        chances = scores.sigmoid()
    else:
        valid = (target != IGNORED)[:, None]
        truth = functional.one_hot(target.clamp_min(0), logits.shape[1]).movedim(-1, 1)
        truth = truth.to(scores.dtype)
        chances = scores.softmax(dim=1)
    first = 0 if has_layers(logits, target) else 1
    return Pair(chances=chances * valid, truth=truth * valid, valid=valid, first=first)


def log_likelihood(logits: Tensor, target: Tensor, smoothing: float = 0.0) -> Tensor:
    """Take the logarithm of the chance that the scores give to the truth of each voxel.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        smoothing: Share of the truth of layers that is spread, in [0, 1).

    Returns:
        Shape of the target, <= 0; 0 where the truth is ignored.

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.
    """
    check_shapes(logits, target)
    scores = promote(logits)
    if has_layers(logits, target):
        truth = target.clamp_min(0).to(scores.dtype) * (1 - smoothing) + smoothing / 2
        cost = functional.binary_cross_entropy_with_logits(scores, truth, reduction="none")
        return -cost * (target != IGNORED)
    return -functional.cross_entropy(scores, target, ignore_index=IGNORED, reduction="none")


def per_class(value: PerClass, like: Tensor) -> Tensor:
    """Spread one number over the classes, or check that there is one for each.

    Args:
        value: One number, or K of them.
        like: Values whose axis 0 is the classes, (K, ...).

    Returns:
        Numbers, (K,), on the device and of the type of `like`.

    Raises:
        ShapeError: If there are several numbers, but not K.
    """
    values = torch.as_tensor(value, dtype=like.dtype, device=like.device)
    if values.ndim and values.shape != like.shape[:1]:
        raise ShapeError(
            f"Options given class by class must be {like.shape[0]} numbers, one a channel, not "
            f"{values.numel()}. Correct loss_options in plan.yaml."
        )
    return values.expand(like.shape[0])


def average_classes(
    costs: Tensor,
    present: Tensor,
    *,
    first: int = 0,
    class_weights: PerClass | None = None,
    absent: str = "keep",
) -> Tensor:
    """Average over classes, weighted or not, with or without those that are absent.

    Args:
        costs: Cost of each class, (K,).
        present: True where the truth holds the class, (K,).
        first: First class that is averaged; 1 leaves a background out.
        class_weights: Weight of each class, >= 0; None means 1.
        absent: Row of `ABSENT`.

    Returns:
        Mean, (); 0 if no class is left.

    Raises:
        UnknownNameError: If `absent` is no row of `ABSENT`.
        ShapeError: If there are several weights, but not K.
    """
    shares = per_class(1.0 if class_weights is None else class_weights, costs)
    if pick(ABSENT, absent, what="way with absent classes"):
        shares = shares * present
    shares = shares[first:]
    return (costs[first:] * shares).sum() / shares.sum().clamp_min(TINY)
