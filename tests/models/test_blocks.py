"""Bricks: what they keep and what they change."""

import pytest
import torch

from delineate.core.errors import UnknownNameError
from delineate.models.blocks import ConvNorm, PlainBlock, ResidualBlock, make_norm


def test_blocks_keep_channels_last():
    block = PlainBlock(8, 8, 2, kernel=(3, 3), stride=(1, 1), norm="batch")
    image = torch.randn(2, 8, 6, 6).contiguous(memory_format=torch.channels_last)

    out = block.to(memory_format=torch.channels_last)(image)

    assert out.is_contiguous(memory_format=torch.channels_last)


def test_residual_block_with_silent_branch_is_its_shortcut():
    block = ResidualBlock(4, 4, 2, kernel=(3, 3), stride=(1, 1), norm="batch").eval()
    torch.nn.init.zeros_(block.second[1].weight)
    image = torch.rand(1, 4, 5, 5)

    assert torch.allclose(block(image), image)


def test_residual_block_halves_odd_sizes_upwards():
    block = ResidualBlock(2, 4, 3, kernel=(3, 3, 3), stride=(2, 2, 1), norm="group")

    assert block(torch.randn(1, 2, 5, 6, 7)).shape == (1, 4, 3, 3, 7)


def test_convolution_without_activation_may_be_negative():
    layer = ConvNorm(1, 4, 2, kernel=(3, 3), stride=(1, 1), norm="batch", has_activation=False)

    assert layer(torch.randn(2, 1, 8, 8)).min() < -0.1


def test_unknown_norm_is_refused():
    with pytest.raises(UnknownNameError, match="batch, group, instance"):
        make_norm("layer", 4, 2)
