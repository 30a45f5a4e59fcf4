"""Convolutions: sizes, separability and the scale of their first weights."""

import pytest
import torch

from delineate.models.convolutions import ConvReLU, initialise_rectified, make_conv


@pytest.mark.parametrize(("dilation", "kernel"), [(1, 1), (1, 3), (4, 3), (2, 5)])
def test_padding_keeps_the_size(dilation, kernel):
    layer = make_conv(2, 3, 2, kernel=kernel, dilation=dilation)

    assert layer(torch.zeros(1, 2, 9, 7)).shape == (1, 3, 9, 7)


def test_axes_may_have_strides_and_dilations_of_their_own():
    layer = make_conv(1, 1, 3, stride=(1, 2, 2), dilation=(1, 2, 4))

    assert layer(torch.zeros(1, 1, 4, 9, 8)).shape == (1, 1, 4, 5, 4)


def test_separable_convolution_has_the_weights_of_its_two_halves():
    layer = ConvReLU(8, 6, 2, norm="batch", separable=True)

    assert sum(value.numel() for value in layer.parameters()) == 8 * 9 + 8 * 6 + 2 * 6


def test_without_normalisation_a_bias_stands_in():
    layer = ConvReLU(2, 3, 2, norm=None)

    assert [key for key, _ in layer.named_parameters()] == ["0.weight", "0.bias"]


def test_first_weights_keep_the_variance_on_the_way_back():
    torch.manual_seed(0)
    layer = make_conv(16, 64, 2, bias=True)

    initialise_rectified(layer)

    assert layer.weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.03)
    assert not layer.bias.any()


def test_channels_last_is_kept():
    layer = ConvReLU(8, 8, 2, kernel=1).to(memory_format=torch.channels_last)
    image = torch.randn(2, 8, 6, 6).contiguous(memory_format=torch.channels_last)

    assert layer(image).is_contiguous(memory_format=torch.channels_last)
