"""Decoders: published sizes, grids and the way of the skips."""

import pytest
import torch

from delineate.core.errors import PlanError
from delineate.models.decoders import FPNDecoder, UNetDecoder

B2 = (64, 128, 320, 512)
STRIDES = [[4, 4], [8, 8], [16, 16], [32, 32]]


def count(module):
    return sum(value.numel() for value in module.parameters())


def pyramid_of(channels, sizes, dims=2):
    return [
        torch.randn(2, wide, *[size] * dims) for wide, size in zip(channels, sizes, strict=True)
    ]


def test_pyramid_on_a_mix_transformer_has_the_known_number_of_parameters():
    whole, encoder, head = 83_330_758, 81_443_008, 128 * 6 + 6

    assert count(FPNDecoder(B2, 2)) == whole - encoder - head


def test_unet_on_a_mix_transformer_has_the_known_number_of_parameters():
    whole, encoder, head = 27_477_734, 24_196_288, 9 * 16 * 6 + 6

    assert count(UNetDecoder(B2, STRIDES, 2)) == whole - encoder - head


@pytest.mark.parametrize("dims", [2, 3])
def test_unet_reaches_the_grid_of_the_image(dims):
    strides = [[4] * dims, [8] * dims, [16] * dims]
    decoder = UNetDecoder((4, 8, 8), strides, dims, features=(8, 8, 4, 4))

    assert decoder(pyramid_of((4, 8, 8), (8, 4, 2), dims)).shape == (2, 4, *[32] * dims)


def test_unet_doubles_only_the_axes_that_were_halved():
    decoder = UNetDecoder((4, 8), [[1, 4, 4], [2, 8, 8]], 3, features=(8, 8, 4))
    pyramid = [torch.randn(1, 4, 6, 4, 4), torch.randn(1, 8, 3, 2, 2)]

    assert decoder(pyramid).shape == (1, 4, 6, 16, 16)


def test_too_few_steps_leave_a_coarser_map():
    decoder = UNetDecoder((4, 8, 8), [[4, 4], [8, 8], [16, 16]], 2, features=(8, 8, 4))

    assert decoder(pyramid_of((4, 8, 8), (8, 4, 2))).shape == (2, 4, 16, 16)


@pytest.mark.parametrize(("levels", "size"), [(1, 2), (2, 4), (3, 8)])
def test_pyramid_gives_the_finest_grid_that_is_used(levels, size):
    decoder = FPNDecoder((4, 8, 8), 2, levels=levels, width=8, features=4, norm="batch")

    assert decoder(pyramid_of((4, 8, 8), (8, 4, 2))).shape == (2, 4, size, size)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("kind", ["fpn", "unet"])
def test_every_level_is_seen_at_its_own_place(kind, level):
    torch.manual_seed(0)
    channels, sizes = (4, 4, 4), (32, 16, 8)
    decoder = {
        "fpn": FPNDecoder(channels, 2, levels=3, width=8, features=4, norm="batch"),
        "unet": UNetDecoder(channels, [[1, 1], [2, 2], [4, 4]], 2, features=(8, 4)),
    }[kind].eval()
    pyramid = pyramid_of(channels, sizes)
    changed = [entry.clone() for entry in pyramid]
    changed[level][:, :, 0, 0] += 10

    difference = (decoder(changed) - decoder(pyramid)).abs().amax(dim=(0, 1))

    assert difference[0, 0] > 0
    assert difference[31, 31] == 0


def test_more_levels_than_there_are_is_refused():
    with pytest.raises(PlanError, match="between 1 and 2"):
        FPNDecoder((4, 8), 2, levels=3)


def test_unet_without_steps_is_refused():
    with pytest.raises(PlanError, match="at least one"):
        UNetDecoder((4, 8), [[1, 1], [2, 2]], 2, features=())
