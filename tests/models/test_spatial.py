"""Ways to attend to places."""

import pytest
import torch
from torch.nn import functional

from delineate.core.errors import UnknownNameError
from delineate.models.attention import SpatialAttention
from delineate.models.medsegformer import MedSegFormer
from delineate.models.spatial import (
    POOLED,
    SPATIAL_KINDS,
    average_to,
    make_spatial_attention,
)

SMALL = {"depths": (1, 1, 1, 1), "refine": 0}


@pytest.mark.parametrize("size", [(7, 7), (8, 20), (3, 50), (14, 9), (9, 10, 11), (2, 7, 16)])
def test_tokens_are_averaged_as_adaptive_pooling_does(size):
    torch.manual_seed(0)
    tokens = torch.randn(2, *size, 5)
    pool = functional.adaptive_avg_pool2d if len(size) == 2 else functional.adaptive_avg_pool3d

    found = average_to(tokens, POOLED)

    wanted = pool(tokens.movedim(-1, 1), [min(length, POOLED) for length in size])
    assert torch.allclose(found, wanted.movedim(1, -1), atol=1e-5)


def test_pooled_attention_asks_the_same_number_of_keys_whatever_the_size():
    layer = make_spatial_attention("pool", 8, 2, heads=2, ratio=(4, 4))

    keys = [layer.reduction(torch.randn(1, side, side, 8)).shape[1] for side in (7, 20, 64)]

    assert keys == [POOLED**2] * 3


def test_pooled_attention_is_attention_to_these_keys():
    torch.manual_seed(0)
    layer = make_spatial_attention("pool", 8, 2, heads=2, ratio=(1, 1)).double()
    tokens = torch.randn(2, 9, 10, 8).double()
    judge = torch.nn.MultiheadAttention(8, 2, batch_first=True).double()
    judge.in_proj_weight.data = torch.cat([layer.query.weight, layer.key_value.weight])
    judge.in_proj_bias.data = torch.cat([layer.query.bias, layer.key_value.bias])
    judge.out_proj.load_state_dict(layer.out.state_dict())
    pooled = functional.adaptive_avg_pool2d(tokens.movedim(-1, 1), POOLED).flatten(2).mT
    keys = functional.gelu(layer.reduction.norm(layer.reduction.mix(pooled)))

    wanted, _ = judge(tokens.flatten(1, 2), keys, keys)

    assert torch.allclose(layer(tokens).flatten(1, 2), wanted, atol=1e-10)


def test_default_is_the_reduction_of_segformer():
    assert isinstance(make_spatial_attention("sra", 8, 2, heads=1, ratio=(2, 2)), SpatialAttention)


def test_unknown_kind_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'window'"):
        make_spatial_attention("windows", 8, 2, heads=1, ratio=(1, 1))


@pytest.mark.parametrize("kind", SPATIAL_KINDS)
@pytest.mark.parametrize("size", [(1, 1), (13, 29), (3, 4, 9)])
def test_any_size_goes_through_and_back(kind, size):
    torch.manual_seed(0)
    layer = make_spatial_attention(kind, 8, len(size), heads=2, ratio=(2,) * len(size))
    tokens = torch.randn(2, *size, 8, requires_grad=True)

    out = layer(tokens)
    out.square().sum().backward()

    assert out.shape == tokens.shape
    assert torch.isfinite(tokens.grad).all()
    assert all(value.grad is not None for value in layer.parameters())


@pytest.mark.parametrize("kind", SPATIAL_KINDS)
def test_images_in_a_batch_do_not_hear_each_other(kind):
    torch.manual_seed(0)
    layer = make_spatial_attention(kind, 8, 2, heads=2, ratio=(2, 2))
    tokens = torch.randn(3, 11, 9, 8)

    together = layer(tokens)

    assert torch.allclose(together[1:2], layer(tokens[1:2]), atol=1e-6)


@pytest.mark.parametrize("kind", ["window", "pool"])
def test_levels_lie_channels_last(kind):
    network = MedSegFormer(1, 2, 2, stem="apart", spatial_kind=kind, **SMALL).eval()
    network = network.to(memory_format=torch.channels_last)
    image = torch.randn(1, 1, 64, 48).contiguous(memory_format=torch.channels_last)

    levels = network.encoder(image)

    assert all(level.is_contiguous(memory_format=torch.channels_last) for level in levels)


@pytest.mark.parametrize("kind", ["window", "pool"])
def test_compiler_follows_the_whole_network(kind):
    network = make_spatial_attention(kind, 8, 2, heads=2, ratio=(1, 1)).eval()
    tokens = torch.randn(1, 9, 13, 8)

    traced = torch.compile(network, fullgraph=True, backend="eager")

    assert torch.allclose(traced(tokens), network(tokens), atol=1e-6)
