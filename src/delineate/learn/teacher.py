"""A teacher for images without labels: the network's own slow average, heeded where it is sure.

The network shall say of an image what its average says of it, seen through other noise; where
the average is unsure, nothing is asked. How much that counts, and how sure is sure enough, rise
with the run.
"""

import math
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from delineate.core.plan import Plan
from delineate.models.base import Answer, resize
from delineate.models.uncertainty import NUM_SHAPE_OUTPUTS, entropy, probabilities

DECAY = 0.99
"""Largest share of itself that the teacher keeps in a step."""
NOISE = 0.1
"""Standard deviation of the noise of a pass, in units of prepared images; cut at two of it."""
LEAST = 1e-7
"""Chances are held this far from 0 and 1 where their logarithm is taken."""


def ramp(share: float) -> float:
    """Rise from nearly nothing to 1: exp(-5 (1 - r)^2).

    Args:
        share: Share r of the run that is over; beyond 1 counts as 1.

    Returns:
        From 0.0067 to 1.

    Source:
        Laine and Aila, 2017, arXiv:1610.02242, section 3.
    """
    return math.exp(-5 * (1 - min(1.0, share)) ** 2)


def threshold(share: float) -> float:
    """Say up to which entropy the teacher is heeded: 0.75 + 0.25 exp(-5 (1 - r)^2).

    Args:
        share: Share r of the run that is over; beyond 1 counts as 1.

    Returns:
        Share of the largest possible entropy, from 0.7517 to 1.

    Source:
        Yu et al., 2019, arXiv:1907.07034 (UA-MT), section 3.
    """
    return 0.75 + 0.25 * ramp(share)


def disagreement(logits: Tensor, taught: Tensor, is_sure: Tensor, kind: str) -> Tensor:
    """Squared distance of two answers, averaged over the voxels where the teacher is sure.

    Sum over sure voxels of |p - t|^2, divided by their number. Where objects are told apart,
    offsets and types count as far as the teacher takes a pixel for an object.

    Args:
        logits: The network's, (N, K, *S).
        taught: The teacher's probabilities (of instances with their offsets), (N, K, *S).
        is_sure: Where to look, (N, *S), bool.
        kind: "exclusive", "layers" or "instances".

    Returns:
        (), >= 0; 0 if no voxel is sure.

    Source:
        Yu et al., 2019, arXiv:1907.07034, equation 3, with the sum over classes.
    """
    squares = (probabilities(logits, kind) - taught).square()
    if kind == "instances":
        inside = taught[:, :1].expand(-1, squares.shape[1] - 1, *squares.shape[2:])
        squares = torch.cat([squares[:, :1], squares[:, 1:] * inside], dim=1)
    return (squares.sum(1) * is_sure).sum() / is_sure.sum().clamp_min(1)


