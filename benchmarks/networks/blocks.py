"""What a multiply-accumulate costs in each kind of block, beside that of a U-Net.

The maps are those of a hybrid transformer on a picture of 256 x 256: 64, 32, 16 and 8 across,
32 to 256 channels wide. Every block takes its turn in every round of one process, so that a
busy machine slows all of them. Blocks without multiplications are told per element.

    python benchmarks/networks/blocks.py --out benchmarks/results/network_blocks.json
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[1]))
from table import write

from delineate.models.cost import measure_cost
from delineate.models.mit import HybridBlock

STAGES = ((32, 64, 1, 8), (64, 32, 2, 4), (160, 16, 5, 2), (256, 8, 8, 1))
"""Channels, pixels across, heads and reduction of each stage."""
LAST = torch.channels_last


@dataclass(frozen=True)
class Block:
    """Something to time."""

    name: str
    run: Callable[[Tensor], Tensor]
    image: Tensor
    macs: int
    """Multiply-accumulates of one forward pass; 0 where elements are what counts."""


class UNetBlock(nn.Module):
    """Convolution, batch normalisation and ReLU, twice."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        layers = []
        for _ in range(2):
            layers += [nn.Conv2d(channels, channels, 3, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(image)


class Attention(nn.Module):
    """Spatial-reduction attention without its linear layers: all places ask a few."""

    def __init__(self, heads: int, ratio: int) -> None:
        super().__init__()
        self.heads, self.ratio = heads, ratio

    def forward(self, tokens: Tensor) -> Tensor:
        query = tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key = query[:, :, :: self.ratio * self.ratio].contiguous()
        return functional.scaled_dot_product_attention(query, key, key)


class PlainAttention(Attention):
    """The same as two products with a softmax between them."""

    def forward(self, tokens: Tensor) -> Tensor:
        query = tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key = query[:, :, :: self.ratio * self.ratio].contiguous()
        scaled = key * query.shape[-1] ** -0.5
        return (query @ scaled.transpose(-2, -1)).softmax(-1) @ key


class CrossCovariance(nn.Module):
    """Attention over channels without its linear layers, lengths divided out of the tokens."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads

    def forward(self, tokens: Tensor) -> Tensor:
        query = tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        unit = functional.normalize(query.float(), dim=-2).to(query.dtype)
        scores = (unit.transpose(-2, -1) @ unit).float().softmax(-1).to(query.dtype)
        return query @ scores.transpose(-2, -1)


class CovarianceLate(CrossCovariance):
    """The same with lengths divided out of the small product."""

    def forward(self, tokens: Tensor) -> Tensor:
        query = tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        product = (query.transpose(-2, -1) @ query).float()
        length = query.float().square().sum(-2).sqrt()
        scores = (product / (length[..., None] * length[..., None, :])).softmax(-1)
        return query @ scores.to(query.dtype).transpose(-2, -1)


class CovarianceDiagonal(CrossCovariance):
    """The same with lengths read off the diagonal of the product (query = key here)."""

    def forward(self, tokens: Tensor) -> Tensor:
        query = tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        product = (query.transpose(-2, -1) @ query).float()
        length = product.diagonal(dim1=-2, dim2=-1).sqrt()
        scores = (product / (length[..., None] * length[..., None, :])).softmax(-1)
        return query @ scores.to(query.dtype).transpose(-2, -1)


def shifted(weight: Tensor) -> Callable[[Tensor], Tensor]:
    """A depth-wise 3 x 3 convolution as nine shifted products."""

    def run(image: Tensor) -> Tensor:
        padded = functional.pad(image, (1, 1, 1, 1))
        height, width = image.shape[2:]
        taps = weight.to(image.dtype)
        total = padded[:, :, :height, :width] * taps[:, :, 0, 0, None, None].movedim(0, 1)
        for tap in range(1, 9):
            row, column = divmod(tap, 3)
            part = padded[:, :, row : row + height, column : column + width]
            total = torch.addcmul(total, part, taps[:, :, row, column, None, None].movedim(0, 1))
        return total

    return run


def hybrids(stage: int, nhwc: Tensor) -> list[Block]:
    """Make the whole blocks of the hybrid transformer, on tokens as they lie in memory."""
    channels, _, heads, ratio = STAGES[stage]
    how = {"fusion": "gate", "channel_kind": "xca", "expansion": 4.0, "drop": 0.0, "eps": 1e-6}
    made = []
    for kind in ("spatial", "channel", "serial", "parallel"):
        block = HybridBlock(
            channels, 2, heads=heads, ratio=[ratio, ratio], attention=kind, **how
        ).to(memory_format=LAST)
        macs = measure_cost(Listed(block), nhwc.float()).macs
        made.append(Block(f"hybrid block, {kind}", block, nhwc, macs))
    return made


class Listed(nn.Module):
    """A block whose answer is a list, as `measure_cost` wants it."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, tokens: Tensor) -> list[Tensor]:
        return [self.block(tokens)]


def of_stage(stage: int, batch: int) -> list[Block]:
    """Make the blocks of one stage."""
    channels, side, heads, ratio = STAGES[stage]
    tokens, wide = batch * side * side, 4 * channels
    image = torch.randn(batch, channels, side, side).to(torch.bfloat16)
    large = torch.randn(batch, wide, side, side).to(torch.bfloat16)
    last, large_last = image.contiguous(memory_format=LAST), large.contiguous(memory_format=LAST)
    nhwc, flat = last.movedim(1, -1), last.movedim(1, -1).flatten(1, 2)
    conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False).to(memory_format=LAST)
    depthwise = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)
    depthwise_last = nn.Conv2d(wide, wide, 3, padding=1, groups=wide).to(memory_format=LAST)
    one = nn.Conv2d(channels, wide, 1).to(memory_format=LAST)
    linear, norm = nn.Linear(channels, wide), nn.LayerNorm(channels)
    grouped, batched = nn.GroupNorm(1, channels), nn.BatchNorm2d(channels)
    reduce = nn.Conv2d(channels, channels, ratio, ratio).to(memory_format=LAST)
    square, widen = tokens * channels * channels, tokens * channels * wide
    asked = 2 * tokens * channels * (side // ratio) ** 2
    made = [
        Block("U-Net block", UNetBlock(channels).to(memory_format=LAST), last, 18 * square),
        Block("conv 3x3", conv, last, 9 * square),
        Block("depth-wise 3x3, channels last", depthwise_last, large_last, 9 * tokens * wide),
        Block("depth-wise 3x3, contiguous", depthwise, large, 9 * tokens * wide),
        Block("depth-wise 3x3, shifts", shifted(depthwise.weight), large_last, 9 * tokens * wide),
        Block("1x1 conv", one, last, widen),
        Block("linear on NHWC", linear, nhwc, widen),
        Block("layer norm on NHWC", norm, nhwc, 0),
        Block("layer norm via contiguous NCHW", lambda x: norm(x.movedim(1, -1)), image, 0),
        Block("group norm 1, channels last", grouped, last, 0),
        Block("batch norm, channels last", batched, last, 0),
        Block("GELU", functional.gelu, large_last, 0),
        Block("GELU tanh", lambda x: functional.gelu(x, approximate="tanh"), large_last, 0),
        Block("ReLU", functional.relu, large_last, 0),
        Block("add", lambda x: x + x, last, 0),
        Block("bilinear x2, channels last", double, last, 0),
        Block("bilinear x2, contiguous", double, image, 0),
        Block("spatial attention, fused", Attention(heads, ratio), flat, asked),
        Block("spatial attention, products", PlainAttention(heads, ratio), flat, asked),
    ]
    if ratio > 1:
        made.append(Block(f"reduction {ratio}x{ratio}", reduce, last, square))
    across = 2 * tokens * channels * channels // heads
    kinds = {"tokens": CrossCovariance, "product": CovarianceLate, "diagonal": CovarianceDiagonal}
    made += [Block(f"cross-covariance, {k}", m(heads), flat, across) for k, m in kinds.items()]
    return made + hybrids(stage, nhwc)


def double(image: Tensor) -> Tensor:
    """Interpolate to twice the size."""
    return functional.interpolate(image, scale_factor=2, mode="bilinear", align_corners=False)


def once(block: Block, *, bf16: bool, trains: bool) -> float:
    """Time one pass."""
    image = block.image if bf16 else block.image.float()
    image.requires_grad_(trains)
    start = perf_counter()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16), torch.set_grad_enabled(trains):
        out = block.run(image)
        if trains:
            out.sum().backward()
    return perf_counter() - start


