"""What training minimises: the plan's loss on every grid of logits, and what else was learnt.

A network that answers with logits alone is judged as ever (`losses.compound.deep_supervision`);
one that refines itself (`models.base.Answer`) also at the voxels that it corrected, and, where
it predicts how noisy the labels are, by that too. Classes and terms can be weighed by how the
run goes; then all that this depends on is part of the run's state.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from delineate.core.errors import PlanError, pick
from delineate.core.plan import Plan
from delineate.learn.balance import ClassBalance
from delineate.learn.targets import at_points
from delineate.learn.terms import TermWeights
from delineate.losses import get_loss
from delineate.losses.aleatoric import aleatoric_loss
from delineate.losses.compound import deep_supervision
from delineate.losses.nuclei import count_types
from delineate.losses.overlap import soft_counts
from delineate.losses.pair import exact, log_likelihood
from delineate.models.base import Answer, Points, resize
from delineate.models.uncertainty import entropy

FINER = (1.0, 0.6, 0.4)
"""Weight of the logits of each grid, finest first; later grids count as the last."""
SHARES = {"grids": 1.0, "points": 1.0, "aleatoric": 0.2, "emphasis": 0.0, "consistency": 0.0}
"""Weight of each term, unless the plan says otherwise."""
OPTIONS = {
    "balance": "none", "adaptive_tversky": False, "terms": "fixed", "sampler": "uniform",
    "consistency_passes": 2,
}  # fmt: skip
"""What else `Plan.objective` may say, and what it says if it says nothing."""
ALEATORIC_FROM = 0.1
"""Share of the run from which the variance of logits is learnt."""
RAMP = (0.1, 0.4)
"""Shares of the run between which the emphasis on unsure voxels rises."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """What one answer costs."""

    loss: Tensor
    """To be minimised, ()."""
    terms: dict[str, float] = field(default_factory=dict)
    """Its parts before weighting, for the log."""


def read_objective(plan: Plan) -> dict[str, Any]:
    """Take what a plan says of its objective, and fill in what it leaves out.

    Args:
        plan: The plan.

    Returns:
        Every option.

    Raises:
        PlanError: If there is an unknown option, or one that does not go with the task.
    """
    known = {**SHARES, **OPTIONS}
    if strange := sorted(set(plan.objective) - set(known)):
        raise PlanError(f"objective has unknown options {strange}. Known are: {sorted(known)}.")
    chosen = {**known, **plan.objective}
    pick(dict.fromkeys(("uniform", "weighted")), str(chosen["sampler"]), what="sampler")
    if chosen["consistency_passes"] < 1:
        raise PlanError(
            f"objective.consistency_passes must be 1 or more, not {chosen['consistency_passes']}. "
            "Correct plan.yaml."
        )
    if plan.task == "instances" and chosen["emphasis"] > 0:
        raise PlanError(
            "objective.emphasis is for regions, and this plan's task is instances. Leave it out "
            "of plan.yaml."
        )
    return chosen


@dataclass(kw_only=True, eq=False)
class Objective:
    """Judges a network's answers under a plan."""

    plan: Plan
    """Names the loss, and in `objective` how classes and terms are weighed."""
    presence: NDArray[np.bool_] | None = None
    """Which classes each training case holds, (I, C); needed where classes are weighed."""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    """Where the network trains."""

    def __post_init__(self) -> None:
        """Look the losses up and begin with nothing seen."""
        options = read_objective(self.plan)
        self.kind = "exclusive" if self.plan.labels.is_exclusive else "layers"
        self.loss = get_loss(self.plan.loss, **self.plan.loss_options)
        self.at_points = self._point_loss()
        shares = {name: float(options[name]) for name in SHARES}
        # A term that nobody asked for has no learned weight, so that older runs go on.
        names = [name for name in SHARES if name != "consistency" or shares[name] > 0]
        self.terms = TermWeights(names, mode=options["terms"], shares=shares, device=self.device)
        self.emphasis = shares["emphasis"]
        self.balance = self._balance(options)
        self.steps = 0

    def _balance(self, options: Mapping[str, Any]) -> ClassBalance | None:
        if options["balance"] == "none" and not options["adaptive_tversky"]:
            return None
        if self.presence is None:
            raise PlanError(
                "presence must tell which classes the training cases hold where the plan's "
                "objective weighs classes. Take it with learn.sampling.find_presence."
            )
        held = [int(count) for count in self.presence.sum(0)]
        names = [label.name for label in self.plan.labels.labels]
        has_background = self._is_regions and self.kind == "exclusive"
        first = 1 if has_background else 0
        return ClassBalance(
            names=("background", *names)[1 - first :],
            counts=(len(self.presence), *held)[1 - first :],
            mode=options["balance"],
            adaptive=bool(options["adaptive_tversky"]),
            begin=self.epoch,
        )

    @property
    def follows_the_run(self) -> bool:
        """True if weights depend on what this process has seen."""
        is_live = self.balance is not None and (
            self.balance.mode == "dynamic" or self.balance.adaptive
        )
        return is_live or self.terms.mode != "fixed"

    @property
    def epoch(self) -> int:
        """Steps in which as many patches are drawn as there are cases."""
        cases = 1 if self.presence is None else len(self.presence)
        return max(1, round(cases / self.plan.batch_size))

    def priority(self, target: Tensor) -> Tensor | None:
        """Weigh voxels in the choice of training points by the class that they are of.

        Args:
            target: Class ids (N, *S), or layers (N, K, *S).

        Returns:
            (N, *S), or None where all classes weigh alike.
        """
        weights = None if self.balance is None else self.balance.weights()
        if weights is None or not self._is_regions:
            return None
        table = torch.tensor(weights, dtype=torch.float32, device=target.device)
        if target.ndim == self.plan.dims + 1:
            return table[target.clamp_min(0)] * (target >= 0)
        spread = table.reshape(1, -1, *[1] * self.plan.dims)
        return (target.clamp_min(0) * spread).amax(1)

    def judge(
        self,
        outputs: list[Tensor] | Answer,
        target: Tensor,
        share: float = 1.0,
        more: Mapping[str, Tensor] | None = None,
    ) -> Judged:
        """Say what an answer costs, and learn from it how to weigh the next.

        Args:
            outputs: List of logits, finest first, or an `Answer`.
            target: As the plan's loss takes it, on the finest grid.
            share: Share of the run that is over.
            more: Further terms that others have judged, by name, () each.

        Returns:
            The cost.
        """
        answer = outputs if isinstance(outputs, Answer) else Answer(logits=outputs)
        loss = self._weighed_loss()
        terms: dict[str, Tensor] = dict(more or {})
        if isinstance(outputs, Answer):
            terms["grids"] = self._on_grids(answer.logits, target, loss)
        else:
            terms["grids"] = deep_supervision(answer.logits, target, loss)
        if answer.points:
            parts = [self._on_points(points, target) for points in answer.points]
            terms["points"] = torch.stack(parts).mean()
        if answer.log_variance is not None and share >= ALEATORIC_FROM and self._is_regions:
            size = target.shape[-(answer.logits[0].ndim - 2) :]
            coarse = resize(answer.logits[-1].float(), size)
            terms["aleatoric"] = aleatoric_loss(coarse, resize(answer.log_variance, size), target)
        if self.emphasis > 0:
            terms["emphasis"] = self._emphasis(answer.logits[0], target, share)
        total = self.terms.total(terms)
        self._learn(answer.logits[0], target)
        return Judged(
            loss=total, terms={name: float(part.detach()) for name, part in terms.items()}
        )

    @property
    def _is_regions(self) -> bool:
        return self.plan.task == "regions"

    def _learn(self, logits: Tensor, target: Tensor) -> None:
        self.steps += 1
        if self.balance is not None:
            counted = soft_counts if self._is_regions else count_types
            with torch.no_grad():
                self.balance.update(*counted(logits, target))
        if self.steps % self.epoch == 0:
            self.terms.close_period()

    def _weighed_loss(self) -> Callable[..., Tensor]:
        """Give the plan's loss the weights of the moment, as far as it takes any."""
        if self.balance is None:
            return self.loss
        able = inspect.signature(self.loss).parameters
        names = {"alpha": "type_alpha", "beta": "type_beta"} if not self._is_regions else {}
        given = {names.get(k, k): v for k, v in self.balance.options(self.device).items()}
        known = {name: value for name, value in given.items() if name in able}
        return get_loss(self.plan.loss, **{**self.plan.loss_options, **known})

    def _on_grids(
        self, outputs: Sequence[Tensor], target: Tensor, loss: Callable[..., Tensor]
    ) -> Tensor:
        """Compare all grids at the target's own resolution: labels are never interpolated."""
        size = target.shape[-(outputs[0].ndim - 2) :]
        weights = [FINER[min(place, len(FINER) - 1)] for place in range(len(outputs))]
        losses = [
            weight * loss(resize(logits.float(), size), target)
            for weight, logits in zip(weights, outputs, strict=True)
        ]
        return torch.stack(losses).sum() / sum(weights)

    def _on_points(self, points: Points, target: Tensor) -> Tensor:
        wanted = at_points(target, points)
        if self._is_regions:
            given = {} if self.balance is None else self.balance.options(self.device)
            weights = given.get("class_weights")
            return self.at_points(points.logits, wanted, class_weights=weights)
        return self.at_points(points.logits[..., None], wanted[..., None])

    def _point_loss(self) -> Callable[..., Tensor]:
        if self._is_regions:
            return get_loss("cross_entropy")
        # Chosen pixels have no neighbours, so there are no differences to compare.
        return get_loss(self.plan.loss, **{**self.plan.loss_options, "gradient_weight": 0.0})

    def _emphasis(self, logits: Tensor, target: Tensor, share: float) -> Tensor:
        """Cross-entropy once more where the network is unsure, rising in the run's first half."""
        low, high = RAMP
        rise = min(1.0, max(0.0, (share - low) / (high - low)))
        with exact(logits):
            valid = target >= 0
            doubt = entropy(logits.detach(), self.kind)
            doubt = doubt if valid.ndim == doubt.ndim else doubt[:, None]
            cost = -log_likelihood(logits.float(), target) * doubt * valid
            return rise * cost.sum() / valid.sum().clamp_min(1)

    def row(self) -> dict[str, float]:
        """Tell the weights in the history; empty if none follow the run."""
        classes = {} if self.balance is None else self.balance.row()
        return {**classes, **self.terms.row()}

    def state(self) -> dict[str, Any]:
        """Collect what the next step depends on, as plain values.

        Returns:
            Values for `restore`, which JSON can hold.
        """
        balance = None if self.balance is None else self.balance.state()
        return {"steps": self.steps, "terms": self.terms.state(), "balance": balance}

    def restore(self, facts: Mapping[str, Any]) -> None:
        """Go on from what `state` collected.

        Args:
            facts: Its values.
        """
        self.steps = int(facts["steps"])
        self.terms.restore(facts["terms"])
        if self.balance is not None and facts["balance"] is not None:
            self.balance.restore(facts["balance"])
