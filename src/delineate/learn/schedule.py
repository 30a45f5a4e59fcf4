"""The learning rate over a run, as a share of its peak."""

import math


def schedule(share: float, warmup: float) -> float:
    """Rise linearly, then fall as a cosine to nearly nothing at the end of the budget.

    Args:
        share: Share of the run that is over, from 0 to 1.
        warmup: Share in which the rate rises.

    Returns:
        Factor of the peak learning rate, in (0, 1].
    """
    if share < warmup:
        return max(0.02, share / warmup)
    fallen = min(1.0, (share - warmup) / max(1e-6, 1 - warmup))
    return 0.005 + 0.995 * (1 + math.cos(math.pi * fallen)) / 2
