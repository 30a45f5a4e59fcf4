"""UNet++: between encoder and decoder a triangle of nodes, each fed by all before it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from delineate.core.errors import PlanError
from delineate.models.base import crop, pad_to, resize
from delineate.models.blocks import CONVOLUTIONS
from delineate.models.convolutions import initialise_rectified
from delineate.models.strides import cumulative
from delineate.models.unet_original import ConvPair, make_pool, make_raise, stage_rows


class UNetPP(nn.Module):
    """Nested U-Nets of all depths that share their nodes.

    Node (i, j) stands on the grid of stage i; node (i, 0) is the contracting path, and
    x(i, j) = H[x(i, 0), ..., x(i, j - 1), up(x(i + 1, j - 1))]. Each x(0, j) may answer.

    Source:
        Zhou et al., 2018, arXiv:1807.10165; 2020, arXiv:1912.05074, equation 1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: int,
        *,
        features: Sequence[int] = (32, 64, 128, 256, 512),
        strides: Sequence[Sequence[int]] | None = None,
        norm: str | None = "batch",
        residual: bool = False,
        deep_supervision: bool = False,
        level: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        """Build the network.

        Args:
            in_channels: Channels of the input.
            out_channels: Channels of the logits.
            dims: Spatial axes, 2 or 3.
            features: Channels of each stage, finest first; at least two stages.
            strides: Stride per stage and axis; None means 1 for the first stage, then 2.
            norm: "batch", "group" or "instance"; None for biases instead.
            residual: Whether each pair of convolutions has a shortcut.
            deep_supervision: Whether the shallower networks have heads and learn too.
            level: Depth of the network that answers outside training, from 1 on; what lies
                deeper is then not computed. None, or the deepest, is the whole; others need
                deep supervision.
            dropout: Share of the last channels dropped in training.
        """
        super().__init__()
        rows = stage_rows(features, strides, dims)
        self.depth = len(features) - 1
        self.level = _level(level, self.depth, deep_supervision)
        self.strides = cumulative(rows)
        self.pools = nn.ModuleList(make_pool(row, dims) for row in rows)
        self.nodes = nn.ModuleDict()
        self.up = nn.ModuleDict()
        for i, wide in enumerate(features):
            before = features[i - 1] if i else in_channels
            self.nodes[f"{i}_0"] = ConvPair(before, wide, dims, norm=norm, residual=residual)
            for j in range(1, len(features) - i):
                self.up[f"{i}_{j}"] = make_raise(features[i + 1], wide, dims, rows[i + 1])
                self.nodes[f"{i}_{j}"] = ConvPair(
                    (j + 1) * wide, wide, dims, norm=norm, residual=residual
                )
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict(
            {
                str(j): CONVOLUTIONS[dims](features[0], out_channels, 1)
                for j in range(1 if deep_supervision else self.depth, self.depth + 1)
            }
        )
        initialise_rectified(self)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Run the network.

        Args:
            image: (N, C, *S), any size.

        Returns:
            Logits (N, K, *S); while training with deep supervision followed by those of the
            shallower networks, deepest first, of the same size.
        """
        depth = self.depth if self.training else self.level
        padded = pad_to(image, self.strides[depth])
        rows: list[list[Tensor]] = []
        features = padded
        for i in range(depth + 1):
            features = self.nodes[f"{i}_0"](self.pools[i](features))
            rows.append([features])
            for j in range(1, i + 1):
                self._node(rows, i - j, j)
        wanted = range(depth, 0, -1) if self.training else (depth,)
        return [
            self._answer(rows[0][j], str(j), padded, image) for j in wanted if str(j) in self.heads
        ]

    def _node(self, rows: list[list[Tensor]], i: int, j: int) -> None:
        raised = self.up[f"{i}_{j}"](rows[i + 1][j - 1])
        rows[i].append(self.nodes[f"{i}_{j}"](torch.cat([*rows[i], raised], dim=1)))

    def _answer(self, features: Tensor, head: str, padded: Tensor, image: Tensor) -> Tensor:
        logits = self.heads[head](self.dropout(features))
        return crop(resize(logits, padded.shape[2:]), image.shape[2:])


def _level(level: int | None, depth: int, deep_supervision: bool) -> int:
    """Check that a head answers at a level."""
    chosen = depth if level is None else level
    if not (1 if deep_supervision else depth) <= chosen <= depth:
        raise PlanError(
            f"level must lie between 1 and {depth}, and below {depth} only with "
            f"deep_supervision, not {level}. Correct model_options."
        )
    return chosen
