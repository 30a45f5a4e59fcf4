"""Attention over places."""

import pytest
import torch
from torch.nn import functional

from delineate.models.attention import (
    FEW_KEYS,
    SpatialAttention,
    attend,
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


@pytest.mark.parametrize("keys", [16, FEW_KEYS + 1])
def test_attention_is_the_same_with_few_and_many_keys(keys):
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, 3, size, 8) for size in (50, keys, keys))

    found = attend(query.bfloat16(), key.bfloat16(), value.bfloat16())

    wanted = functional.scaled_dot_product_attention(query, key, value)
    assert found.dtype == torch.bfloat16
    assert torch.allclose(found.float(), wanted, atol=0.03)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_masked_keys_are_not_heard(dtype):
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, 3, size, 8).to(dtype) for size in (5, 9, 9))
    mask = (torch.arange(9) < 6).expand(2, 1, 1, 9)

    found = attend(query, key, value, mask)

    assert torch.allclose(found, attend(query, key[:, :, :6], value[:, :, :6]), atol=0.02)
