"""Scores as evidence: a Dirichlet distribution for each voxel, wide where little was seen."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from delineate.core.errors import pick
from delineate.losses.pair import IGNORED, check_shapes, exact, has_layers, promote

RISKS: dict[str, Callable[[Tensor], Tensor]] = {"likelihood": torch.log, "expected": torch.digamma}
"""Sensoy's equation 3, the likelihood with probabilities integrated out (type II), and equation
4, the expected cross-entropy."""


def evidential_loss(
    logits: Tensor, target: Tensor, *, kl_weight: float = 0.1, risk: str = "likelihood"
) -> Tensor:
    """Minus the evidence's likelihood of the truth, plus a price of evidence for what is wrong.

    With e = softplus(z), a = e + 1, S = sum a: f(S) - f(a_y) + w KL(Dir(a') || Dir(1)), f = ln or
    digamma, a' = 1 for the true class and a elsewhere. K / S is then the doubt of a voxel. Raise
    the weight w from 0 in the first epochs.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored. A layer's score z
            gives softplus(z) for and softplus(-z) against it.
        kl_weight: The w, >= 0.
        risk: Row of `RISKS`: "likelihood" or "expected".

    Returns:
        Mean loss, (), in nats, > 0; 0 if every voxel is ignored.

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.
        UnknownNameError: If `risk` is no row of `RISKS`.

    Source:
        Sensoy et al., 2018, arXiv:1806.01768, equations 3 to 5.
    """
    check_shapes(logits, target)
    measure = pick(RISKS, risk, what="risk")
    with exact(logits):
        scores = promote(logits)
        if has_layers(logits, target):
            scores = torch.stack([-scores, scores], dim=1)  # (N, 2, K, *S)
        strength = functional.softplus(scores) + 1
        truth = functional.one_hot(target.clamp_min(0), strength.shape[1]).movedim(-1, 1).bool()
        own = (strength * truth).sum(1)
        cost = measure(strength.sum(1)) - measure(own)
        cost = cost + kl_weight * divergence_from_even(torch.where(truth, 1.0, strength))
        valid = target != IGNORED
        return (cost * valid).sum() / valid.sum().clamp_min(1)


def divergence_from_even(strength: Tensor) -> Tensor:
    """Measure how far a Dirichlet distribution is from the one that knows nothing.

    KL(Dir(a) || Dir(1)) = ln G(S) - sum ln G(a) - ln G(K) + sum (a - 1)(psi(a) - psi(S)).

    Args:
        strength: The a, (N, K, *S), > 0.

    Returns:
        Divergence in nats, (N, *S), >= 0.

    Source:
        Sensoy et al., 2018, arXiv:1806.01768, equation after 5.
    """
    total = strength.sum(1)
    count = torch.tensor(float(strength.shape[1]), dtype=total.dtype, device=total.device)
    normaliser = total.lgamma() - strength.lgamma().sum(1) - count.lgamma()
    pull = (strength - 1) * (strength.digamma() - total.digamma()[:, None])
    return normaliser + pull.sum(1)
