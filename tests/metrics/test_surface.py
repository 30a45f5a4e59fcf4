import numpy as np
import pytest
from scipy import ndimage

from delineate.core.errors import GeometryError
from delineate.metrics.surface import (
    average_surface_distance,
    border,
    bounding_box,
    hausdorff,
    hausdorff95,
    mean_surface_distance,
    nearest_distances,
    surface_dice,
    surface_distances,
)

SPACING = (3.0, 1.5, 1.5)


def cube(start, size=4, shape=(12, 14, 16)):
    mask = np.zeros(shape, bool)
    mask[tuple(slice(place, place + size) for place in start)] = True
    return mask


def test_a_shift_along_one_axis_is_measured_in_mm():
    distances = surface_distances(cube((3, 4, 5)), cube((4, 4, 5)), SPACING)

    assert hausdorff(distances) == pytest.approx(3.0)
    assert distances.num_empty == 0


def test_equal_masks_lie_at_distance_zero():
    distances = surface_distances(cube((3, 4, 5)), cube((3, 4, 5)), SPACING)

    assert hausdorff(distances) == hausdorff95(distances) == 0
    assert average_surface_distance(distances) == 0
    assert surface_dice(distances, 0.0) == 1


def test_95th_percentile_is_the_larger_direction_interpolated():
    truth = np.zeros((1, 40), bool)
    truth[0, :20] = True
    said = truth.copy()
    said[0, 25] = True

    distances = surface_distances(said, truth, (1.0, 1.0))

    assert hausdorff(distances) == 6
    assert distances.to_prediction_mm.max() == 0
    assert hausdorff95(distances) == pytest.approx(np.percentile([0] * 20 + [6], 95))


def test_both_means_are_pooled():
    truth = np.zeros((1, 40), bool)
    truth[0, :20] = True
    said = truth.copy()
    said[0, 25] = True

    distances = surface_distances(said, truth, (1.0, 1.0))

    assert average_surface_distance(distances) == pytest.approx(6 / 41)


def test_the_edge_of_the_image_is_a_border():
    full = np.ones((5, 5), bool)

    distances = surface_distances(full, full, (1.0, 1.0))

    assert distances.to_truth_mm.size == 16


def test_nsd_counts_what_lies_exactly_at_the_tolerance():
    spacing = (1.0000003, 1.0, 1.0)  # as single precision headers have it
    distances = surface_distances(cube((3, 4, 5), 1), cube((4, 4, 5), 1), spacing)

    assert surface_dice(distances, 1.0) == 1
    assert surface_dice(distances, 0.99) == 0


def test_one_empty_mask_costs_the_diagonal():
    mask = cube((3, 4, 5))
    distances = surface_distances(np.zeros_like(mask), mask, SPACING)

    assert hausdorff95(distances) == pytest.approx(np.linalg.norm(np.array(mask.shape) * SPACING))
    assert surface_dice(distances, 100.0) == 0


def test_two_empty_masks_have_no_value():
    nothing = np.zeros((4, 4), bool)
    distances = surface_distances(nothing, nothing, (1.0, 1.0))

    assert np.isnan(hausdorff95(distances))
    assert np.isnan(surface_dice(distances, 1.0))
    assert np.isnan(average_surface_distance(distances))


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (1.0, 0.0, 1.0), (1.0, -1.0, 1.0), (np.nan,) * 3])
def test_a_spacing_that_cannot_be_is_refused(spacing):
    with pytest.raises(GeometryError, match="spacing_mm must be 3 positive"):
        surface_distances(cube((1, 1, 1)), cube((1, 1, 1)), spacing)


@pytest.mark.parametrize("tolerance", [-1.0, np.nan])
def test_a_tolerance_that_cannot_be_is_refused(tolerance):
    distances = surface_distances(cube((1, 1, 1)), cube((1, 1, 1)), SPACING)

    with pytest.raises(GeometryError, match="tolerance_mm"):
        surface_dice(distances, tolerance)


def ball(radius_mm, step, size_mm=24.0):
    places = (np.indices((round(size_mm / step),) * 3) + 0.5) * step - size_mm / 2
    return (places**2).sum(axis=0) <= radius_mm**2


def test_balls_within_each_other_converge_on_the_difference_of_their_radii():
    errors = []
    for step in (1.0, 0.25):
        distances = surface_distances(ball(6.0, step), ball(10.0, step), (step,) * 3)
        found = [hausdorff95(distances), average_surface_distance(distances),
                 mean_surface_distance(distances)]  # fmt: skip
        assert found == pytest.approx([4.0] * 3, abs=step)
        errors.append(max(abs(value - 4.0) for value in found))

    assert errors[1] < errors[0]


def test_boxes_that_differ_by_a_slab_have_known_distances():
    truth = cube((3, 4, 5), 6, shape=(12, 14, 16))
    said = truth.copy()
    said[9] = truth[8]  # one slice more

    distances = surface_distances(said, truth, SPACING)

    assert hausdorff(distances) == 3.0
    assert surface_dice(distances, 3.0) == 1


def test_masd_weighs_both_borders_alike():
    truth, said = np.zeros((1, 40), bool), np.zeros((1, 40), bool)
    truth[0, :20] = said[0, :20] = True
    said[0, 25] = True

    distances = surface_distances(said, truth, (1.0, 1.0))

    assert mean_surface_distance(distances) == pytest.approx(6 / 21 / 2)


@pytest.mark.parametrize("seed", range(6))
def test_distances_are_the_very_numbers_of_a_distance_transform(seed):
    rng = np.random.default_rng(seed)
    said, true = rng.random((2, 9, 11, 10)) < (0.05, 0.3, 0.7)[seed % 3]
    spacing = ((3.0, 1.5, 1.5), (0.8, 2.5, 1.1))[seed % 2]

    found = surface_distances(said, true, spacing)

    edges = [mask ^ ndimage.binary_erosion(mask) for mask in (said, true)]
    there = ndimage.distance_transform_edt(~edges[1], sampling=spacing)[edges[0]]
    assert found.to_truth_mm == pytest.approx(there, abs=1e-12)


def test_the_distance_to_nothing_is_infinite():
    there, back = nearest_distances(cube((1, 1, 1), 1), cube((0, 0, 0), 0), np.array(SPACING))

    assert there.tolist() == [np.inf]
    assert back.size == 0


def test_the_box_holds_all_masks_and_nothing_more():
    assert bounding_box(cube((3, 4, 5)), cube((1, 5, 6))) == (
        slice(1, 7),
        slice(4, 9),
        slice(5, 10),
    )
    assert bounding_box(cube((0, 0, 0), 0)) is None


def test_the_border_of_a_cube_is_its_shell():
    assert border(cube((3, 4, 5), 5)).sum() == 5**3 - 3**3
