import numpy as np
import pytest

from delineate.core.errors import UnknownNameError
from delineate.core.rasters import rasterise
from delineate.metrics.official.monuseg import MoNuSeg

SQUARES = [[(2, 2), (8, 2), (8, 8), (2, 8)], [(6, 6), (12, 6), (12, 12), (6, 12)]]


def test_images_weigh_the_same():
    truth = np.zeros((10, 10), int)
    truth[:4, :4] = 1
    scorer = MoNuSeg()

    scorer.add(truth * 9, truth)
    scorer.add(np.where(np.arange(10) < 2, truth, 0), truth)

    assert scorer.result().scores == {"aji": 0.75}
    assert scorer.result().counts == {"images": 2, "both_empty": 0}


@pytest.mark.parametrize("order", ["first", "last", "area"])
@pytest.mark.parametrize("centre", ["matlab", "half", "skimage"])
def test_polygons_are_rasterised_by_the_named_convention(order, centre):
    official = rasterise(SQUARES, (16, 16), order="first", centre="matlab")
    scorer = MoNuSeg(order=order, centre=centre)

    scorer.add(official, SQUARES)

    is_same = np.array_equal(official, rasterise(SQUARES, (16, 16), order=order, centre=centre))
    assert (scorer.result().scores["aji"] == 1.0) == is_same
    is_official = (order, centre) == ("first", "matlab")
    assert ("MoNuSeg, official" in scorer.convention) == is_official


def test_polygons_are_official_unless_said():
    scorer = MoNuSeg()

    scorer.add(rasterise(SQUARES, (16, 16)), [np.array(corners) for corners in SQUARES])

    assert scorer.result().scores["aji"] == 1.0


def test_empties_are_zero_or_left_out_and_counted():
    none, some = np.zeros((6, 6), int), np.ones((6, 6), int)
    scorer = MoNuSeg()

    for said, true in ((none, none), (some, none), (none, some), (some, some), (none, [])):
        scorer.add(said, true)

    assert scorer.result().scores["aji"] == pytest.approx(1 / 3)
    assert scorer.result().counts == {"images": 5, "both_empty": 2}


def test_an_unknown_convention_is_refused():
    with pytest.raises(UnknownNameError, match="first"):
        MoNuSeg(order="fist")
    with pytest.raises(UnknownNameError, match="matlab"):
        MoNuSeg(centre="mathlab")
