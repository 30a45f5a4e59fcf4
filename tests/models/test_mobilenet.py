"""MobileNetV2: published size, names, and what dilation keeps."""

import pytest
import torch

from delineate.models.mobilenet import MobileNetV2


def test_published_number_of_parameters():
    model = MobileNetV2(3, 2)

    assert sum(value.numel() for value in model.parameters()) == 2_223_872


@pytest.mark.parametrize("dims", [2, 3])
def test_levels_have_the_channels_and_strides_that_they_say(dims):
    model = MobileNetV2(2, dims, width=0.25)

    pyramid = model(torch.randn(2, 2, *[64] * dims))

    assert [level.shape[1] for level in pyramid] == list(model.channels)
    assert [64 // level.shape[2] for level in pyramid] == [2, 4, 8, 16, 32]


def test_published_channels_of_the_levels():
    assert list(MobileNetV2(3, 2).channels) == [16, 24, 32, 96, 1280]


@pytest.mark.parametrize("output_stride", [8, 16])
def test_dilated_network_holds_the_strided_ones_features_and_new_ones_between(output_stride):
    torch.manual_seed(0)
    strided = MobileNetV2(3, 2, width=0.25).eval()
    dilated = MobileNetV2(3, 2, width=0.25, output_stride=output_stride).eval()
    dilated.load_state_dict(strided.state_dict())
    image = torch.randn(1, 3, 128, 128)
    step = 32 // output_stride

    coarse, fine = strided(image)[-1], dilated(image)[-1]

    assert coarse.abs().max() > 0.1
    assert torch.allclose(fine[:, :, ::step, ::step], coarse, atol=1e-4)


def test_parameters_have_the_names_of_published_weights():
    names = set(MobileNetV2(3, 2, width=0.25).state_dict())

    assert {"features.0.0.weight", "features.1.conv.1.weight", "features.18.1.bias"} <= names
    assert {"features.17.conv.0.0.weight", "features.17.conv.3.running_mean"} <= names
