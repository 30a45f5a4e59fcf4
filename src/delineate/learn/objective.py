"""What training minimises: the plan's loss on every grid of logits, and what else was learnt.

A network that answers with logits alone is judged as ever (`losses.compound.deep_supervision`);
one that refines itself (`models.base.Answer`) also at the voxels that it corrected, and, where
it predicts how noisy the labels are, by that too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from delineate.core.plan import Plan
from delineate.losses import get_loss
from delineate.losses.compound import deep_supervision
from delineate.models.base import Answer, Points, resize
from delineate.models.points import gather

FINER = (1.0, 0.6, 0.4)
"""Weight of the logits of each grid, finest first; later grids count as the last."""
POINTS = 1.0
"""Weight of the loss at corrected voxels."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """What one answer costs."""

    loss: Tensor
    """To be minimised, ()."""
    terms: dict[str, float] = field(default_factory=dict)
    """Its parts before weighting, for the log."""


@dataclass(kw_only=True, eq=False)
class Objective:
    """Judges a network's answers under a plan."""

    plan: Plan
    """Names the loss."""

    def __post_init__(self) -> None:
        """Look the losses up."""
        self.loss = get_loss(self.plan.loss, **self.plan.loss_options)
        self.at_points = self._point_loss()

    def judge(self, outputs: Any, target: Tensor) -> Judged:  # noqa: ANN401 - list or Answer
        """Say what an answer costs.

        Args:
            outputs: List of logits, finest first, or an `Answer`.
            target: As the plan's loss takes it, on the finest grid.

        Returns:
            The cost.
        """
        if not isinstance(outputs, Answer):
            loss = deep_supervision(outputs, target, self.loss)
            return Judged(loss=loss)
        total = self._on_grids(outputs.logits, target)
        terms = {"grids": float(total.detach())}
        if outputs.points:
            parts = [self._on_points(points, target) for points in outputs.points]
            extra = torch.stack(parts).mean()
            terms["points"] = float(extra.detach())
            total = total + POINTS * extra
        return Judged(loss=total, terms=terms)

    def _on_grids(self, outputs: Sequence[Tensor], target: Tensor) -> Tensor:
        """Compare all grids at the target's own resolution: labels are never interpolated."""
        size = target.shape[-(outputs[0].ndim - 2) :]
        weights = [FINER[min(place, len(FINER) - 1)] for place in range(len(outputs))]
        losses = [
            weight * self.loss(resize(logits.float(), size), target)
            for weight, logits in zip(weights, outputs, strict=True)
        ]
        return torch.stack(losses).sum() / sum(weights)

    def _on_points(self, points: Points, target: Tensor) -> Tensor:
        wanted = _at(target, points)
        if self.plan.task == "instances":
            return self.at_points(points.logits[..., None], wanted[..., None])
        return self.at_points(points.logits, wanted)

    def _point_loss(self) -> Callable[..., Tensor]:
        if self.plan.task == "instances":
            # Chosen pixels have no neighbours, so there are no differences to compare.
            return get_loss(self.plan.loss, **{**self.plan.loss_options, "gradient_weight": 0.0})
        return get_loss("cross_entropy")


def _at(target: Tensor, points: Points) -> Tensor:
    """Take the target at chosen voxels of a grid; what lies beyond the image is ignored.

    Args:
        target: (N, *S) or (N, K, *S).
        points: Chosen voxels.

    Returns:
        (N, P) or (N, K, P).
    """
    dims = len(points.size)
    layered = target if target.ndim == dims + 2 else target[:, None]
    steps = [-(-a // b) for a, b in zip(layered.shape[2:], points.size, strict=True)]
    missing = [
        grid * step - have
        for grid, step, have in zip(points.size, steps, layered.shape[2:], strict=True)
    ]
    pads = [pad for extra in reversed(missing) for pad in (0, extra)]
    layered = functional.pad(layered, pads, value=-1)
    for axis, (grid, step) in enumerate(zip(points.size, steps, strict=True)):
        middle = torch.arange(grid, device=target.device) * step + step // 2
        layered = layered.index_select(2 + axis, middle)
    chosen = gather(layered, points.places)
    return chosen if target.ndim == dims + 2 else chosen[:, 0]
