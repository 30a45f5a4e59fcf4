import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delineate.core.errors import ShapeError
from delineate.infer.decoders import Maps
from delineate.infer.mosaic import Owned, decode_core, decode_tiles, gather, lay_cores, paint
from delineate.infer.voting import Voting


def random_maps(seed: int, shape: tuple[int, int], smooth: int, length: float) -> Maps:
    """Foreground and offsets out of noise, so that nothing about them is nice."""
    rng = np.random.default_rng(seed)

    def noise(*lead: int) -> np.ndarray:
        field = rng.random((*lead, *shape), dtype=np.float32)
        for axis in (-2, -1):
            field = sum(np.roll(field, shift, axis) for shift in range(smooth)) / smooth
        return field.astype(np.float32)

    vectors = (noise(2) - 0.5) * 2 * length * smooth
    return Maps(foreground=noise(), vectors=vectors, types=noise(3))


def window_of(maps: Maps):
    def read(rows: slice, columns: slice) -> Maps:
        types = None if maps.types is None else maps.types[:, rows, columns]
        vectors = maps.vectors[:, rows, columns]
        return Maps(foreground=maps.foreground[rows, columns], vectors=vectors, types=types)

    return read


def assert_same(one: Owned, other: Owned, shape: tuple[int, int]) -> None:
    painted = [np.zeros(shape, np.int32) for _ in range(2)]
    paint(one, painted[0])
    paint(other, painted[1])
    np.testing.assert_array_equal(painted[0], painted[1])
    for name in ("centres", "boxes", "types", "confidence", "type_probability"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


decoders = st.builds(
    Voting,
    threshold=st.sampled_from([0.2, 0.5]),
    max_offset=st.integers(1, 9),
    steps=st.integers(1, 3),
    correction=st.integers(0, 4),
    blur=st.integers(0, 4),
    radius=st.integers(1, 3),
    hops=st.sampled_from([1, 2, 4]),
    min_area=st.integers(1, 12),
)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    core=st.integers(4, 100),
    smooth=st.sampled_from([1, 2, 5]),
    length=st.sampled_from([0.5, 3.0, 20.0]),
    decoder=decoders,
)
def test_no_tiling_changes_what_voting_finds(seed, shape, core, smooth, length, decoder):
    maps = random_maps(seed, shape, smooth, length)
    read = window_of(maps)
    cores = lay_cores(shape, core)
    np.random.default_rng(seed).shuffle(cores)

    tiled = gather(decode_core(read, shape, decoder, place) for place in cores)

    whole = decoder.decode(maps)
    assert_same(tiled, gather(decode_tiles(read, shape, decoder, core=1000)), shape)
    painted = np.zeros(shape, np.int32)
    paint(tiled, painted)
    np.testing.assert_array_equal(painted, whole.ids)
    np.testing.assert_array_equal(tiled.centres, whole.centres)
    np.testing.assert_array_equal(tiled.confidence, whole.confidence)
    np.testing.assert_array_equal(tiled.types, whole.types)
    np.testing.assert_array_equal(tiled.type_probability, whole.type_probability)


def test_not_finite_offsets_neither_fail_nor_reach_far():
    maps = random_maps(3, (70, 80), 5, 3.0)
    maps.vectors[:, 20:30, 20:30] = np.nan
    maps.vectors[:, 50:52, 50:60] = np.inf
    decoder = Voting(max_offset=8, hops=2, min_area=4)

    tiled = gather(decode_tiles(window_of(maps), (70, 80), decoder, core=17))

    assert_same(tiled, gather(decode_tiles(window_of(maps), (70, 80), decoder)), (70, 80))


def test_boxes_and_crops_say_where_the_pixels_are():
    maps = random_maps(5, (60, 64), 5, 3.0)
    whole = Voting().decode(maps)

    owned = gather(decode_tiles(window_of(maps), (60, 64), Voting(), core=40))

    assert owned.count == len(whole.centres) > 3
    for number, (box, crop) in enumerate(zip(owned.boxes, owned.crops, strict=True), 1):
        rows, columns = np.nonzero(whole.ids == number)
        assert box.tolist() == [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]
        assert crop.sum() == len(rows)


def test_objects_may_be_painted_with_ids_that_go_on():
    maps = random_maps(5, (60, 64), 5, 3.0)
    owned = gather(decode_tiles(window_of(maps), (60, 64), Voting()))
    ids = np.full((60, 64), -1, np.int32)

    paint(owned, ids, first=101)

    assert set(np.unique(ids)) == {-1, *range(101, 101 + owned.count)}


def test_an_image_without_objects_or_pixels_has_none():
    empty = Maps(foreground=np.zeros((9, 9), np.float32), vectors=np.zeros((2, 9, 9), np.float32))

    batches = [*decode_tiles(window_of(empty), (9, 9), Voting(), core=4)]

    assert gather(batches).count == 0
    assert gather(decode_tiles(window_of(empty), (0, 9), Voting())).count == 0


def test_cores_cover_every_pixel_once_and_are_of_like_size():
    seen = np.zeros((1030, 77), int)

    cores = lay_cores(seen.shape, 1024)

    for place in cores:
        seen[place] += 1
    assert (seen == 1).all()
    assert [rows.stop - rows.start for rows, _ in cores] == [515, 515]


def test_a_core_without_pixels_is_refused():
    with pytest.raises(ShapeError, match="core must be at least 1 pixel, not 0"):
        lay_cores((10, 10), 0)


def test_maps_of_another_window_are_refused():
    maps = random_maps(0, (20, 20), 1, 1.0)

    with pytest.raises(ShapeError, match="window's shape"):
        next(decode_tiles(lambda rows, columns: maps, (20, 30), Voting()))
