import numpy as np
import pytest
from scipy import ndimage

from delineate.core.errors import GeometryError
from delineate.metrics.boundary import boundary_iou
from delineate.metrics.overlap import iou


def box(start, stop, shape=(20, 24)):
    mask = np.zeros(shape, bool)
    mask[start:stop, start:stop] = True
    return mask


def test_a_hole_in_the_middle_is_not_near_the_border():
    shifted = np.roll(box(4, 16), 1, axis=1)

    found = boundary_iou(shifted, box(4, 16), (1.0, 1.0), width_mm=0)

    assert found == pytest.approx(22 / 66)  # 44 border pixels each, 22 of them shared
    assert found < iou(shifted, box(4, 16))


@pytest.mark.parametrize("width", [0.0, 1.0, 2.0, 3.5])
def test_agrees_with_a_distance_transform_of_the_whole_image(width):
    spacing = (2.0, 1.0)
    rng = np.random.default_rng(0)
    masks = [ndimage.gaussian_filter(rng.normal(size=(40, 50)), 2) > 0.05 for _ in range(2)]
    rims = []
    for mask in masks:
        edge = mask ^ ndimage.binary_erosion(mask)
        rims.append(mask & (ndimage.distance_transform_edt(~edge, sampling=spacing) <= width))

    assert boundary_iou(*masks, spacing, width_mm=width) == iou(*rims)


def test_a_wide_rim_is_the_whole_mask():
    pair = (box(4, 16), box(6, 16))

    assert boundary_iou(*pair, (1.0, 1.0), width_mm=50) == iou(*pair)


def test_empty_masks():
    empty = box(0, 0)

    assert np.isnan(boundary_iou(empty, empty, (1.0, 1.0), width_mm=1))
    assert boundary_iou(empty, box(4, 16), (1.0, 1.0), width_mm=2) == 0
    assert boundary_iou(box(4, 16), empty, (1.0, 1.0), width_mm=2) == 0


@pytest.mark.parametrize("width", [-1.0, np.nan])
def test_a_width_that_cannot_be_is_refused(width):
    with pytest.raises(GeometryError, match="width_mm"):
        boundary_iou(box(1, 2), box(1, 2), (1.0, 1.0), width_mm=width)
