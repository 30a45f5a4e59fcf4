"""Attention within windows, then across a grid: near places in full, far ones at a stride.

Two steps that cost the same for any size of image let every place hear of every other. Windows
are at most so many tokens wide, and as even as the map allows, so that little is filled up.
"""

from collections.abc import Sequence
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn import functional

from delineate.models.attention import attend

SIDES = {2: 8, 3: 4}
"""Largest tokens per axis of a window, and of the grid, by spatial axes: 64 keys either way."""


class GroupAttention(nn.Module):
    """Multi-head attention among the tokens of each group; what fills a map up is not heard."""

    def __init__(self, channels: int, dims: int, *, heads: int, across: bool) -> None:
        """Build the layers.

        Args:
            channels: Channels of a token, a multiple of heads.
            dims: Spatial axes, 2 or 3.
            heads: Number of heads.
            across: True groups tokens at a stride over the whole map, False those of a window.
        """
        super().__init__()
        self.heads, self.side, self.across = heads, SIDES[dims], across
        self.mixed = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """Run the attention.

        Args:
            tokens: (N, *S, C).

        Returns:
            (N, *S, C).
        """
        size = tokens.shape[1:-1]
        counts = [-(-length // self.side) for length in size]
        members = [-(-length // count) for length, count in zip(size, counts, strict=True)]
        padded = [count * part for count, part in zip(counts, members, strict=True)]
        mask = None
        mixed = self.mixed(tokens)
        if padded != list(size):
            mask = self._mask(size, padded, counts, tokens.device).repeat(len(tokens), 1, 1, 1)
            mixed = _fill_up(mixed, padded)
        groups = self._gather(mixed, counts)  # (N G, M, 3 C)
        parts = groups.reshape(*groups.shape[:2], 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        heard = attend(query, key, value, mask).transpose(1, 2).flatten(2)
        whole = self._scatter(heard, len(tokens), padded, counts)
        for axis, length in enumerate(size):
            whole = whole.narrow(1 + axis, 0, length)
        out: Tensor = self.out(whole)
        return out

    def _mask(
        self,
        size: Sequence[int],
        padded: Sequence[int],
        counts: Sequence[int],
        device: torch.device,
    ) -> Tensor:
        """Tell which keys of each group are tokens, (G, 1, 1, M)."""
        inside = torch.ones((1, *size, 1), dtype=torch.bool, device=device)
        groups = self._gather(_fill_up(inside, padded), counts)
        return groups[:, None, None, :, 0]

    def _order(self, dims: int) -> tuple[list[int], list[int]]:
        """Axes of groups and of members, of a map whose axes are each split in two."""
        outer, inner = list(range(1, 2 * dims, 2)), list(range(2, 2 * dims + 1, 2))
        return (inner, outer) if self.across else (outer, inner)

    def _shape(self, padded: Sequence[int], counts: Sequence[int]) -> list[int]:
        """Lengths of both parts of each axis, as memory has them."""
        pairs = [(n, length // n) for n, length in zip(counts, padded, strict=True)]
        return list(chain.from_iterable(pair[::-1] if self.across else pair for pair in pairs))

    def _gather(self, features: Tensor, counts: Sequence[int]) -> Tensor:
        """Bring (N, *P, C) to (N G, M, C)."""
        dims = len(counts)
        groups, members = self._order(dims)
        shape = self._shape(features.shape[1:-1], counts)
        split = features.reshape(len(features), *shape, features.shape[-1])
        turned = split.permute(0, *groups, *members, 2 * dims + 1)
        return turned.flatten(1 + dims, 2 * dims).flatten(0, dims)

    def _scatter(
        self, groups: Tensor, count: int, padded: Sequence[int], counts: Sequence[int]
    ) -> Tensor:
        """Bring (N G, M, C) back to (N, *P, C)."""
        dims = len(counts)
        order = [0, *chain.from_iterable(self._order(dims)), 2 * dims + 1]
        shape = [count, *self._shape(padded, counts), groups.shape[-1]]
        split = groups.reshape([shape[axis] for axis in order])
        back = [order.index(axis) for axis in range(len(order))]
        return split.permute(back).reshape(count, *padded, groups.shape[-1])


class WindowGrid(nn.Module):
    """Each place asks its window, and then, knowing that, a grid over the whole map.

    Source:
        Tu et al., 2022, arXiv:2204.01697 (MaxViT), block and grid attention, without their
        relative positions: a depth-wise convolution carries those here.
    """

    def __init__(
        self, channels: int, dims: int, *, heads: int, ratio: Sequence[int], eps: float
    ) -> None:
        """Build the layers.

        Args:
            channels: Channels of a token, a multiple of heads.
            dims: Spatial axes, 2 or 3.
            heads: Number of heads.
            ratio: Not used; here so that all kinds are built alike.
            eps: Of the normalisation between.
        """
        super().__init__()
        del ratio
        self.near = GroupAttention(channels, dims, heads=heads, across=False)
        self.norm = nn.LayerNorm(channels, eps=eps)
        self.far = GroupAttention(channels, dims, heads=heads, across=True)

    def forward(self, tokens: Tensor) -> Tensor:
        """Run both.

        Args:
            tokens: (N, *S, C).

        Returns:
            (N, *S, C).
        """
        near = self.near(tokens)
        heard: Tensor = near + self.far(self.norm(tokens + near))
        return heard


def _fill_up(features: Tensor, padded: Sequence[int]) -> Tensor:
    """Continue (N, *S, C) with zeros, or False, to (N, *P, C)."""
    missing = [whole - have for whole, have in zip(padded, features.shape[1:-1], strict=True)]
    pads = [0, 0, *chain.from_iterable((0, extra) for extra in reversed(missing))]
    return functional.pad(features, pads)
