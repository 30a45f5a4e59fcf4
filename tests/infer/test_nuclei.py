"""Objects of pictures of any size, by whatever tiles."""

import math

import numpy as np
import pytest
import torch

from delineate.core.case import Case
from delineate.core.geometry import Geometry
from delineate.core.image import Image
from delineate.infer import nuclei
from delineate.infer.decoders import OFFSET_SCALE
from delineate.infer.nuclei import Bands, find_objects, is_blank
from delineate.infer.predictor import Predictor
from delineate.infer.scaling import Scaled
from delineate.models import build_model


def network(tiles):
    """Sees dark discs of radius 6 on a grid of 20 pixels; blue in the corner tells their type."""
    dark = 1 - tiles[:, :1]
    kernel = torch.ones(1, 1, 15, 15)
    rows = torch.arange(-7.0, 8).reshape(1, 1, -1, 1) * kernel
    pad = torch.nn.functional.pad(dark, (7, 7, 7, 7), mode="replicate")
    inside = (dark > 0.5).float()
    weight = torch.nn.functional.conv2d(pad * (pad > 0.5), kernel).clamp_min(1e-6)
    down = torch.nn.functional.conv2d(pad * (pad > 0.5), rows) / weight
    right = torch.nn.functional.conv2d(pad * (pad > 0.5), rows.transpose(2, 3)) / weight
    kinds = torch.cat([tiles[:, 2:], 1 - tiles[:, 2:]], 1) * 20
    return torch.cat([20 * inside - 10, down / OFFSET_SCALE, right / OFFSET_SCALE, kinds], 1)


def discs(height, width, *, mpp=0.25):
    """Discs of radius 6 on a grid of 20 pixels, some with blue, as a picture."""
    rows, columns = np.mgrid[:height, :width]
    y, x = rows % 20 - 10, columns % 20 - 10
    inside = y**2 + x**2 <= 36
    array = np.full((3, height, width), 250, np.uint8)
    array[:, inside] = 10
    array[2][inside & ((rows // 20 + columns // 20) % 2 == 0)] = 240
    geometry = Geometry.of_spacing((height, width), (mpp / 1000, mpp / 1000))
    return Image.of(array, geometry, ("red", "green", "blue"))


def test_every_disc_is_found_once_with_its_type(nuclei_plan):
    found = find_objects(discs(200, 160), nuclei_plan, network)

    assert found.count == 80
    assert sorted(np.bincount(found.types).tolist()) == [0, 40, 40]
    assert found.confidence.min() > 0.99
    first = found.ids == 1
    assert (np.argwhere(first).mean(0) == [10, 10]).all()


@pytest.mark.parametrize("tile", [64, 96, 160])
def test_tiles_of_any_size_give_the_same_objects(nuclei_plan, monkeypatch, tile):
    whole = find_objects(discs(330, 290), nuclei_plan, network)
    monkeypatch.setattr(nuclei, "TILE", tile)
    monkeypatch.setattr(nuclei, "RIM", 32)

    tiled = find_objects(discs(330, 290), nuclei_plan, network)

    assert np.array_equal(tiled.ids, whole.ids)
    assert np.array_equal(tiled.types, whole.types)


def test_few_bands_are_held_however_tall_the_picture(nuclei_plan, monkeypatch):
    monkeypatch.setattr(nuclei, "TILE", 96)
    monkeypatch.setattr(nuclei, "RIM", 16)
    held = []
    make = Bands._make
    monkeypatch.setattr(
        Bands, "_make", lambda self, number: held.append(len(self.held)) or make(self, number)
    )

    find_objects(discs(1500, 200), nuclei_plan, network)

    assert len(held) == math.ceil(1500 / 96)
    assert max(held) <= 4


def test_glass_needs_no_network_and_gives_a_valid_empty_answer(nuclei_plan):
    glass = Image.of(
        np.full((3, 90, 70), 245, np.uint8),
        Geometry.of_spacing((90, 70), (0.00025, 0.00025)),
        ("red", "green", "blue"),
    )

    def refuse(tiles):
        raise AssertionError("glass was shown to the network")

    found = find_objects(glass, nuclei_plan, refuse)

    assert found.count == 0
    assert found.ids.shape == (90, 70)
    assert is_blank(glass.array)
    assert not is_blank(discs(40, 40).array)


def test_another_resolution_comes_back_on_its_own_pixels(nuclei_plan):
    half = discs(400, 320)
    coarse = Image.of(
        half.array[:, ::2, ::2], Geometry.of_spacing((200, 160), (0.0005, 0.0005)), half.channels
    )

    found = find_objects(coarse, nuclei_plan, network)

    assert found.ids.shape == (200, 160)
    assert found.count == 320
    centre = np.argwhere(found.ids == 1).mean(0)
    assert centre == pytest.approx([5, 5], abs=0.6)


def test_mirrored_answers_turn_their_offsets_back(nuclei_plan):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(1))

        def forward(self, image):
            return [network(image) * self.scale]

    predictor = Predictor(plan=nuclei_plan, model=Net(), name="discs")
    case = Case(id="a", patient="a", image=discs(100, 100))

    once, averaged = predictor.predict(case), predictor.predict(case, flips=(0, 1))

    assert np.array_equal(once.instances.ids, averaged.instances.ids)
    assert once.provenance["num_objects"] == 25
    assert once.provenance["mpp"] == pytest.approx(0.25)
    assert np.array_equal(once.mask.array, once.instances.label_map())


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_averaged_answers_turn_with_the_picture(nuclei_plan, axes):
    torch.manual_seed(0)
    model = build_model("unet", 3, 5, 2, features=(4, 8, 8)).eval()
    run = Predictor(plan=nuclei_plan, model=model)._averaged(axes)
    tiles = torch.rand(1, 3, 32, 48)

    straight = run(tiles)

    for axis in axes:
        mirrored = run(tiles.flip(axis + 2)).flip(axis + 2)
        mirrored[:, 1 + axis] *= -1
        assert torch.allclose(mirrored, straight, atol=1e-5)


def test_tile_boundaries_leave_no_seam_where_the_rim_is_wide_enough(nuclei_plan, monkeypatch):
    torch.manual_seed(0)
    model = build_model("unet", 3, 5, 2, features=(4, 8), strides=[[2, 2]] * 2, fine=4,
                        deep_supervision=False).eval()  # fmt: skip
    plan = nuclei_plan
    array = np.random.default_rng(0).integers(0, 255, (3, 150, 130)).astype(np.uint8)

    def run(tiles):
        with torch.inference_mode():
            return model(tiles)[0]

    whole = Bands(picture=Scaled.of(array, (150, 130)), plan=plan, network=run).read(
        slice(0, 150), slice(0, 130)
    )
    monkeypatch.setattr(nuclei, "TILE", 32)
    monkeypatch.setattr(nuclei, "RIM", 32)
    bands = Bands(picture=Scaled.of(array, (150, 130)), plan=plan, network=run)
    bands.tile = 32
    tiled = bands.read(slice(0, 150), slice(0, 130))

    assert np.allclose(whole.foreground, tiled.foreground, atol=2e-3)
    assert np.allclose(whole.vectors, tiled.vectors, atol=3e-2)
