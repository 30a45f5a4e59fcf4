import io

import numpy as np
import pytest
from PIL import Image

from delineate.core.instances import Instances
from delineate.fields import (
    MISTAKE_COLOURS,
    WIDEST_PX,
    Field,
    describe_spot,
    draw_field,
    draw_spot,
)
from delineate.metrics.mistakes import PREDICTION_KINDS, TRUTH_KINDS, find_mistakes


def objects(*boxes, types=None, shape=(60, 90)):
    """Boxes (top, left, height, width)."""
    ids = np.zeros(shape, np.int32)
    for number, (top, left, height, width) in enumerate(boxes, start=1):
        ids[top : top + height, left : left + width] = number
    return Instances.of(ids, dict(enumerate(types or [], start=1)))


def field(truth, prediction, picture=None):
    return Field(
        truth=truth, prediction=prediction, picture=picture,
        mistakes=find_mistakes(prediction, truth),
    )  # fmt: skip


def shows(data, kind):
    pixels = np.asarray(Image.open(io.BytesIO(data))).astype(int)
    return bool((np.abs(pixels - MISTAKE_COLOURS[kind]).max(axis=-1) < 38).any())


@pytest.mark.parametrize(
    ("truth", "prediction", "kind"),
    [
        ([(5, 5, 20, 20)], [(5, 5, 20, 20)], "matched"),
        ([(5, 5, 20, 20)], [], "missed"),
        ([], [(5, 5, 20, 20)], "spurious"),
        ([(5, 5, 20, 20), (5, 25, 20, 20)], [(5, 5, 20, 40)], "merged"),
        ([(5, 5, 20, 20)], [(5, 5, 20, 10), (5, 15, 20, 10)], "split"),
        ([(5, 5, 20, 20)], [(5, 5, 10, 10)], "rough"),
    ],
)
def test_outlines_have_the_colour_of_the_mistake(truth, prediction, kind):
    drawn = field(objects(*truth), objects(*prediction))

    whole, spot = draw_field(drawn), draw_spot(drawn, 0, 0, 50)

    for data in (whole, spot):
        assert data.startswith(b"\xff\xd8")
        assert shows(data, kind)
    others = set(MISTAKE_COLOURS) - {"mistyped"}  # whose grey the blur of a JPEG has as well
    assert {name for name in others if shows(whole, name)} == {kind}


def test_a_wrong_type_has_its_own_colour_on_both_sides():
    box = (5, 5, 30, 30)
    picture = np.zeros((3, 60, 90), np.uint8)
    drawn = field(objects(box, types=[1]), objects(box, types=[2]), picture)

    halves = np.split(np.asarray(Image.open(io.BytesIO(draw_spot(drawn, 0, 0, 60)))), 2, axis=1)

    assert all((half[20:-20, 20:-20].min(axis=-1) > 190).any() for half in halves)
    assert describe_spot(drawn, 0, 0, 60) == "1 mistyped, at x 0, y 0"


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_any_picture_lies_beneath(channels, kind):
    picture = np.random.default_rng(0).integers(0, 200, (channels, 60, 90)).astype(kind)

    data = draw_field(field(objects((5, 5, 20, 20)), objects(), picture))

    assert Image.open(io.BytesIO(data)).mode == "RGB"


def test_spots_at_the_edge_and_empty_fields_can_be_drawn():
    drawn = field(objects(), objects())

    assert draw_spot(drawn, -20, 80, 40)
    assert draw_field(drawn)
    assert describe_spot(drawn, -20, 80, 40) == "no mistake, at x 80, y 0"


def test_of_a_large_field_the_part_with_most_mistakes_is_shown():
    shape = (100, 3 * WIDEST_PX)
    far = 2 * WIDEST_PX + 300
    drawn = field(objects((10, far, 40, 40), shape=shape), objects(shape=shape))

    data = draw_field(drawn)

    width = Image.open(io.BytesIO(data)).size[0]
    assert width < shape[1]
    assert shows(data, "missed")


def test_every_kind_has_a_colour():
    assert set(TRUTH_KINDS) <= set(MISTAKE_COLOURS)
    assert set(PREDICTION_KINDS) - {"merging", "fragment"} <= set(MISTAKE_COLOURS)
    assert len(set(MISTAKE_COLOURS.values())) == len(MISTAKE_COLOURS)
