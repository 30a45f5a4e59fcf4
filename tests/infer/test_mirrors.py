"""Mirror images are averaged after they are turned back."""

import pytest
import torch
from torch import Tensor, nn

from delineate.core.errors import ShapeError
from delineate.infer.mirrors import average_mirrors, check_flips

CPU = torch.device("cpu")


class Slope(nn.Module):
    """Answers with the image times its column, so that left and right differ."""

    def forward(self, image: Tensor) -> list[Tensor]:
        return [image * torch.arange(image.shape[-1], dtype=torch.float32)]


def test_without_flips_the_network_is_asked_once(make_plan):
    image = torch.randn(2, 1, 4, 5, 6)

    answer = average_mirrors(Slope(), make_plan(), CPU, ())(image)

    assert torch.equal(answer, Slope()(image)[0])


def test_both_ways_of_looking_count_alike(make_plan):
    image = torch.randn(2, 1, 6, 5)
    plan = make_plan(dims=2, patch=(16, 16))

    answer = average_mirrors(Slope(), plan, CPU, (1,))(image)

    assert torch.allclose(answer, image * 2.0)


def test_several_axes_are_mirrored_alone_and_together(make_plan):
    shapes = []

    class Counting(Slope):
        def forward(self, image: Tensor) -> list[Tensor]:
            shapes.append(image.flatten()[0].item())
            return super().forward(image)

    average_mirrors(Counting(), make_plan(), CPU, (0, 1, 2))(torch.randn(1, 1, 2, 2, 2))

    assert len(set(shapes)) == 8


def test_flips_are_checked_and_put_in_order():
    assert check_flips((2, 0, 2), 3, "mine") == (0, 2)
    with pytest.raises(ShapeError, match=r"from 0 to 1, not \(2,\).*mine sees 2 axes"):
        check_flips((2,), 2, "mine")