def measure(blocks: list[Block], rounds: int, repeats: int, *, bf16: bool, trains: bool) -> list:
    """Let the blocks take turns; medians of the rounds' least times, in seconds."""
    times: list[list[float]] = [[] for _ in blocks]
    for turn in range(rounds + 1):
        for block, found in zip(blocks, times, strict=True):
            least = min(once(block, bf16=bf16, trains=trains) for _ in range(repeats))
            if turn:  # the first round warms up
                found.append(least)
    return [median(found) for found in times]


def main() -> None:
    """Time all blocks of all stages and write what a multiplication costs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--train", action="store_true", help="forward and backward")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    rows = []
    for stage, (channels, side, *_) in enumerate(STAGES):
        blocks = of_stage(stage, options.batch)
        how = {"rounds": options.rounds, "repeats": options.repeats, "trains": options.train}
        fast = measure(blocks, bf16=True, **how)
        plain = measure(blocks, bf16=False, **how)
        for block, bf16_s, fp32_s in zip(blocks, fast, plain, strict=True):
            row = {"stage": stage + 1, "channels": channels, "side": side, "block": block.name}
            row |= {"bf16_us": round(1e6 * bf16_s, 1), "fp32_us": round(1e6 * fp32_s, 1)}
            if block.macs:
                row["bf16_ps_per_mac"] = round(1e12 * bf16_s / block.macs, 2)
                row["ratio"] = round(bf16_s / block.macs * blocks[0].macs / fast[0], 2)
            else:
                row["bf16_ps_per_element"] = round(1e12 * bf16_s / block.image.numel(), 1)
            rows.append(row)
            print(json.dumps(row), flush=True)
    result = {"rows": rows, "batch": options.batch, "threads": options.threads}
    result["trains"] = options.train
    if options.out:
        worst = max((row for row in rows if "ratio" in row), key=lambda row: row["ratio"])
        answer = (
            f"in bf16, dearest {worst['block']} (stage {worst['stage']}), {worst['ratio']:.1f} "
            "times a U-Net block's"
        )
        write(options.out, "What does a multiplication cost in each kind of block?", answer, result)


if __name__ == "__main__":
    main()
