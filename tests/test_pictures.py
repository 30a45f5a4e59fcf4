import io

import numpy as np
import pytest
from PIL import Image as Reader

from delineate.core.geometry import Geometry
from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable
from delineate.pictures import Picture, choose_cases, draw_case

TABLE = LabelTable.of_names({"liver": 1, "$spleen_1$": 2})
NAN = float("nan")


def box(shape, value=1):
    array = np.zeros(shape, np.uint8)
    array[tuple(slice(size // 4, 3 * size // 4 + 1) for size in shape)] = value
    return array


def pixels(png):
    return np.asarray(Reader.open(io.BytesIO(png)).convert("RGB")).reshape(-1, 3).astype(int)


def has_colour(png, colour):
    return bool((np.abs(pixels(png) - colour).max(axis=1) < 12).any())


@pytest.mark.parametrize("shape", [(1, 1), (9, 7), (1, 1, 1), (1, 12, 10), (8, 12, 10), (3, 80, 6)])
@pytest.mark.parametrize("value", [0, 1])
def test_any_shape_and_empty_masks_can_be_drawn(shape, value):
    mask = Mask.of(box(shape, value), Geometry.of_spacing(shape))

    assert draw_case(mask, mask, TABLE).startswith(b"\x89PNG")


def test_truth_and_prediction_have_their_own_colours():
    truth, said = box((20, 24)), np.roll(box((20, 24)), 4, axis=1)

    png = draw_case(Mask.of(said), Mask.of(truth), TABLE)

    assert has_colour(png, (0, 200, 255))
    assert has_colour(png, (255, 140, 26))


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_images_of_any_channels_lie_beneath(channels):
    array = np.random.default_rng(0).normal(size=(channels, 12, 10)).astype(np.float32)
    array[0, 0, 0] = NAN

    png = draw_case(Mask.of(box((12, 10))), Mask.of(box((12, 10))), TABLE, image=Image.of(array))

    assert len(np.unique(pixels(png), axis=0)) > 20


def test_the_patients_right_is_on_the_left_however_the_file_is_turned():
    image = np.zeros((10, 12, 14), np.float32)
    image[:, :, 9:] = 1.0  # bright on the right side (+x)
    image[5:, :, :] += 0.3
    mask = box((10, 12, 14))
    grid = Geometry.of_spacing(mask.shape, (2.0, 1.0, 1.0))
    order, flips = (2, 0, 1), (0, 2)
    turned = grid.rearranged(order, flips)

    def turn(array):
        return np.ascontiguousarray(np.flip(array.transpose(order), flips))

    straight = draw_case(Mask.of(mask, grid), Mask.of(mask, grid), TABLE,
                         image=Image.of(image[None], grid))  # fmt: skip
    other = draw_case(Mask.of(turn(mask), turned), Mask.of(turn(mask), turned), TABLE,
                      image=Image.of(turn(image)[None], turned))  # fmt: skip

    assert straight == other
    picture = np.asarray(Reader.open(io.BytesIO(straight)).convert("L")).astype(int)
    height, width = picture.shape
    axial = picture[height // 8 : height // 3, : width // 3]
    assert axial[:, : axial.shape[1] // 3].mean() > axial[:, -axial.shape[1] // 3 :].mean()


def test_layers_can_be_drawn():
    layers = np.stack([box((8, 8)), box((8, 8))]).astype(bool)
    table = LabelTable(labels=TABLE.labels, overlapping=True)
    mask = Mask.of(layers, is_stack=True)

    assert draw_case(mask, mask, table)


def test_worst_median_and_best_are_chosen_first():
    dice = np.array([[0.9, NAN], [0.1, 0.3], [NAN, NAN], [0.5, 0.5], [0.6, 0.6]])

    chosen = choose_cases(["a", "b", "c", "d", "e"], dice, 4)

    assert chosen == {
        "b": "worst: mean Dice 0.200", "e": "median: mean Dice 0.600",
        "a": "best: mean Dice 0.900", "d": "mean Dice 0.500",
    }  # fmt: skip


def test_two_cases_are_neither_best_nor_worst():
    assert choose_cases(["a", "b"], np.array([[0.5], [0.4]]), 3) == {
        "b": "mean Dice 0.400", "a": "mean Dice 0.500"
    }  # fmt: skip


def test_a_picture_is_its_own_url():
    assert Picture(case="a", caption="", data=b"abc").source == "data:image/png;base64,YWJj"
