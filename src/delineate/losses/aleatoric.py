"""Losses of a network that also says how noisy its scores or its numbers are."""

import math

import torch
from torch import Generator, Tensor

from delineate.core.errors import ShapeError
from delineate.losses.pair import IGNORED, check_shapes, exact, log_likelihood, promote

LOWEST, HIGHEST = -7.0, 3.0
"""Range of logarithms of variances: beyond it neither loss nor gradient can be trusted."""


def aleatoric_loss(
    logits: Tensor,
    log_variance: Tensor,
    target: Tensor,
    *,
    samples: int = 8,
    generator: Generator | None = None,
) -> Tensor:
    """Minus the log of the mean chance of the truth, over scores with noise of learned size.

    z_j = z + exp(s / 2) e_j with normal e_j, j = 1..J; L = -mean (logsumexp_j log p_y(z_j) -
    ln J). A voxel whose truth is a coin's toss costs less where the network says so.

    Args:
        logits: Raw scores z, (N, K, *S), float.
        log_variance: Logarithm of the noise's variance s, (N, K, *S) or (N, 1, *S), float; cut
            to [-7, 3].
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        samples: Number J of draws, >= 1.
        generator: Where the noise comes from; its device may be another one.

    Returns:
        Mean loss, (), in nats; 0 if every voxel is ignored.

    Raises:
        ShapeError: If the shapes of logits, log_variance and target do not go together.

    Source:
        Kendall and Gal, 2017, arXiv:1703.04977, equation 12.
    """
    check_shapes(logits, target)
    _check_variance(logits, log_variance)
    with exact(logits):
        scores = promote(logits)
        spread = (promote(log_variance).clamp(LOWEST, HIGHEST) / 2).exp()
        device = scores.device if generator is None else generator.device
        draws = []
        for _ in range(samples):
            noise = torch.randn(
                scores.shape, generator=generator, dtype=scores.dtype, device=device
            )
            draws.append(log_likelihood(scores + spread * noise.to(scores.device), target))
        likelihood = torch.stack(draws).logsumexp(0) - math.log(samples)
        valid = target != IGNORED
        return -(likelihood * valid).sum() / valid.sum().clamp_min(1)


def noisy_regression_loss(
    prediction: Tensor,
    log_variance: Tensor,
    target: Tensor,
    *,
    valid: Tensor | None = None,
    heavy_tails: bool = False,
) -> Tensor:
    """Squared (or absolute) error over a learned variance, plus the price of a large one.

    Normal: exp(-s) (y - x)^2 / 2 + s / 2; with heavy tails, after Laplace: exp(-s) |y - x| + s.

    Args:
        prediction: Numbers x, (N, C, *S), float.
        log_variance: s, (N, C, *S) or (N, 1, *S), float; cut to [-7, 3].
        target: Numbers y, (N, C, *S), float.
        valid: True where the truth is known, shape of the target or (N, 1, *S); None is all.
        heavy_tails: True for absolute errors, which single wrong truths move less.

    Returns:
        Mean loss, (), may be negative; 0 if no voxel is valid.

    Raises:
        ShapeError: If the shapes do not go together.

    Source:
        Kendall and Gal, 2017, arXiv:1703.04977, equation 8.
    """
    check_shapes(prediction, target)
    _check_variance(prediction, log_variance)
    with exact(prediction):
        spread = promote(log_variance).clamp(LOWEST, HIGHEST)
        error = promote(prediction) - promote(target)
        if heavy_tails:
            cost = (-spread).exp() * error.abs() + spread
        else:
            cost = ((-spread).exp() * error.square() + spread) / 2
        known = torch.ones_like(cost) if valid is None else valid.expand_as(cost).to(cost.dtype)
        return (cost * known).sum() / known.sum().clamp_min(1)


def _check_variance(values: Tensor, log_variance: Tensor) -> None:
    wanted = (values.shape, (values.shape[0], 1, *values.shape[2:]))
    if log_variance.shape not in wanted:
        raise ShapeError(
            f"log_variance must be {tuple(wanted[0])} or {tuple(wanted[1])}, as what it is the "
            f"noise of, not {tuple(log_variance.shape)}. Give the head K channels or one."
        )
