import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.core.errors import GeometryError
from delineate.core.geometry import Geometry

SHAPES = st.lists(st.integers(1, 12), min_size=2, max_size=3).map(tuple)


@st.composite
def geometries(draw):
    """Grids of any orientation, spacing and origin, well away from singular."""
    shape = draw(SHAPES)
    dims = len(shape)
    seed = draw(st.integers(0, 2**32 - 1))
    chance = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(chance.normal(size=(dims, dims)))
    affine = np.eye(dims + 1)
    affine[:-1, :-1] = rotation * chance.uniform(0.2, 6, size=dims)
    affine[:-1, -1] = chance.uniform(-300, 300, size=dims)
    return Geometry(shape=shape, affine=affine)


@st.composite
def rearrangements(draw):
    """A grid with an order of its axes and axes to flip."""
    geometry = draw(geometries())
    order = draw(st.permutations(range(geometry.dims)))
    flips = draw(st.sets(st.integers(0, geometry.dims - 1)))
    return geometry, order, sorted(flips)


def point_of(geometry, index):
    return (geometry.affine @ [*index, 1])[:-1]


@given(rearrangements())
def test_a_voxel_keeps_its_place_in_the_world_when_axes_are_rearranged(drawn):
    geometry, order, flips = drawn
    numbers = np.arange(np.prod(geometry.shape)).reshape(geometry.shape)
    index = tuple(size // 2 for size in geometry.shape)

    moved = geometry.rearranged(order, flips)
    there = np.argwhere(np.flip(numbers.transpose(order), flips) == numbers[index])[0]

    assert moved.shape == np.flip(numbers.transpose(order), flips).shape
    np.testing.assert_allclose(point_of(moved, there), point_of(geometry, index), atol=1e-9)


@given(rearrangements())
def test_rearranging_keeps_each_axis_spacing(drawn):
    geometry, order, flips = drawn

    moved = geometry.rearranged(order, flips)

    np.testing.assert_allclose(moved.spacing_mm, np.array(geometry.spacing_mm)[list(order)])


@given(geometries())
def test_canonical_axes_point_to_head_front_and_right(geometry):
    order, flips = geometry.canonical_axes()

    turned = geometry.rearranged(order, flips)

    again_order, again_flips = turned.canonical_axes()
    assert again_order == tuple(range(geometry.dims))
    assert again_flips == ()


@given(geometries(), st.integers(0, 2**32 - 1))
def test_resampling_keeps_the_outer_faces_of_the_box(geometry, seed):
    shape = np.random.default_rng(seed).integers(1, 30, size=geometry.dims)

    resampled = geometry.resampled(shape)

    low, high = np.full(geometry.dims, -0.5), np.array(geometry.shape) - 0.5
    new_high = np.array(shape) - 0.5
    np.testing.assert_allclose(point_of(resampled, low), point_of(geometry, low), atol=1e-8)
    np.testing.assert_allclose(point_of(resampled, new_high), point_of(geometry, high), atol=1e-8)


@given(geometries(), st.integers(0, 2**32 - 1))
def test_resampling_there_and_back_is_the_identity(geometry, seed):
    shape = np.random.default_rng(seed).integers(1, 30, size=geometry.dims)

    again = geometry.resampled(shape).resampled(geometry.shape)

    assert again.agrees_with(geometry, tolerance_mm=1e-6)


def test_spacing_is_in_array_order_and_world_in_the_affines_rows():
    geometry = Geometry.of_spacing((4, 5, 6), (3.0, 2.0, 1.0))

    assert geometry.spacing_mm == (3.0, 2.0, 1.0)
    np.testing.assert_allclose(point_of(geometry, (1, 0, 0)), (0, 0, 3))
    np.testing.assert_allclose(point_of(geometry, (0, 0, 1)), (1, 0, 0))


def test_without_a_spacing_a_unit_is_one_pixel():
    geometry = Geometry.of_spacing((5, 6))

    assert not geometry.is_physical
    assert geometry.spacing_mm == (1.0, 1.0)


def test_grids_agree_within_a_tolerance_at_every_corner():
    geometry = Geometry.of_spacing((10, 10, 10), (1, 1, 1))
    affine = geometry.affine.copy()
    affine[0, 2] = 1.001

    stretched = Geometry(shape=geometry.shape, affine=affine)

    assert geometry.corner_distance_mm(stretched) == pytest.approx(0.009)
    assert not geometry.agrees_with(stretched)
    assert geometry.agrees_with(stretched, tolerance_mm=0.01)


def test_of_a_grid_without_millimetres_only_the_shape_is_compared():
    pixels = Geometry.of_spacing((4, 4))

    physical = Geometry.of_spacing((4, 4), (0.5, 0.5))

    assert pixels.agrees_with(physical)
    assert not pixels.agrees_with(Geometry.of_spacing((4, 5)))


def test_the_affine_is_a_frozen_copy():
    affine = np.eye(3)
    geometry = Geometry(shape=(2, 2), affine=affine)

    affine[0, 0] = 7

    assert geometry.affine[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        geometry.affine[0, 0] = 7


@pytest.mark.parametrize("shape", [(4,), (1, 2, 3, 4), (0, 4), (4, -1)])
def test_a_shape_that_is_no_image_is_refused(shape):
    with pytest.raises(GeometryError, match="shape must be two or three"):
        Geometry(shape=shape, affine=np.eye(len(shape) + 1))


@pytest.mark.parametrize("spacing", [(1, 0, 1), (1, -2, 1), (1, np.nan, 1), (1, np.inf, 1), (1, 1)])
def test_a_spacing_that_cannot_be_is_refused_with_the_mend(spacing):
    with pytest.raises(GeometryError, match="Pass --spacing, or repair the header"):
        Geometry.of_spacing((4, 4, 4), spacing)


@pytest.mark.parametrize(
    "affine", [np.zeros((4, 4)), np.eye(3), np.full((4, 4), np.nan), np.diag([1, 0, 1, 1.0])]
)
def test_an_affine_that_cannot_be_is_refused(affine):
    with pytest.raises(GeometryError, match="affine must be"):
        Geometry(shape=(4, 4, 4), affine=affine)
