"""How unsure logits are, voxel by voxel, from 0 (sure) to 1.

Outputs are of a kind: "exclusive" (a softmax over classes, background first), "layers" (one
sigmoid each) or "instances" (foreground, two offsets, and types where there are several).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from delineate.core.errors import pick

NUM_SHAPE_OUTPUTS = 3
"""Outputs of the kind "instances" before the types: foreground and two offsets."""


def probabilities(logits: Tensor, kind: str) -> Tensor:
    """Turn logits into what they mean; offsets of instances stay as they are.

    Args:
        logits: (N, K, *S).
        kind: "exclusive", "layers" or "instances".

    Returns:
        (N, K, *S), float32.
    """
    scores = logits.float()
    if kind == "exclusive":
        return scores.softmax(dim=1)
    if kind == "layers":
        return scores.sigmoid()
    parts = [scores[:, :1].sigmoid(), scores[:, 1:NUM_SHAPE_OUTPUTS]]
    if scores.shape[1] > NUM_SHAPE_OUTPUTS:
        parts.append(scores[:, NUM_SHAPE_OUTPUTS:].softmax(dim=1))
    return torch.cat(parts, dim=1)


def entropy(logits: Tensor, kind: str) -> Tensor:
    """Entropy as a share of the largest possible.

    Args:
        logits: (N, K, *S).
        kind: Of the outputs. "layers": mean over outputs of binary entropies; "instances":
            that of the foreground, or, within it, of the types.

    Returns:
        (N, *S), float32, in [0, 1].
    """
    scores = logits.float()
    if kind == "exclusive":
        return _class_entropy(scores)
    if kind == "layers":
        return _coin_entropy(scores).mean(1)
    coin = _coin_entropy(scores[:, 0])
    if scores.shape[1] == NUM_SHAPE_OUTPUTS:
        return coin
    typed = _class_entropy(scores[:, NUM_SHAPE_OUTPUTS:]) * scores[:, 0].sigmoid()
    return torch.maximum(coin, typed)


def margin(logits: Tensor, kind: str) -> Tensor:
    """One minus the distance between the two likeliest answers.

    Args:
        logits: (N, K, *S).
        kind: Of the outputs; for "layers" the least sure output counts, for "instances" the
            foreground.

    Returns:
        (N, *S), float32, in [0, 1].
    """
    scores = logits.float()
    if kind == "exclusive":
        best = scores.softmax(dim=1).topk(2, dim=1).values
        return 1 - (best[:, 0] - best[:, 1])
    chosen = scores if kind == "layers" else scores[:, :1]
    return (1 - (2 * chosen.sigmoid() - 1).abs()).amax(1)


def evidential(logits: Tensor, kind: str) -> Tensor:
    """Vacuity of the evidence that logits stand for: K / S with S the sum of softplus + 1.

    Args:
        logits: (N, K, *S).
        kind: Of the outputs; "layers" and "instances" take each output, or the foreground, as
            two classes.

    Returns:
        (N, *S), float32, in (0, 1].

    Source:
        Sensoy et al., 2018, arXiv:1806.01768.
    """
    scores = logits.float()
    if kind == "exclusive":
        return scores.shape[1] / (functional.softplus(scores) + 1).sum(1)
    chosen = scores if kind == "layers" else scores[:, :1]
    return (2 / (functional.softplus(chosen) + functional.softplus(-chosen) + 2)).mean(1)


MEASURES: dict[str, Callable[[Tensor, str], Tensor]] = {
    "entropy": entropy,
    "margin": margin,
    "evidential": evidential,
}
"""Measures that need the logits alone."""


def measure(name: str, logits: Tensor, kind: str) -> Tensor:
    """Tell how unsure logits are.

    Args:
        name: Row of `MEASURES`.
        logits: (N, K, *S).
        kind: Of the outputs.

    Returns:
        (N, *S), float32, in [0, 1].
    """
    return pick(MEASURES, name, what="uncertainty")(logits, kind)


def mutual_information(passes: Tensor, kind: str) -> Tensor:
    """What the passes of one image disagree about: entropy of the mean less mean entropy.

    Args:
        passes: Logits of T passes, (T, N, K, *S).
        kind: Of the outputs.

    Returns:
        (N, *S), float32, in [0, 1].

    Source:
        Gal and Ghahramani, 2016, arXiv:1506.02142; Houlsby et al., 2011, arXiv:1112.5745.
    """
    chances = torch.stack([probabilities(logits, kind) for logits in passes])
    if kind == "exclusive":
        whole = _entropy_of(chances.mean(0), dim=1) - _entropy_of(chances, dim=2).mean(0)
        return (whole / math.log(chances.shape[2])).clamp(0, 1)
    chosen = chances if kind == "layers" else chances[:, :, :1]
    coins = torch.stack([chosen, 1 - chosen], dim=2)  # (T, N, 2, K, *S)
    whole = _entropy_of(coins.mean(0), dim=1) - _entropy_of(coins, dim=2).mean(0)
    return (whole.mean(1) / math.log(2)).clamp(0, 1)


def _entropy_of(chances: Tensor, dim: int) -> Tensor:
    entropies: Tensor = torch.special.entr(chances)
    return entropies.sum(dim)


def _class_entropy(scores: Tensor) -> Tensor:
    logs = scores.log_softmax(dim=1)
    return -(logs.exp() * logs).sum(1) / math.log(max(2, scores.shape[1]))


def _coin_entropy(scores: Tensor) -> Tensor:
    chances = scores.sigmoid()
    nats = functional.binary_cross_entropy_with_logits(scores, chances, reduction="none")
    return nats / math.log(2)
