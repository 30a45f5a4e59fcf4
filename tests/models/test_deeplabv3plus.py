"""DeepLab v3+: published sizes and the early features."""

import pytest
import torch

from delineate.core.errors import PlanError
from delineate.models.deeplabv3plus import DeepLabV3Plus, DeepLabV3PlusDecoder

KNOWN = {
    "mobilenet_v2": 4_379_284,
    "resnet18": 12_330_068,
    "resnet34": 22_438_228,
    "resnet50": 26_678_356,
    "resnet101": 45_670_484,
}


@pytest.mark.parametrize("encoder", KNOWN)
def test_published_number_of_parameters(encoder):
    with torch.device("meta"):
        model = DeepLabV3Plus(3, 4, 2, encoder=encoder)

    assert sum(value.numel() for value in model.parameters()) == KNOWN[encoder]


def test_map_stands_on_the_grid_of_the_early_level():
    decoder = DeepLabV3PlusDecoder((4, 6, 8, 8, 16), 2, rates=(1, 2), features=8, early=4)
    pyramid = [
        torch.randn(2, wide, size, size)
        for wide, size in zip((4, 6, 8, 8, 16), (32, 16, 8, 4, 4), strict=True)
    ]

    assert decoder(pyramid).shape == (2, 8, 16, 16)


@pytest.mark.parametrize(
    ("level", "is_seen"), [(0, False), (1, True), (2, False), (3, False), (4, True)]
)
def test_only_the_early_and_the_last_level_are_seen(level, is_seen):
    torch.manual_seed(0)
    decoder = DeepLabV3PlusDecoder((4, 6, 8, 8, 16), 2, rates=(1, 2), features=8, early=4).eval()
    sizes = (32, 16, 8, 4, 4)
    pyramid = [
        torch.randn(1, wide, size, size) for wide, size in zip((4, 6, 8, 8, 16), sizes, strict=True)
    ]
    changed = [entry + 1.0 * (place == level) for place, entry in enumerate(pyramid)]

    difference = (decoder(changed) - decoder(pyramid)).abs().max()

    assert bool(difference > 0) is is_seen


def test_thin_axis_keeps_its_strides_and_its_rates():
    strides = [[1, 2, 2], [1, 2, 2], [1, 2, 2], [2, 2, 2], [2, 2, 2]]
    model = DeepLabV3Plus(
        1, 2, 3, encoder="resnet18", width=0.125, features=8, strides=strides, size=(16, 256, 256)
    ).eval()

    logits = model(torch.randn(1, 1, 5, 40, 33))[0]

    assert model.encoder.strides[-1] == [4, 16, 16]
    assert model.decoder.aspp.branches[1][0].dilation == (1, 3, 3)
    assert logits.shape == (1, 2, 5, 40, 33)


def test_encoder_of_few_levels_is_refused():
    with pytest.raises(PlanError, match="at least 4 levels"):
        DeepLabV3PlusDecoder((4, 8), 2, rates=(1,))
