"""Attention over channels."""

import pytest
import torch
from torch.nn import functional

from delineate.core.errors import UnknownNameError
from delineate.models.channels import (
    CHANNEL_KINDS,
    ChannelAffinity,
    CrossCovariance,
    make_channel_attention,
)


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


def test_affinity_is_the_formula_of_its_paper():
    torch.manual_seed(0)
    layer = ChannelAffinity(5, heads=1)
    layer.scale.data.fill_(0.7)
    tokens = torch.randn(2, 3, 4, 5) / 3

    flat = tokens.flatten(1, 2)  # (N, T, C)
    wanted = torch.zeros_like(flat)
    for sample, rows in enumerate(flat):
        for j in range(5):
            alike = torch.stack([(rows[:, i] * rows[:, j]).sum() for i in range(5)])
            shares = alike.exp() / alike.exp().sum()
            wanted[sample, :, j] = 0.7 * sum(shares[i] * rows[:, i] for i in range(5))

    assert torch.allclose(layer(tokens).flatten(1, 2), wanted, atol=1e-5)


def test_affinity_begins_with_nothing_and_can_learn():
    layer = ChannelAffinity(4, heads=1)
    tokens = torch.randn(1, 3, 3, 4)

    out = layer(tokens)
    out.square().add(out).sum().backward()

    assert (out == 0).all()
    assert layer.scale.grad.abs() > 0
    assert sum(value.numel() for value in layer.parameters()) == 1
