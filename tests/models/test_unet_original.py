"""U-Net as published: sizes, poolings and the way of its skips."""

import pytest
import torch

from delineate.core.errors import PlanError
from delineate.models.unet_original import ConvPair, UNetOriginal, make_pool, make_raise, stage_rows

KNOWN = [
    ((1, 2), {"norm": None}, 31_030_658),
    ((3, 1), {}, 31_037_633),
    ((3, 2), {}, 31_037_698),
    ((1, 4), {}, 31_036_676),
    ((3, 6), {}, 31_037_958),
    ((3, 6), {"features": (32, 64, 128, 256, 512)}, 7_763_206),
    ((3, 6), {"features": (16, 32, 64, 128, 256)}, 1_942_662),
]


@pytest.mark.parametrize(("channels", "options", "expected"), KNOWN)
def test_published_number_of_parameters(channels, options, expected):
    with torch.device("meta"):
        model = UNetOriginal(*channels, 2, **options)

    assert sum(value.numel() for value in model.parameters()) == expected


def test_skips_reach_the_stage_of_their_own_grid():
    model = UNetOriginal(1, 2, 2, features=(4, 6, 8)).eval()
    seen = []

    def note(_, given):
        seen.append(tuple(given[0].shape[1:3]))

    for stage in model.decoder.stages:
        stage.register_forward_pre_hook(note)
    model(torch.randn(1, 1, 16, 16))

    assert seen == [(12, 8), (8, 16)]


def test_finest_stage_sees_the_image_even_when_nothing_comes_from_below():
    torch.manual_seed(0)
    model = UNetOriginal(1, 2, 2, features=(4, 6)).eval()
    for value in model.decoder.up.parameters():
        torch.nn.init.zeros_(value)
    image = torch.randn(1, 1, 16, 16)

    first = model.encoder.stages[0](image)
    expected = model.head(model.decoder.stages[0](torch.cat([first, torch.zeros_like(first)], 1)))

    assert torch.equal(model(image)[0], expected)


@pytest.mark.parametrize("norm", [None, "batch", "group"])
def test_silent_pair_with_a_shortcut_is_the_rectified_shortcut(norm):
    pair = ConvPair(3, 4, 2, norm=norm, residual=True).eval()
    for value in pair.second.parameters():
        torch.nn.init.zeros_(value)
    features = torch.randn(1, 3, 6, 6)

    assert torch.allclose(pair(features), pair.shortcut(features).clamp(min=0))


def test_thin_axis_stays_unhalved():
    strides = [[1, 1, 1], [1, 2, 2], [2, 2, 2]]
    model = UNetOriginal(1, 2, 3, features=(4, 4, 8), strides=strides).eval()

    assert model(torch.randn(1, 1, 5, 9, 8))[0].shape == (1, 2, 5, 9, 8)
    assert model.encoder.strides[-1] == [2, 4, 4]


def test_raising_undoes_the_grid_of_pooling():
    pool, up = make_pool((1, 2, 2), 3), make_raise(4, 2, 3, (1, 2, 2))
    features = torch.randn(1, 4, 3, 8, 6)

    assert up(pool(features)).shape == (1, 2, 3, 8, 6)
    assert isinstance(make_pool((1, 1), 2), torch.nn.Identity)


def test_one_stage_is_refused():
    with pytest.raises(PlanError, match="at least two"):
        stage_rows((8,), None, 2)
