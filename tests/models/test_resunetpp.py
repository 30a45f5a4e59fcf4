"""ResUNet++: published size, and the way of its skips."""

import pytest
import torch

from delineate.core.errors import PlanError
from delineate.models.resunetpp import Ascent, ResUNetPP


def test_published_number_of_parameters():
    model = ResUNetPP(3, 1, 2)

    assert sum(value.numel() for value in model.parameters()) == 4_062_993


def test_each_step_joins_the_skip_of_its_own_grid():
    model = ResUNetPP(1, 2, 2, features=(4, 6, 8, 10, 12))
    seen = []
    for step in model.decoder.steps:
        step.register_forward_hook(
            lambda _, given, out: seen.append(
                (*(entry.shape[1:3] for entry in given), out.shape[1])
            )
        )

    model(torch.randn(2, 1, 32, 32))

    assert seen == [((8, 8), (12, 4), 10), ((6, 16), (10, 8), 8), ((4, 32), (8, 16), 6)]


def test_closed_gate_lets_only_the_skip_through():
    torch.manual_seed(0)
    step = Ascent(4, 8, 6, 2, stride=(2, 2), norm="batch").eval()
    for value in step.gate[-1].parameters():
        torch.nn.init.zeros_(value)
    skip, deep = torch.randn(1, 4, 8, 8), torch.randn(1, 8, 4, 4)

    out = step(skip, deep)

    empty = torch.zeros(1, 8, 8, 8)
    assert torch.equal(out, step.unit(torch.cat([empty, skip], dim=1)))


def test_thin_axis_stays_unhalved():
    model = ResUNetPP(
        1, 2, 3, features=(4, 4, 8, 8), strides=[[1, 1, 1], [1, 2, 2], [2, 2, 2]], rates=(1, 2)
    ).eval()

    assert model(torch.randn(1, 1, 5, 9, 8))[0].shape == (1, 2, 5, 9, 8)
    assert model.encoder.strides[-1] == [2, 4, 4]


@pytest.mark.parametrize("options", [{"features": (4, 8)}, {"rates": ()}, {"rates": (0, 1)}])
def test_too_few_stages_or_rates_are_refused(options):
    with pytest.raises(PlanError, match="three entries"):
        ResUNetPP(1, 2, 2, **options)
