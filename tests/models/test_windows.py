"""Attention within windows and across a grid."""

from itertools import product

import pytest
import torch

from delineate.models.windows import SIDES, GroupAttention, WindowGrid

SIZES = [(8, 8), (16, 24), (5, 3), (9, 17), (1, 13), (4, 4, 4), (5, 9, 2), (8, 3, 11)]


def group_of(place, size, across):
    """Say by hand which group a token is of."""
    numbers = []
    for where, length in zip(place, size, strict=True):
        count = -(-length // SIDES[len(size)])
        members = -(-length // count)
        numbers.append(where % count if across else where // members)
    return tuple(numbers)


def ask_by_hand(layer, tokens, across):
    """Ask, place by place, all tokens of the same group."""
    size = tokens.shape[1:-1]
    places = list(product(*map(range, size)))
    query, key, value = layer.mixed(tokens).chunk(3, dim=-1)
    out = torch.zeros_like(query)
    width = query.shape[-1] // layer.heads
    for sample, place in product(range(len(tokens)), places):
        mine = group_of(place, size, across)
        others = [other for other in places if group_of(other, size, across) == mine]
        for head in range(layer.heads):
            part = slice(head * width, (head + 1) * width)
            keys = torch.stack([key[(sample, *other)][part] for other in others])
            values = torch.stack([value[(sample, *other)][part] for other in others])
            scores = (keys @ query[(sample, *place)][part] / width**0.5).softmax(0)
            out[(sample, *place)][part] = scores @ values
    return layer.out(out)


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_groups_are_asked_as_by_hand_for_any_size(size, across):
    torch.manual_seed(0)
    layer = GroupAttention(6, len(size), heads=2, across=across)
    tokens = torch.randn(2, *size, 6)

    found = layer(tokens)

    assert torch.allclose(found, ask_by_hand(layer, tokens, across), atol=1e-5)


@pytest.mark.parametrize("size", [(19, 23), (6, 7, 5)])
def test_every_place_hears_of_every_other(size):
    torch.manual_seed(0)
    layer = WindowGrid(8, len(size), heads=2, ratio=(1,) * len(size), eps=1e-5)
    tokens = torch.randn(1, *size, 8, requires_grad=True)

    layer(tokens).flatten(1, -2)[0, 0].sum().backward()

    assert (tokens.grad[0].abs().sum(-1) > 0).all()


def test_work_grows_no_faster_than_the_map():
    layer = WindowGrid(8, 2, heads=1, ratio=(1, 1), eps=1e-5)
    asked = []
    real = torch.nn.functional.scaled_dot_product_attention

    def count(query, key, value, **options):
        asked.append(len(query) * query.shape[2] * key.shape[2])
        return real(query, key, value, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.functional, "scaled_dot_product_attention", count)
        layer(torch.randn(1, 16, 16, 8))
        layer(torch.randn(1, 64, 64, 8))

    assert sum(asked[2:]) == 16 * sum(asked[:2])
