"""Series: masks on the regular grid come back to every source slice where it truly lies."""

import numpy as np
import pytest

from delineate.core.errors import ShapeError
from delineate.core.geometry import Geometry
from delineate.core.series import Series, SourceSlice

ROWS, COLUMNS = 6, 5


def series_at(positions, regular):
    slices = tuple(
        SourceSlice(
            sop_uid=f"1.2.{place}",
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            position_mm=tuple(position),
            orientation=(1, 0, 0, 0, 1, 0),
            spacing_mm=(2.0, 1.5),
            rows=ROWS,
            columns=COLUMNS,
        )
        for place, position in enumerate(positions)
    )
    return Series(study_uid="1", series_uid="2", slices=slices, regular=regular, header=repr)


def grid(shape, step=3.0, origin=(0.0, 0.0, 0.0)):
    """An axial grid whose rows run to the patient's back and columns to the left, as LPS does."""
    affine = np.eye(4)
    affine[:3, :3] = [[0, 0, -1.5], [0, -2.0, 0], [step, 0, 0]]
    affine[:3, 3] = np.array(origin) * (-1, -1, 1)
    return Geometry(shape=shape, affine=affine)


def labelled(shape):
    return np.random.default_rng(0).integers(0, 4, size=shape).astype(np.uint8)


def test_a_plain_series_hands_the_mask_back_as_it_is():
    series = series_at([(0, 0, 3 * place) for place in range(4)], grid((4, ROWS, COLUMNS)))
    mask = labelled((4, ROWS, COLUMNS))

    assert series.is_plain
    assert series.to_planes(mask) is mask
    assert series.to_regular(mask) is mask


def test_slices_beside_a_gap_take_their_own_planes():
    heights = [0, 3, 12, 15]
    series = series_at([(0, 0, height) for height in heights], grid((6, ROWS, COLUMNS)))
    mask = labelled((2, 6, ROWS, COLUMNS))

    planes = series.to_planes(mask)

    assert not series.is_plain
    assert np.array_equal(planes, mask[:, [0, 1, 4, 5]])


def test_truth_on_the_planes_fills_a_gap_with_the_nearest_slice():
    series = series_at([(0, 0, height) for height in (0, 3, 12)], grid((5, ROWS, COLUMNS)))
    planes = labelled((3, ROWS, COLUMNS))

    regular = series.to_regular(planes)

    assert np.array_equal(regular, planes[[0, 1, 1, 2, 2]])
    assert np.array_equal(series.to_planes(regular), planes)


def test_sheared_slices_are_shifted_in_their_plane_and_back():
    positions = [(1.5 * place, -2.0 * place, 3 * place) for place in range(3)]
    series = series_at(positions, grid((3, ROWS + 2, COLUMNS + 2), origin=(0, -4.0, 0)))
    planes = labelled((3, ROWS, COLUMNS))

    regular = series.to_regular(planes)

    assert np.array_equal(series.to_planes(regular), planes)
    assert np.array_equal(regular[0, 2:, :COLUMNS], planes[0])
    assert np.array_equal(regular[2, :ROWS, 2:], planes[2])
    assert regular[0, :2].max() == 0


def test_what_the_grid_does_not_cover_is_background():
    series = series_at([(0, 0, 0), (0, 0, 3), (0, 40, 6), (0, 0, 90)], grid((4, ROWS, COLUMNS)))

    planes = series.to_planes(np.ones((4, ROWS, COLUMNS), dtype=np.uint8))

    assert planes.max(axis=(1, 2)).tolist() == [1, 1, 0, 0]


def test_a_mask_of_another_grid_is_refused():
    series = series_at([(0, 0, 0), (0, 0, 3)], grid((2, ROWS, COLUMNS)))

    with pytest.raises(ShapeError, match="on the grid that was predicted"):
        series.to_planes(np.zeros((3, ROWS, COLUMNS)))
    with pytest.raises(ShapeError, match="slices have"):
        series.to_regular(np.zeros((3, ROWS, COLUMNS)))


def test_the_affine_of_a_slice_puts_rows_and_columns_where_the_standard_says():
    entry = series_at([(10, 20, 30)], grid((1, ROWS, COLUMNS))).slices[0]

    place = entry.affine @ [2, 3, 1]  # row 2, column 3

    assert place.tolist() == [10 + 3 * 1.5, 20 + 2 * 2.0, 30, 1]
