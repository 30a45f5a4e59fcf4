"""What is asked of a model of regions besides its labels, and the arrays that take it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from delineate.infer.export import Canvas, Decision
from delineate.infer.noise import NONE


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Maps to keep, and who listens."""

    probabilities: bool = False
    """Whether to keep each output's probability."""
    entropy: bool = False
    """Whether to keep the entropy in nats."""
    uncertainty: str = NONE
    """How the doubt to keep is measured, one of `UNCERTAINTIES`."""
    watch: Callable[[int, Tensor], None] | None = None
    """Told first plane and logits of each slab."""

    def canvas(
        self, shape: Sequence[int], outputs: int, decision: Decision, temperature: float
    ) -> Canvas:
        """Make empty arrays for labels and for what is asked for.

        Args:
            shape: The native grid, (*S).
            outputs: Outputs of the network, K.
            decision: How labels are chosen; "layers" get an array for each.
            temperature: What logits are divided by before they become probabilities.

        Returns:
            The canvas.
        """
        stack, grid = (outputs, *shape), tuple(shape)

        def empty(size: Sequence[int], *, is_wanted: bool) -> NDArray[np.float16] | None:
            return np.zeros(size, np.float16) if is_wanted else None

        labels: NDArray[Any] = np.zeros(grid, np.uint8)
        return Canvas(
            decision=decision,
            labels=np.zeros(stack, bool) if decision == "layers" else labels,
            probabilities=empty(stack, is_wanted=self.probabilities),
            entropy=empty(grid, is_wanted=self.entropy),
            uncertainty=empty(grid, is_wanted=self.uncertainty != NONE),
            measure=self.uncertainty,
            temperature=temperature,
        )

    def watched(self, slabs: Iterator[tuple[int, Tensor]]) -> Iterator[tuple[int, Tensor]]:
        """Let whoever listens see slabs as they pass.

        Args:
            slabs: First plane and logits of each.

        Yields:
            The same.
        """
        for first, logits in slabs:
            if self.watch is not None:
                self.watch(first, logits)
            yield first, logits
