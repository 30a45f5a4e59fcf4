"""A hierarchical transformer of four stages: attention over places, over channels, or both.

With attention over places alone it is the Mix Transformer of SegFormer, parameter by
parameter; with both it is the encoder of MedSegFormer. No position is embedded: the depth-wise
convolution in each block carries it, so that any size of image fits.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from delineate.core.errors import PlanError, pick
from delineate.models.attention import initialise, to_map, to_tokens
from delineate.models.blocks import CONVOLUTIONS
from delineate.models.channels import make_channel_attention
from delineate.models.fusion import FUSIONS, PathDrop
from delineate.models.spatial import make_spatial_attention
from delineate.models.strides import cumulative, stride_rows

KERNELS = {1: 3, 2: 3, 4: 7}
"""Kernel of a patch embedding by its stride, so that patches overlap."""
ATTENTIONS = ("parallel", "serial", "alternate", "spatial", "channel")
"""How a block attends: to both at once, one after the other, by turns, or to one alone."""


class PatchEmbedding(nn.Module):
    """An overlapping strided convolution and a normalisation begin each stage."""

    def __init__(
        self, in_channels: int, out_channels: int, dims: int, stride: Sequence[int], eps: float
    ) -> None:
        """Build the layers.

        Args:
            in_channels: Channels in.
            out_channels: Channels of a token.
            dims: Spatial axes, 2 or 3.
            stride: 1, 2 or 4 per axis.
            eps: Of the normalisation.

        Raises:
            PlanError: If a stride is none of these.
        """
        super().__init__()
        if not set(stride) <= set(KERNELS):
            raise PlanError(
                f"strides of a patch embedding must be 1, 2 or 4, not {tuple(stride)}. "
                "Correct model_options."
            )
        kernel = tuple(KERNELS[step] for step in stride)
        padding = tuple(size // 2 for size in kernel)
        self.conv = CONVOLUTIONS[dims](in_channels, out_channels, kernel, tuple(stride), padding)
        self.norm = nn.LayerNorm(out_channels, eps=eps)

    def forward(self, features: Tensor) -> Tensor:
        """Cut into tokens.

        Args:
            features: (N, C, *S).

        Returns:
            (N, *ceil(S / stride), out_channels).
        """
        tokens: Tensor = self.norm(to_tokens(self.conv(features)))
        return tokens


class MixFeedForward(nn.Module):
    """Two linear layers with a depth-wise convolution between, which tells where a token is."""

    def __init__(self, channels: int, dims: int, expansion: float) -> None:
        """Build the layers.

        Args:
            channels: Channels of a token.
            dims: Spatial axes, 2 or 3.
            expansion: Channels inside to one outside.
        """
        super().__init__()
        inner = round(channels * expansion)
        self.widen = nn.Linear(channels, inner)
        self.depthwise = CONVOLUTIONS[dims](inner, inner, 3, padding=1, groups=inner)
        self.activation = nn.GELU()
        self.narrow = nn.Linear(inner, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """Run the layers.

        Args:
            tokens: (N, *S, C).

        Returns:
            (N, *S, C).
        """
        placed = to_tokens(self.depthwise(to_map(self.widen(tokens))))
        out: Tensor = self.narrow(self.activation(placed))
        return out


class HybridBlock(nn.Module):
    """Attention over places and channels, joined, then the feed-forward layers."""

    def __init__(
        self,
        channels: int,
        dims: int,
        *,
        heads: int,
        ratio: Sequence[int],
        attention: str,
        fusion: str,
        channel_kind: str,
        expansion: float,
        drop: float,
        eps: float,
        spatial_kind: str = "sra",
    ) -> None:
        """Build the layers.

        Args:
            channels: Channels of a token.
            dims: Spatial axes, 2 or 3.
            heads: Number of heads of either attention.
            ratio: Tokens to one key, per axis.
            attention: "parallel", "serial", "spatial" or "channel".
            fusion: Row of `FUSIONS`, for "parallel".
            channel_kind: Row of `CHANNEL_KINDS`.
            expansion: Of the feed-forward layers.
            drop: Chance that a sample skips a branch in training.
            eps: Of the normalisations.
            spatial_kind: Row of `SPATIAL_KINDS`.
        """
        super().__init__()
        self.spatial: nn.Module | None = None
        self.channel: nn.Module | None = None
        self.fusion: nn.Module | None = None
        self.norm_between: nn.Module | None = None
        self.norm1 = nn.LayerNorm(channels, eps=eps)
        if attention != "channel":
            how: dict[str, Any] = {"heads": heads, "ratio": ratio}
            self.spatial = make_spatial_attention(spatial_kind, channels, dims, **how)
        if attention != "spatial":
            self.channel = make_channel_attention(channel_kind, channels, heads=heads)
        if attention == "parallel":
            self.fusion = pick(FUSIONS, fusion, what="fusion")(channels)
        if attention == "serial":
            self.norm_between = nn.LayerNorm(channels, eps=eps)
        self.norm2 = nn.LayerNorm(channels, eps=eps)
        self.feed_forward = MixFeedForward(channels, dims, expansion)
        self.drop = PathDrop(drop)

    def forward(self, tokens: Tensor) -> Tensor:
        """Run the block.

        Args:
            tokens: (N, *S, C).

        Returns:
            (N, *S, C).
        """
        tokens = tokens + self.drop(self._attend(self.norm1(tokens)))
        if self.norm_between is not None and self.channel is not None:
            tokens = tokens + self.drop(self.channel(self.norm_between(tokens)))
        out: Tensor = tokens + self.drop(self.feed_forward(self.norm2(tokens)))
        return out

    def _attend(self, tokens: Tensor) -> Tensor:
        if self.fusion is not None and self.spatial is not None and self.channel is not None:
            joined: Tensor = self.fusion(self.spatial(tokens), self.channel(tokens))
            return joined
        chosen = self.spatial if self.spatial is not None else self.channel
        attended: Tensor = chosen(tokens) if chosen is not None else tokens
        return attended


class MixTransformer(nn.Module):
    """Four stages of blocks; the encoder of SegFormer and of MedSegFormer."""

    def __init__(
        self,
        in_channels: int,
        dims: int,
        *,
        widths: Sequence[int],
        depths: Sequence[int],
        heads: Sequence[int] = (1, 2, 5, 8),
        strides: Sequence[Sequence[int]] | None = None,
        expansion: float = 4.0,
        drop_path: float = 0.1,
        eps: float = 1e-6,
        attention: str = "spatial",
        fusion: str = "gate",
        channel_kind: str = "xca",
        spatial_kind: str = "sra",
        before: Sequence[int] | None = None,
    ) -> None:
        """Build the stages.

        Args:
            in_channels: Channels of the image.
            dims: Spatial axes, 2 or 3.
            widths: Channels of each stage.
            depths: Blocks of each stage.
            heads: Heads of each stage.
            strides: Stride per stage and axis, each 1, 2 or 4; None means 4, then 2.
            expansion: Of the feed-forward layers.
            drop_path: Chance that a branch of the last block is skipped in training; it rises
                linearly from 0.
            eps: Of the normalisations of blocks and stages.
            attention: One of `ATTENTIONS`.
            fusion: Row of `FUSIONS`.
            channel_kind: Row of `CHANNEL_KINDS`.
            spatial_kind: Row of `SPATIAL_KINDS`.
            before: Voxels of the image to one of the input and axis, where convolutions made it
                coarser before; None means 1.

        Raises:
            PlanError: If a stage lacks a number.
        """
        super().__init__()
        steps = stride_rows(strides, (4, *[2] * (len(widths) - 1)), dims)
        _check(attention, widths, depths, heads)
        self.channels = list(widths)
        self.strides = cumulative([before or [1] * dims, *steps])[1:]
        chosen = _choices(attention, drop_path, sum(depths))
        self.embeddings = nn.ModuleList(
            PatchEmbedding(*ends, dims, step, 1e-5)
            for ends, step in zip(pairwise([in_channels, *widths]), steps, strict=True)
        )
        common: Any = {"spatial_kind": spatial_kind, "channel_kind": channel_kind, "fusion": fusion}
        common |= {"expansion": expansion, "eps": eps}
        self.stages = nn.ModuleList()
        for width, depth, count, here in zip(widths, depths, heads, self.strides, strict=True):
            common |= {"heads": count, "ratio": _ratio(self.strides[-1], here)}
            blocks = [HybridBlock(width, dims, **next(chosen), **common) for _ in range(depth)]
            self.stages.append(nn.Sequential(*blocks))
        self.norms = nn.ModuleList(nn.LayerNorm(width, eps=eps) for width in widths)
        initialise(self)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Run the stages.

        Args:
            image: (N, C, *S).

        Returns:
            One (N, width, *ceil(S / stride)) a stage, views of channels-last memory.
        """
        pyramid: list[Tensor] = []
        features = image
        for embed, stage, norm in zip(self.embeddings, self.stages, self.norms, strict=True):
            features = to_map(norm(stage(embed(features))))
            pyramid.append(features)
        return pyramid


def _check(
    attention: str, widths: Sequence[int], depths: Sequence[int], heads: Sequence[int]
) -> None:
    pick(dict.fromkeys(ATTENTIONS), attention, what="attention")
    if len({len(widths), len(depths), len(heads)}) > 1:
        raise PlanError(
            "widths, depths and heads must have one entry per stage, not "
            f"{len(widths)}, {len(depths)} and {len(heads)}. Correct model_options."
        )


def _ratio(deepest: Sequence[int], here: Sequence[int]) -> list[int]:
    """Say how many tokens become one key: as many keys in every stage as the last has tokens."""
    return [deep // near for deep, near in zip(deepest, here, strict=True)]


def _choices(attention: str, drop_path: float, count: int) -> Iterator[dict[str, Any]]:
    """Say what differs from block to block: how it attends and how often it is skipped."""
    for place in range(count):
        turn = "channel" if place % 2 else "spatial"
        here = turn if attention == "alternate" else attention
        yield {"attention": here, "drop": drop_path * place / max(1, count - 1)}
