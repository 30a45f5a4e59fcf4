"""SegFormer, its decoder and its sizes."""

import pytest
import torch
from torch.nn import functional

from delineate.core.errors import UnknownNameError
from delineate.models.base import resize
from delineate.models.segformer import MLPDecoder, SegFormer

TOTALS = {
    "b0": (3_752_694, 3_715_686),
    "b1": (13_715_798, 13_678_790),
    "b2": (27_461_974, 27_351_238),
    "b3": (47_337_814, 47_227_078),
    "b4": (64_108_374, 63_997_638),
    "b5": (84_708_694, 84_597_958),
}
"""Parameters with 150 and 6 classes, as Hugging Face's."""


@pytest.mark.parametrize("size", TOTALS)
def test_parameters_are_those_of_the_published_networks(size):
    with torch.device("meta"):
        networks = [SegFormer(3, classes, 2, size=size) for classes in (150, 6)]

    counts = tuple(sum(value.numel() for value in entry.parameters()) for entry in networks)

    assert counts == TOTALS[size]


@pytest.mark.parametrize("dims", [2, 3])
def test_decoder_equals_linear_interpolate_stack_and_mix(dims):
    torch.manual_seed(0)
    decoder = MLPDecoder((3, 5), 4, dims).eval()
    pyramid = [torch.randn(2, 3, *[8] * dims), torch.randn(2, 5, *[4] * dims)]

    mapped = [
        resize(layer(level.movedim(1, -1)).movedim(-1, 1), [8] * dims)
        for layer, level in zip(decoder.levels, pyramid, strict=True)
    ]
    stacked = torch.cat(mapped[::-1], dim=1)  # the coarsest first
    mixed = decoder.mix(stacked.movedim(1, -1)).movedim(-1, 1)
    wanted = functional.relu(decoder.norm(mixed))

    assert torch.allclose(decoder(pyramid), wanted, atol=1e-5)


def test_decoder_passes_gradients_to_both_of_its_factors():
    decoder = MLPDecoder((3, 5), 4, 2)

    decoder([torch.randn(2, 3, 8, 8), torch.randn(2, 5, 4, 4)]).square().sum().backward()

    assert all(
        value.grad.abs().sum() > 0
        for value in (decoder.mix.weight, *[layer.weight for layer in decoder.levels])
    )


def test_unknown_size_names_the_nearest():
    with pytest.raises(UnknownNameError, match="b0"):
        SegFormer(3, 2, 2, size="bo")


def test_a_new_network_begins_with_small_logits():
    torch.manual_seed(0)
    network = SegFormer(1, 3, 2, drop_path=0.0).eval()

    assert network(torch.randn(2, 1, 64, 64))[0].abs().max() < 1.0
