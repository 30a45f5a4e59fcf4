"""Units of ResUNet++: what they scale, sum and leave."""

import torch

from delineate.models.units import ResidualUnit, SqueezeExcitation, SummedPooling, activation


def test_squeeze_excitation_scales_each_channel_by_one_number():
    torch.manual_seed(0)
    unit = SqueezeExcitation(16)
    features = torch.rand(2, 16, 4, 5) + 0.1

    ratio = (unit(features) / features).flatten(2)

    assert torch.allclose(ratio, ratio[:, :, :1].expand_as(ratio), atol=1e-6)
    assert (ratio > 0).all()
    assert (ratio < 1).all()


def test_residual_unit_with_silent_branch_is_its_scaled_shortcut():
    unit = ResidualUnit(4, 8, 2, stride=(2, 2), norm="batch").eval()
    for value in unit.branch[-1].parameters():
        torch.nn.init.zeros_(value)
    features = torch.randn(1, 4, 6, 6)

    assert torch.allclose(unit(features), unit.scale(unit.shortcut(features)))


def test_stem_sees_the_image_as_it_is():
    stem = ResidualUnit(1, 4, 2, stride=(1, 1), norm="batch", is_stem=True)
    inner = ResidualUnit(1, 4, 2, stride=(1, 1), norm="batch")

    assert isinstance(stem.branch[0], torch.nn.Conv2d)
    assert isinstance(inner.branch[0], torch.nn.BatchNorm2d)


def test_pooling_is_the_mixed_sum_of_its_branches():
    torch.manual_seed(0)
    pooling = SummedPooling(2, 4, 3, rates=(1, 2, 3), norm="batch").eval()
    features = torch.randn(1, 2, 6, 6, 6)

    expected = pooling.mix(torch.stack([row(features) for row in pooling.branches]).sum(0))

    assert torch.allclose(pooling(features), expected, atol=1e-6)
    assert [row[0].dilation for row in pooling.branches] == [(1,) * 3, (2,) * 3, (3,) * 3]


def test_activation_normalises_before_it_rectifies():
    kinds = [type(layer).__name__ for layer in activation(4, 3, "group")]

    assert kinds == ["GroupNorm", "ReLU"]
