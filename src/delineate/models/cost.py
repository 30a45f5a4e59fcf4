"""What one forward pass of a network costs: parameters, multiplications and memory.

The pass is taken, not estimated, so that networks whose work depends on the image are counted
as they are.
"""

import weakref
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

CONVENTION = (
    "MACs: one multiplication with its addition; convolutions, linear layers, matrix products and "
    "attention (queries with keys, scores with values). Normalisation, activations, softmax and "
    "interpolation are not counted."
)
"""What counts, in words for whoever reads the number."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a forward pass of one image costs."""

    parameters: int
    """Numbers that are learnt."""
    macs: int
    """Multiplications with their additions; see `CONVENTION`."""
    peak_bytes: int
    """Most memory held at once: parameters, image and what layers hand on; what a convolution
    needs for itself for a moment is not in it."""
    outputs: tuple[tuple[int, ...], ...]
    """Shapes of the logits."""


def measure_cost(network: nn.Module, image: Tensor) -> Cost:
    """Take one forward pass in evaluation mode and count.

    Args:
        network: Maps (N, C, *S) to a list of logits; its mode is put back.
        image: (N, C, *S), on the network's device.

    Returns:
        The cost of this pass.
    """
    held = [*network.parameters(), *network.buffers(), image]
    memory = _Memory(held)
    own: dict[Any, Any] = {_FUSED_ON_CPU: _fused_attention}
    counter = FlopCounterMode(display=False, custom_mapping=own)
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad(), counter, memory:
            logits = network(image)
    finally:
        network.train(was_training)
    return Cost(
        parameters=count_parameters(network),
        macs=counter.get_total_flops() // 2,
        peak_bytes=memory.peak,
        outputs=tuple(tuple(entry.shape) for entry in logits),
    )


def count_parameters(network: nn.Module) -> int:
    """Count what a network learns.

    Args:
        network: Any network.

    Returns:
        Number of parameters; statistics of normalisations are none.
    """
    return sum(value.numel() for value in network.parameters())


_FUSED_ON_CPU = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
"""What attention becomes on a CPU; torch's own counter does not know it."""


def _fused_attention(query: Any, key: Any, value: Any, *rest: Any, **more: Any) -> int:  # noqa: ANN401 - the counter hands over shapes and whatever else the operator takes
    del rest, more
    return int(sdpa_flop_count(query, key, value))  # type: ignore[no-untyped-call]


class _Memory(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the storages that are alive, and remembers the most."""

    def __init__(self, held: list[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.alive: dict[int, int] = {}
        self.peak = 0
        for tensor in held:
            self._meet(tensor)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401 - torch's own signature
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self._meet(leaf)
        return out

    def _meet(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        place = storage.data_ptr()
        if not place or self.alive.get(place) == storage.nbytes():
            return
        self.alive[place] = storage.nbytes()
        weakref.finalize(storage, self.alive.pop, place, None)
        self.peak = max(self.peak, sum(self.alive.values()))
