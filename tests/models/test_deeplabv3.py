"""DeepLab v3: published sizes, rates, and the mean of the whole image."""

import pytest
import torch

from delineate.core.errors import PlanError, UnknownNameError
from delineate.models.deeplabv3 import ASPP, DeepLabV3, ImagePooling, choose_rates

KNOWN = {"resnet50": 39_634_500, "resnet101": 58_626_628}


@pytest.mark.parametrize("encoder", KNOWN)
def test_published_number_of_parameters(encoder):
    with torch.device("meta"):
        model = DeepLabV3(3, 4, 2, encoder=encoder)

    assert sum(value.numel() for value in model.parameters()) == KNOWN[encoder]


def test_rates_are_the_published_ones_at_both_output_strides():
    assert choose_rates(None, (16, 16)) == [[6, 6], [12, 12], [18, 18]]
    assert choose_rates(None, (8, 8)) == [[12, 12], [24, 24], [36, 36]]


def test_rates_shrink_with_the_patch_axis_by_axis():
    assert choose_rates(None, (4, 16, 16), (16, 160, 160)) == [[1, 2, 2], [2, 4, 4], [2, 6, 6]]
    assert choose_rates(None, (16, 16), 16) == [[1, 1]] * 3


def test_given_rates_win():
    model = DeepLabV3(
        1, 2, 2, encoder="resnet18", width=0.125, features=8, rates=(2, (3, 4)), size=64
    )

    branches = model.decoder.aspp.branches
    assert len(branches) == 4
    assert [branches[1][0].dilation, branches[2][0].dilation] == [(2, 2), (3, 4)]


@pytest.mark.parametrize("rates", [(0,), ((1, 2, 3),)])
def test_rates_that_cannot_be_are_refused(rates):
    with pytest.raises(PlanError, match="rates must be whole numbers"):
        choose_rates(rates, (16, 16))


def test_unknown_output_stride_is_refused():
    with pytest.raises(UnknownNameError, match="output stride"):
        DeepLabV3(3, 2, 2, output_stride=7)


def test_pooled_branch_is_the_mapped_mean_at_every_voxel():
    torch.manual_seed(0)
    pooling = ImagePooling(3, 4, 2, norm="batch").eval()
    features = torch.randn(2, 3, 5, 6)

    out = pooling(features)

    mean = features.flatten(2).mean(2) @ pooling.conv.weight[:, :, 0, 0].T
    expected = (mean / (1 + 1e-5) ** 0.5).clamp(min=0)
    assert torch.allclose(out, expected[:, :, None, None].expand(-1, -1, 5, 6), atol=1e-6)


@pytest.mark.parametrize("norm", ["batch", "group", "instance"])
def test_one_image_alone_can_be_trained_on(norm):
    pooling = ImagePooling(3, 32, 2, norm=norm)

    pooling(torch.randn(1, 3, 8, 8)).sum().backward()

    assert all(value.grad is not None for value in pooling.parameters())


def test_far_voxels_reach_each_other_through_the_pooled_branch_alone():
    torch.manual_seed(0)
    aspp = ASPP(2, 8, 2, rates=(1, 2), norm="batch", dropout=0.0).eval()
    features = torch.randn(1, 2, 16, 16)
    changed = features.clone()
    changed[:, :, 0, 0] += 100

    moved = [
        bool((part(changed) - part(features)).abs()[0, :, 12, 12].max() > 0)
        for part in (*aspp.branches, aspp)
    ]

    assert moved == [False, False, False, True, True]
