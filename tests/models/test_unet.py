"""U-Net: scales, strides and norms."""

import pytest
import torch

from delineate.core.errors import PlanError
from delineate.models.unet import UNet


def test_training_adds_coarser_logits_of_half_the_size():
    model = UNet(1, 3, 2, features=(4, 4, 8, 8))

    shapes = [tuple(entry.shape[2:]) for entry in model(torch.randn(1, 1, 21, 32))]

    assert shapes == [(21, 32), (11, 16)]


def test_strides_may_spare_the_long_axis():
    model = UNet(1, 2, 3, features=(4, 8, 8), strides=[[1, 1, 1], [1, 2, 2], [2, 2, 2]])

    shapes = [tuple(entry.shape[2:]) for entry in model(torch.randn(2, 1, 4, 16, 16))]

    assert shapes == [(4, 16, 16)]
    assert model.cumulative[-1] == [2, 4, 4]


@pytest.mark.parametrize("norm", ["batch", "group", "instance"])
@pytest.mark.parametrize("residual", [False, True])
def test_every_norm_and_block_runs(norm, residual):
    model = UNet(2, 2, 3, features=(4, 8), norm=norm, residual=residual)

    logits = model(torch.randn(2, 2, 8, 8, 8))[0]

    assert torch.isfinite(logits).all()


def test_reference_size_has_the_known_number_of_parameters():
    # Convolutions 1->8->8 (3x3) with scale and shift, 8->16->16 at stride 2, a 2x2
    # transposed step 16->8, 16->8->8, and a 1x1 head with bias, counted by hand.
    model = UNet(1, 2, 2, features=(8, 16))
    expected = (72 + 16 + 576 + 16) + (1152 + 32 + 2304 + 32) + 512 + (1152 + 16 + 576 + 16) + 18

    assert sum(value.numel() for value in model.parameters()) == expected


def test_one_stage_is_refused():
    with pytest.raises(PlanError, match="at least two"):
        UNet(1, 2, 2, features=(8,))


@pytest.mark.parametrize("size", [(64, 64), (50, 37)])
def test_fine_branch_brings_logits_back_to_the_grid_of_the_input(size):
    model = UNet(3, 5, 2, features=(8, 8, 16), strides=[[2, 2]] * 3, fine=4).eval()
    coarse = UNet(3, 5, 2, features=(8, 8, 16), strides=[[2, 2]] * 3).eval()
    image = torch.randn(1, 3, *size)

    (logits,), (small,) = model(image), coarse(image)

    assert logits.shape == (1, 5, *size)
    assert small.shape[2:] == tuple(-(-length // 2) for length in size)
