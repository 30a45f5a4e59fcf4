"""FPN on an encoder: levels, grids and options."""

import pytest
import torch

from delineate.core.errors import PlanError, UnknownNameError
from delineate.models.fpn import FPN


def test_known_number_of_parameters_on_a_small_encoder():
    # 11,176,512 of the encoder; 1x1 convolutions 960 -> 256 and four biases; seven 3x3
    # convolutions with scale and shift, four from 256 and three from 128; the head.
    pyramid = 960 * 256 + 4 * 256
    smooth = 9 * 128 * (4 * 256 + 3 * 128) + 7 * 256

    model = FPN(3, 6, 2)

    total = sum(value.numel() for value in model.parameters())
    assert total == 11_176_512 + pyramid + smooth + 128 * 6 + 6


def test_known_number_of_parameters_on_a_mix_transformer():
    with torch.device("meta"):
        model = FPN(3, 6, 2, encoder="mit_b5")

    assert sum(value.numel() for value in model.parameters()) == 83_330_758


@pytest.mark.parametrize(("levels", "size"), [(4, 16), (5, 32)])
def test_all_levels_bring_the_map_to_half_the_image(levels, size):
    model = FPN(1, 2, 2, width=0.125, levels=levels, pyramid=8, features=16)

    pyramid = model.encoder(torch.randn(2, 1, 64, 64))

    assert model.decoder(pyramid).shape == (2, 16, size, size)


def test_thin_axis_stays_unhalved():
    strides = [[1, 2, 2], [1, 2, 2], [1, 2, 2], [2, 2, 2], [2, 2, 2]]
    model = FPN(1, 2, 3, width=0.125, pyramid=8, features=16, strides=strides).eval()

    assert model(torch.randn(1, 1, 6, 33, 40))[0].shape == (1, 2, 6, 33, 40)
    assert model.encoder.strides[-1] == [4, 32, 32]


def test_unknown_encoder_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'resnet18'"):
        FPN(1, 2, 2, encoder="resnet19")


def test_too_many_levels_are_refused():
    with pytest.raises(PlanError, match="between 1 and 5"):
        FPN(1, 2, 2, width=0.125, levels=6)
