"""Weights between the terms of a loss: fixed, learned as noise, or by how fast each falls."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from delineate.core.errors import pick

MODES = {
    "fixed": "shares as the plan says",
    "kendall": "sum of exp(-s) L + s with a learned s for each term",
    "dwa": "terms that fall more slowly weigh more",
}
"""Ways of weighing terms."""
RANGE = 3.0
"""Largest size of a learned s."""
WARMUP = 2
"""Periods that must be over before their losses can be compared."""


def average_shares(
    last: Mapping[str, float], before: Mapping[str, float], temperature: float = 2.0
) -> dict[str, float]:
    """Weigh terms by how little they fell from one period to the next.

    l_k = n softmax_k(r_k / T), r_k = L_k(last) / L_k(before).

    Args:
        last: Mean of each term in the last period.
        before: Mean of each term in the period before; a term that was not there, or not above
            0, has the ratio 1.
        temperature: The T, > 0; large weighs all alike.

    Returns:
        A weight for each term of `last`; their mean is 1.

    Source:
        Liu et al., 2019, arXiv:1803.10704, equation 7.
    """
    ratios = {
        name: value / before[name] if before.get(name, 0.0) > 0 and value > 0 else 1.0
        for name, value in last.items()
    }
    top = max(ratios.values(), default=0.0)
    powers = {name: math.exp((ratio - top) / temperature) for name, ratio in ratios.items()}
    total = sum(powers.values())
    return {name: len(powers) * power / total for name, power in powers.items()}


class TermWeights:
    """Adds the terms of a loss up, and remembers what their weights follow."""

    def __init__(
        self,
        names: Sequence[str],
        *,
        mode: str = "fixed",
        shares: Mapping[str, float] | None = None,
        temperature: float = 2.0,
        device: torch.device | str = "cpu",
    ) -> None:
        """Begin with the plan's shares.

        Args:
            names: Every term that may come.
            mode: Row of `MODES`.
            shares: Fixed factor of each term; 1 where it is not named.
            temperature: Of `average_shares`.
            device: Where the learned numbers live.
        """
        pick(MODES, mode, what="way of weighing terms")
        self.names = tuple(names)
        self.mode = mode
        self.shares = {name: 1.0 for name in self.names} | dict(shares or {})
        self.temperature = temperature
        self.log_variances = nn.Parameter(torch.zeros(len(self.names), device=device))
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.periods: list[dict[str, float]] = []

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """Add the terms of a step up.

        Args:
            terms: Some or all of the terms by name, () each. Learned weights and weights by
                falling want terms that are not below 0.

        Returns:
            What to minimise, ().

        Raises:
            UnknownNameError: If a term was not named at the start.
        """
        places = {name: place for place, name in enumerate(self.names)}
        chosen = {name: pick(places, name, what="term") for name in terms}
        with torch.no_grad():  # held in its range here, since a cut in the graph has no way back
            self.log_variances.clamp_(-RANGE, RANGE)
        weights = self._relative()
        parts = []
        for name, place in chosen.items():
            part = self.shares[name] * weights.get(name, 1.0) * terms[name]
            if self.mode == "kendall":
                part = (-self.log_variances[place]).exp() * part + self.log_variances[place]
            parts.append(part)
        if self.mode == "dwa":
            for name, term in terms.items():
                self._remember(name, float(term.detach()))
        return torch.stack(parts).sum()

    def _remember(self, name: str, value: float) -> None:
        if math.isfinite(value):
            self.sums[name] = self.sums.get(name, 0.0) + value
            self.counts[name] = self.counts.get(name, 0) + 1

    def _relative(self) -> dict[str, float]:
        if self.mode != "dwa" or len(self.periods) < WARMUP:
            return {}
        return average_shares(self.periods[-1], self.periods[-2], self.temperature)

    def close_period(self) -> None:
        """End a period, such as an epoch; from the third on weights follow the two before."""
        means = {name: self.sums[name] / self.counts[name] for name in self.sums}
        if means:
            self.periods = [*self.periods, means][-WARMUP:]
        self.sums, self.counts = {}, {}

    def groups(self) -> list[dict[str, Any]]:
        """Give the optimiser what is learned.

        Returns:
            One group of parameters that does not decay; none if nothing is learned.
        """
        if self.mode != "kendall":
            return []
        return [{"params": [self.log_variances], "weight_decay": 0.0}]

    def row(self) -> dict[str, float]:
        """Tell the weights in the history.

        Returns:
            "term grids" and so on: the factor of each term's value; empty if they are fixed.
        """
        if self.mode == "fixed":
            return {}
        learned = [math.exp(-value) for value in self.log_variances.detach().tolist()]
        relative = self._relative()
        return {
            f"term {name}": self.shares[name] * relative.get(name, 1.0) * learned[place]
            for place, name in enumerate(self.names)
        }

    def state(self) -> dict[str, Any]:
        """Collect what the next step depends on, as plain values.

        Returns:
            Values for `restore`, which JSON can hold.
        """
        return {
            "log_variances": self.log_variances.detach().tolist(),
            "sums": dict(self.sums),
            "counts": dict(self.counts),
            "periods": [dict(period) for period in self.periods],
        }

    def restore(self, facts: Mapping[str, Any]) -> None:
        """Go on from what `state` collected.

        Args:
            facts: Its values.
        """
        with torch.no_grad():
            self.log_variances.copy_(torch.tensor(facts["log_variances"]))
        self.sums, self.counts = dict(facts["sums"]), dict(facts["counts"])
        self.periods = [dict(period) for period in facts["periods"]]
