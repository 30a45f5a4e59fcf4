"""A case is counted once, and what is kept of it is small."""

import numpy as np
import pytest

from delineate.core.case import Case
from delineate.core.geometry import Geometry
from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable
from delineate.planning.census import SAMPLE, count_case

LABELS = LabelTable.of_names({"liver": 1}, ignore=-1)


def make_case(mask):
    geometry = Geometry.of_spacing(mask.shape, (1.0, 1.0, 1.0))
    pixels = np.arange(mask.size, dtype=np.float32).reshape(1, *mask.shape)
    return Case(id="a", patient="p", image=Image.of(pixels, geometry), mask=Mask.of(mask, geometry))


def test_the_sample_is_bounded_and_lies_inside_labels():
    mask = np.zeros((8, 9, 10), np.uint8)
    mask[3] = 1

    census = count_case(make_case(mask), LABELS)

    assert census.foreground.shape == census.whole.shape == (1, SAMPLE)
    assert 3 * 90 <= census.foreground.min() <= census.foreground.max() < 4 * 90


def test_a_negative_ignored_value_does_not_count():
    mask = np.zeros((2, 2, 2), np.int16)
    mask[0], mask[1, 0] = 1, -1

    census = count_case(make_case(mask), LABELS)

    assert census.counts.tolist() == [4]
    assert census.num_counted == 6


def test_a_case_without_a_mask_lends_its_grid_only():
    case = make_case(np.zeros((2, 2, 2), np.uint8))

    census = count_case(Case(id="a", patient="p", image=case.image), LABELS)

    assert census.counts is None
    assert census.foreground.size == 0


def test_the_share_of_empty_background_is_measured():
    mask = np.ones((2, 2, 2), np.uint8)

    assert count_case(make_case(mask), LABELS).nonzero_share == pytest.approx(7 / 8)
