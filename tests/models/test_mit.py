"""The hierarchical transformer."""

import pytest
import torch

from delineate.core.errors import PlanError, UnknownNameError
from delineate.models.mit import ATTENTIONS, HybridBlock, MixTransformer
from delineate.models.segformer import SIZES

SMALL = {"widths": (8, 16), "depths": (1, 2), "heads": (1, 2)}
ENCODERS = {
    "b0": 3_319_392,
    "b1": 13_151_424,
    "b2": 24_196_288,
    "b3": 44_072_128,
    "b4": 60_842_688,
    "b5": 81_443_008,
}
"""Parameters as Hugging Face's and the authors' encoders have them."""


@pytest.mark.parametrize("size", ENCODERS)
def test_parameters_are_those_of_the_published_encoders(size):
    with torch.device("meta"):
        chosen = SIZES[size]
        encoder = MixTransformer(3, 2, widths=chosen["widths"], depths=chosen["depths"])

    assert sum(value.numel() for value in encoder.parameters()) == ENCODERS[size]


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("dims", [2, 3])
def test_levels_have_their_strides(attention, dims):
    strides = [[2] * dims, [1] * (dims - 1) + [2]]
    encoder = MixTransformer(2, dims, attention=attention, strides=strides, **SMALL)

    levels = encoder(torch.randn(2, 2, *[12] * dims))

    assert encoder.strides == [[2] * dims, [2] * (dims - 1) + [4]]
    assert [tuple(level.shape[1:]) for level in levels] == [
        (8, *[6] * dims),
        (16, *[6] * (dims - 1), 3),
    ]


def test_levels_lie_channels_last():
    encoder = MixTransformer(3, 2, **SMALL).to(memory_format=torch.channels_last)

    levels = encoder(torch.randn(2, 3, 32, 32).contiguous(memory_format=torch.channels_last))

    assert all(level.is_contiguous(memory_format=torch.channels_last) for level in levels)


def test_alternate_blocks_take_turns_over_all_stages():
    encoder = MixTransformer(1, 2, attention="alternate", **SMALL)

    turns = [
        "spatial" if block.spatial is not None else "channel"
        for stage in encoder.stages
        for block in stage
    ]

    assert turns == ["spatial", "channel", "spatial"]


def test_parallel_block_hears_both_kinds():
    torch.manual_seed(0)
    shape = {"heads": 2, "ratio": (1, 1), "expansion": 2.0, "drop": 0.0, "eps": 1e-6}
    block = HybridBlock(
        8, 2, attention="parallel", fusion="gate", channel_kind="xca", **shape
    ).eval()
    tokens = torch.randn(1, 4, 4, 8)
    whole = block(tokens)

    for part in (block.spatial, block.channel):
        before = part.out.weight.detach().clone()
        part.out.weight.data.zero_()
        assert not torch.allclose(block(tokens), whole)
        part.out.weight.data.copy_(before)


def test_wrong_rows_are_named():
    with pytest.raises(PlanError, match="one entry per stage"):
        MixTransformer(1, 2, widths=(8, 16), depths=(1,), heads=(1, 2))
    with pytest.raises(PlanError, match="1, 2 or 4"):
        MixTransformer(1, 2, strides=[[3, 3], [2, 2]], **SMALL)
    with pytest.raises(UnknownNameError, match="parallel"):
        MixTransformer(1, 2, attention="paralel", **SMALL)


def test_linear_layers_begin_narrow_under_any_decoder():
    encoder = MixTransformer(1, 2, **SMALL)

    assert encoder.stages[1][0].feed_forward.widen.weight.std() < 0.025


def test_strides_count_from_the_image_where_convolutions_came_before():
    encoder = MixTransformer(1, 2, strides=[[2, 2], [2, 1]], before=[2, 1], **SMALL)

    assert encoder.strides == [[4, 2], [8, 2]]
