import numpy as np
import pytest

from delineate.core.encodings import (
    decode_runs,
    encode_runs,
    mask_to_polygons,
    polygons_to_mask,
    runs_from_text,
    runs_to_text,
)
from delineate.core.errors import ShapeError


def random_masks(count=60):
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield rng.random(rng.integers(1, 12, size=2)) < rng.random()


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("order", ["row", "column"])
def test_runs_give_the_mask_again(order, first):
    for mask in random_masks():
        text = runs_to_text(encode_runs(mask, order=order, first=first))

        decoded = decode_runs(runs_from_text(text), mask.shape, order=order, first=first)

        assert np.array_equal(decoded, mask)


def test_runs_follow_rows_from_one_by_default():
    mask = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 1]], dtype=bool)

    runs = encode_runs(mask)

    assert runs.tolist() == [[2, 3], [9, 1]]


def test_runs_in_column_order_are_those_of_the_transpose():
    mask = np.array([[0, 1, 1], [1, 0, 0]], dtype=bool)

    runs = encode_runs(mask, order="column", first=0)

    assert runs.tolist() == encode_runs(mask.T, first=0).tolist() == [[1, 2], [4, 1]]


def test_runs_work_on_volumes():
    mask = np.random.default_rng(1).random((3, 4, 5)) > 0.5

    decoded = decode_runs(encode_runs(mask), mask.shape)

    assert np.array_equal(decoded, mask)


@pytest.mark.parametrize("runs", [[0, 2], [8, 3], [1, -1]])
def test_runs_that_leave_the_mask_are_refused(runs):
    with pytest.raises(ShapeError, match="within 9 pixels counted from 1"):
        decode_runs(runs, (3, 3))


@pytest.mark.parametrize("text", ["1 2 3", "1 two"])
def test_text_that_is_no_runs_is_refused(text):
    with pytest.raises(ShapeError, match="pairs"):
        runs_from_text(text)


def test_runs_without_a_partner_are_refused():
    with pytest.raises(ShapeError, match="3 numbers"):
        decode_runs([1, 2, 3], (3, 3))


def test_polygons_give_the_mask_again_with_holes_and_touching_corners():
    for mask in random_masks():
        polygons = mask_to_polygons(mask)

        assert np.array_equal(polygons_to_mask(polygons, mask.shape), mask)


def test_a_single_pixel_is_a_square_around_its_centre():
    mask = np.zeros((4, 5), dtype=bool)
    mask[1, 3] = True

    (polygon,) = mask_to_polygons(mask)

    assert sorted(polygon.tolist()) == [[2.5, 0.5], [2.5, 1.5], [3.5, 0.5], [3.5, 1.5]]


def test_outlines_have_corners_only_where_they_turn():
    mask = np.zeros((9, 9), dtype=bool)
    mask[2:7, 1:8] = True

    (polygon,) = mask_to_polygons(mask)

    assert len(polygon) == 4


def test_a_polygon_is_filled_where_pixel_centres_lie_inside():
    triangle = [(-0.5, -0.5), (3.5, -0.5), (-0.5, 3.5)]

    mask = polygons_to_mask([triangle], (4, 4))

    assert mask.sum(axis=1).tolist() == [3, 2, 1, 0]


def test_neighbours_that_share_an_edge_share_no_pixel():
    left, right = [(0, 0), (2, 0), (2, 4), (0, 4)], [(2, 0), (4, 0), (4, 4), (2, 4)]

    first, second = (polygons_to_mask([shape], (4, 4)) for shape in (left, right))

    assert not (first & second).any()
    assert (first | second).all()


def test_corners_outside_the_mask_are_cut_off():
    square = [(-10, -10), (30, -10), (30, 1.5), (-10, 1.5)]

    mask = polygons_to_mask([square], (4, 6))

    assert mask.sum(axis=1).tolist() == [6, 6, 0, 0]


def test_a_polygon_of_two_corners_is_empty():
    assert not polygons_to_mask([[(0, 0), (3, 3)]], (4, 4)).any()


@pytest.mark.parametrize("polygon", [[1, 2, 3], [(0, 0), (np.nan, 1), (1, 1)]])
def test_what_is_no_polygon_is_refused(polygon):
    with pytest.raises(ShapeError, match="corners"):
        polygons_to_mask([polygon], (4, 4))
