"""Attention over places and over channels."""

import pytest
import torch
from torch.nn import functional

from delineate.core.errors import UnknownNameError
from delineate.models.attention import (
    CHANNEL_KINDS,
    FEW_KEYS,
    CrossCovariance,
    SpatialAttention,
    attend,
    make_channel_attention,
    to_map,
    to_tokens,
)


def test_tokens_of_a_channels_last_map_are_a_view_that_lies_in_order():
    features = torch.randn(2, 8, 4, 6).contiguous(memory_format=torch.channels_last)

    tokens = to_tokens(features)

    assert tokens.is_contiguous()
    assert tokens.data_ptr() == features.data_ptr()
    assert torch.equal(to_map(tokens), features)


def test_spatial_attention_without_reduction_is_multi_head_attention():
    torch.manual_seed(0)
    ours = SpatialAttention(12, 2, heads=3, ratio=(1, 1), eps=1e-5).double()
    judge = torch.nn.MultiheadAttention(12, 3, batch_first=True).double()
    judge.in_proj_weight.data = torch.cat([ours.query.weight, ours.key_value.weight])
    judge.in_proj_bias.data = torch.cat([ours.query.bias, ours.key_value.bias])
    judge.out_proj.load_state_dict(ours.out.state_dict())
    tokens = torch.randn(2, 4, 5, 12).double()

    flat = tokens.flatten(1, 2)
    wanted, _ = judge(flat, flat, flat)

    assert torch.allclose(ours(tokens).flatten(1, 2), wanted, atol=1e-12)


def test_reduced_keys_see_the_whole_image_from_every_place():
    torch.manual_seed(0)
    layer = SpatialAttention(8, 2, heads=2, ratio=(4, 4), eps=1e-5)
    tokens = torch.randn(1, 10, 9, 8, requires_grad=True)  # no multiple of the ratio

    layer(tokens)[0, 0, 0].sum().backward()

    assert (tokens.grad[0].abs().sum(-1) > 0).all()


def test_cross_covariance_is_the_formula_of_its_paper():
    torch.manual_seed(0)
    layer = CrossCovariance(8, heads=2).double()
    layer.temperature.data = torch.tensor([[[0.7]], [[3.0]]]).double()
    tokens = torch.randn(2, 3, 5, 8).double()

    query, key, value = layer.mixed(tokens.flatten(1, 2)).chunk(3, dim=-1)
    heads = []
    for head in range(2):
        part = slice(4 * head, 4 * head + 4)
        first = functional.normalize(query[..., part], dim=1)
        second = functional.normalize(key[..., part], dim=1)
        scores = (first.transpose(1, 2) @ second * layer.temperature[head]).softmax(-1)
        heads.append((scores @ value[..., part].transpose(1, 2)).transpose(1, 2))
    wanted = layer.out(torch.cat(heads, dim=-1)).reshape(tokens.shape)

    assert torch.allclose(layer(tokens), wanted, atol=1e-6)  # lengths are taken in float32


@pytest.mark.parametrize("kind", CHANNEL_KINDS)
def test_channel_attention_does_not_ask_where_a_token_lies(kind):
    torch.manual_seed(0)
    layer = make_channel_attention(kind, 16, heads=2)
    tokens = torch.randn(1, 4, 6, 16)

    turned = layer(tokens.flip(1, 2)).flip(1, 2)

    assert torch.allclose(turned, layer(tokens), atol=1e-5)


def test_unknown_channel_attention_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'xca'"):
        make_channel_attention("xcaa", 16, heads=2)


@pytest.mark.parametrize("keys", [16, FEW_KEYS + 1])
def test_attention_is_the_same_with_few_and_many_keys(keys):
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, 3, size, 8) for size in (50, keys, keys))

    found = attend(query.bfloat16(), key.bfloat16(), value.bfloat16())

    wanted = functional.scaled_dot_product_attention(query, key, value)
    assert found.dtype == torch.bfloat16
    assert torch.allclose(found.float(), wanted, atol=0.03)
