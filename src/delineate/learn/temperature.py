"""One number that makes probabilities honest: what logits are divided by before the softmax.

It is fitted on cases that did not train. Dividing all logits by one positive number changes no
label, since neither their order nor their sign changes.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from delineate.core.case import Case
from delineate.core.plan import Plan
from delineate.infer.preparation import prepare_mask
from delineate.metrics.calibration import Calibration
from delineate.models.uncertainty import probabilities

LOWEST, HIGHEST = 0.1, 10.0
"""Range of temperatures."""
ROUNDS = 40
"""Steps of the search; each leaves 0.618 of the interval."""
MAX_VOXELS = 200_000
"""Voxels that count, over all cases."""
SEED = 0
"""Seed of the choice of voxels."""


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """A temperature, and what probabilities are worth without and with it."""

    temperature: float
    """What logits are divided by."""
    ece: float
    """Expected calibration error of the probabilities as they are, in [0, 1]."""
    ece_tempered: float
    """The same of those with the temperature, on the same voxels."""
    num_voxels: int
    """Voxels that it was fitted on."""

    def to_dict(self) -> dict[str, Any]:
        """Give what `metrics.json` keeps.

        Returns:
            Numbers by name, rounded to five digits after the point.
        """
        return {name: round(value, 5) for name, value in asdict(self).items()}

    @property
    def text(self) -> str:
        """What a card says."""
        return (
            f"Probabilities and uncertainty are those of logits divided by {self.temperature:.3f}, "
            f"fitted on {self.num_voxels:,} voxels of these cases: expected calibration error "
            f"{self.ece:.4f} before, {self.ece_tempered:.4f} after. Labels do not depend on it."
        )


class Voxels:
    """Logits and truth of voxels drawn at random from cases that did not train."""

    def __init__(self, plan: Plan, num_cases: int) -> None:
        """Start with none.

        Args:
            plan: The plan; of models of objects nothing is gathered.
            num_cases: Cases that will come; each gives as many voxels, if it has them.
        """
        self.plan, self.num_cases = plan, num_cases
        self.limit = max(1, MAX_VOXELS // max(1, num_cases))
        self.rng = np.random.default_rng(SEED)
        self.logits: list[Tensor] = []
        self.truth: list[Tensor] = []

    @property
    def kind(self) -> str:
        """Of the outputs: "exclusive" or "layers"."""
        return "exclusive" if self.plan.labels.is_exclusive else "layers"

    def watch(self, case: Case) -> Callable[[int, Tensor], None] | None:
        """Make what is told each slab of a case's logits and keeps those of the drawn voxels.

        Args:
            case: A case with its truth.

        Returns:
            Takes the first plane and logits (K, z, Y, X); None where nothing is gathered.
        """
        if self.plan.task != "regions" or case.mask is None:
            return None
        truth = prepare_mask(case.mask, self.plan.labels, self.plan)  # (1 or K, *S)
        flat = truth.reshape(len(truth), -1)
        known = np.flatnonzero((flat >= 0).all(axis=0))
        drawn = np.sort(self.rng.permutation(known)[: self.limit])
        plane = int(np.prod(truth.shape[-2:]))

        def keep(first: int, logits: Tensor) -> None:
            base = first * plane
            low, high = np.searchsorted(drawn, [base, base + logits[0].numel()])
            places = torch.from_numpy(drawn[low:high] - base).to(logits.device)
            self.logits.append(logits.flatten(1)[:, places].float().cpu())
            self.truth.append(_as_tensor(flat[:, drawn[low:high]]))

        return keep

    def calibrate(self) -> Calibrated | None:
        """Fit the temperature and measure what it changes.

        Returns:
            The result, or None without a voxel.
        """
        if not sum(part.shape[1] for part in self.logits):
            return None
        logits, truth = torch.cat(self.logits, dim=1), torch.cat(self.truth, dim=1)
        temperature = fit_temperature(logits, truth, self.kind)
        return Calibrated(
            temperature=temperature,
            ece=calibration_error(logits, truth, self.kind),
            ece_tempered=calibration_error(logits / temperature, truth, self.kind),
            num_voxels=logits.shape[1],
        )


def fit_temperature(logits: Tensor, truth: Tensor, kind: str) -> float:
    """Find the temperature of the least negative log-likelihood, by golden section.

    The likelihood is concave in 1 / T, so there is one best T; where no voxel is wrong there is
    none above 0, and T stays 1.

    Args:
        logits: (K, V), float.
        truth: Class ids (1, V) where outputs exclude each other, else layers (K, V); int64.
        kind: "exclusive" or "layers".

    Returns:
        The temperature, in [0.1, 10].

    Source:
        Guo et al., 2017, arXiv:1706.04599; Kiefer, 1953, 10.1090/S0002-9939-1953-0055639-3.
    """
    said = logits.argmax(0, keepdim=True) if kind == "exclusive" else (logits > 0).long()
    if bool((said == truth).all()):
        return 1.0

    def cost(place: float) -> float:
        scores = logits / math.exp(place)
        if kind == "exclusive":
            return float(functional.cross_entropy(scores.T, truth[0]))
        return float(functional.binary_cross_entropy_with_logits(scores, truth.float()))

    share = (math.sqrt(5) - 1) / 2
    low, high = math.log(LOWEST), math.log(HIGHEST)
    first, second = high - share * (high - low), low + share * (high - low)
    at_first, at_second = cost(first), cost(second)
    for _ in range(ROUNDS):
        if at_first <= at_second:
            high, second, at_second = second, first, at_first
            first = high - share * (high - low)
            at_first = cost(first)
        else:
            low, first, at_first = first, second, at_second
            second = low + share * (high - low)
            at_second = cost(second)
    return math.exp((low + high) / 2)


def calibration_error(logits: Tensor, truth: Tensor, kind: str) -> float:
    """Measure how far probabilities are from how often they are right.

    Args:
        logits: (K, V), float.
        truth: As in `fit_temperature`.
        kind: "exclusive" or "layers"; layers count each output of a voxel by itself.

    Returns:
        Expected calibration error, in [0, 1].
    """
    chances = probabilities(logits.double()[None], kind)[0].double().numpy()
    if kind == "exclusive":
        measured = Calibration(len(logits))
        measured.add(chances, truth[0].numpy())
    else:
        measured = Calibration(2)
        measured.add(chances.ravel(), truth.numpy().ravel())
    return measured.curve.ece


def _as_tensor(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(array.astype(np.int64))
