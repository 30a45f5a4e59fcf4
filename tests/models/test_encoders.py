"""Every row of `ENCODERS` gives a pyramid that keeps the contract."""

import pytest
import torch

from delineate.core.errors import PlanError, UnknownNameError
from delineate.models.encoders import ENCODERS, build_encoder


@pytest.mark.parametrize("name", ENCODERS)
def test_levels_are_as_the_contract_says(name):
    with torch.device("meta"):
        encoder = build_encoder(name, 1, 2).eval()
        image = torch.zeros(1, 1, 64, 32)

    pyramid = encoder(image)

    expected = [
        (1, wide, 64 // step[0], 32 // step[1])
        for wide, step in zip(encoder.channels, encoder.strides, strict=True)
    ]
    assert [tuple(level.shape) for level in pyramid] == expected


def test_unknown_encoder_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'resnet18'"):
        build_encoder("resnet19", 3, 2)


def test_option_that_an_encoder_lacks_is_refused_with_those_it_has():
    with pytest.raises(PlanError, match=r"no option colour; it takes .*output_stride"):
        build_encoder("mobilenet_v2", 3, 2, colour="red")


def test_norm_is_handed_on():
    encoder = build_encoder("resnet18", 3, 2, norm="group", width=0.125)

    assert isinstance(encoder.bn1, torch.nn.GroupNorm)
