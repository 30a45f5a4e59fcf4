"""Residual networks: published sizes, names, and what dilation keeps."""

import pytest
import torch

from delineate.core.errors import UnknownNameError
from delineate.models.resnet import ResNet

KNOWN = {18: 11_176_512, 34: 21_284_672, 50: 23_508_032, 101: 42_500_160}
"""Parameters without the classifier, from the published totals."""


@pytest.mark.parametrize("depth", KNOWN)
def test_published_number_of_parameters(depth):
    with torch.device("meta"):
        model = ResNet(3, 2, depth=depth)

    assert sum(value.numel() for value in model.parameters()) == KNOWN[depth]


@pytest.mark.parametrize("dims", [2, 3])
def test_levels_have_the_channels_and_strides_that_they_say(dims):
    model = ResNet(2, dims, depth=50, width=0.125)

    pyramid = model(torch.randn(2, 2, *[64] * dims))

    assert [level.shape[1] for level in pyramid] == list(model.channels)
    assert [64 // level.shape[2] for level in pyramid] == [row[0] for row in model.strides]
    assert [row[0] for row in model.strides] == [2, 4, 8, 16, 32]


@pytest.mark.parametrize("output_stride", [8, 16])
@pytest.mark.parametrize("depth", [18, 50])
def test_dilated_network_holds_the_strided_ones_features_and_new_ones_between(depth, output_stride):
    torch.manual_seed(0)
    strided = ResNet(3, 2, depth=depth, width=0.125).eval()
    dilated = ResNet(3, 2, depth=depth, width=0.125, output_stride=output_stride).eval()
    dilated.load_state_dict(strided.state_dict())
    image = torch.randn(1, 3, 128, 128)
    step = 32 // output_stride

    coarse, fine = strided(image)[-1], dilated(image)[-1]

    assert fine.shape[2] == step * coarse.shape[2]
    assert torch.allclose(fine[:, :, ::step, ::step], coarse, atol=1e-4)


def test_thin_axis_stays_unhalved():
    model = ResNet(
        1, 3, width=0.125, strides=[[1, 2, 2], [1, 2, 2], [2, 2, 2], [2, 2, 2], [1, 2, 2]]
    )

    pyramid = model(torch.randn(1, 1, 8, 32, 32))

    assert [tuple(level.shape[2:]) for level in pyramid[:2]] == [(8, 16, 16), (8, 8, 8)]
    assert model.strides[-1] == [4, 32, 32]


def test_parameters_have_the_names_of_published_weights():
    names = set(ResNet(3, 2, depth=50, width=0.125).state_dict())

    assert {"conv1.weight", "bn1.running_var", "layer1.0.downsample.1.bias"} <= names
    assert {"layer3.5.conv3.weight", "layer4.2.bn3.num_batches_tracked"} <= names
    assert "layer1.1.downsample.0.weight" not in names


def test_unknown_depth_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Choose one of: 101, 18, 34, 50"):
        ResNet(3, 2, depth=19)