class Teacher:
    """The slow average of a network, and what it has found so far."""

    def __init__(
        self, model: nn.Module, kind: str, *, seed: int = 0, rank: int = 0, passes: int = 2
    ) -> None:
        """Begin as the network is.

        Args:
            model: The network; a copy of it becomes the teacher.
            kind: Of its outputs: "exclusive", "layers" or "instances".
            seed: Seed of the noise.
            rank: This process's number; each draws other noise.
            passes: Passes through noise and dropout that are averaged, >= 1.
        """
        self.model = deepcopy(model).requires_grad_(False)
        self.kind = kind
        self.seed, self.rank, self.passes = seed, rank, passes
        self.sums = {"consistency": 0.0, "sure": 0.0}
        self.count = 0
        self.model.eval()
        for module in self.model.modules():
            if isinstance(module, nn.modules.dropout._DropoutNd):
                module.train()

    @classmethod
    def of(
        cls, plan: Plan, options: Mapping[str, Any], model: nn.Module, seed: int, rank: int
    ) -> "Teacher | None":
        """Make the teacher that a plan asks for.

        Args:
            plan: The plan.
            options: What `objective.read_objective` read of it.
            model: The network.
            seed: Seed of the noise.
            rank: This process's number.

        Returns:
            The teacher, or None where images without labels do not count.
        """
        if options["consistency"] <= 0:
            return None
        regions = "exclusive" if plan.labels.is_exclusive else "layers"
        kind = regions if plan.task == "regions" else "instances"
        return cls(model, kind, seed=seed, rank=rank, passes=int(options["consistency_passes"]))

    @torch.no_grad()
    def follow(self, model: nn.Module, step: int) -> None:
        """Move towards the network: decay min(1 - 1 / (step + 1), `DECAY`).

        Args:
            model: The network after its step.
            step: Number of the step, from 0; after the first the teacher is the network.
        """
        decay = min(1 - 1 / (step + 1), DECAY)
        theirs = model.state_dict()
        for name, mine in self.model.state_dict().items():
            if mine.is_floating_point():
                mine.lerp_(theirs[name], 1 - decay)
            else:
                mine.copy_(theirs[name])

    @torch.no_grad()
    def ask(self, image: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Average what the teacher says through noise and dropout.

        Args:
            image: (N, C, *S).
            step: Number of the step, from 0; the noise follows from it, the seed and the rank.

        Returns:
            Probabilities (of instances with their offsets) (N, K, *S), and their entropy as a
            share of the largest possible, (N, *S); float32.
        """
        said = [
            probabilities(self.model(image + self._grain(image, step, place))[0], self.kind)
            for place in range(self.passes)
        ]
        mean = torch.stack(said).mean(0)
        return mean, entropy(_logits_of(mean, self.kind), self.kind)

    def _grain(self, image: Tensor, step: int, place: int) -> Tensor:
        rng = np.random.default_rng([self.seed, self.rank, step, place])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        return torch.randn(image.shape, generator=generator).clamp_(-2, 2).to(image) * NOISE

    def judge(
        self, outputs: list[Tensor] | Answer, image: Tensor, step: int, share: float
    ) -> Tensor:
        """Say what it costs the network to disagree.

        Args:
            outputs: The network's answer to the image, in training.
            image: (N, C, *S).
            step: Number of the step, from 0.
            share: Share of the run that is over.

        Returns:
            `disagreement`, times `ramp`, ().
        """
        taught, doubt = self.ask(image, step)
        finest = outputs.logits[0] if isinstance(outputs, Answer) else outputs[0]
        logits = resize(finest.float(), image.shape[2:])
        is_sure = doubt < threshold(share)
        cost = disagreement(logits, taught, is_sure, self.kind)
        self.sums["consistency"] += float(cost.detach())
        self.sums["sure"] += float(is_sure.float().mean())
        self.count += 1
        return ramp(share) * cost

    def row(self) -> dict[str, float]:
        """Tell the means since the last row, and begin anew.

        Returns:
            "consistency", the disagreement before ramp and weight, and "sure", the share of
            voxels at which the teacher was heeded.
        """
        means = {name: value / max(1, self.count) for name, value in self.sums.items()}
        self.sums, self.count = dict.fromkeys(self.sums, 0.0), 0
        return means

    def state(self) -> dict[str, Any]:
        """Collect what the next row depends on, as plain values.

        Returns:
            Values for `restore`, which JSON can hold.
        """
        return {"sums": dict(self.sums), "count": self.count}

    def restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Go on from what `state` collected.

        Args:
            tensors: The teacher's weights by name.
            facts: Values of `state`.
        """
        self.model.load_state_dict(tensors)
        self.sums, self.count = dict(facts["sums"]), int(facts["count"])


def _logits_of(chances: Tensor, kind: str) -> Tensor:
    """Find logits that stand for given chances; offsets stay as they are."""
    if kind == "exclusive":
        return chances.clamp_min(LEAST).log()
    if kind == "layers":
        return chances.logit(LEAST)
    types = chances[:, NUM_SHAPE_OUTPUTS:].clamp_min(LEAST).log()
    return torch.cat([chances[:, :1].logit(LEAST), chances[:, 1:NUM_SHAPE_OUTPUTS], types], dim=1)
