import numpy as np
import pytest
from scipy import ndimage

from delineate.core.errors import PlanError
from delineate.infer.decoders import Maps, make_decoder
from delineate.infer.hv import HorizontalVertical
from delineate.infer.mosaic import decode_tiles, gather, paint

BLOCK = (slice(100, 160), slice(90, 150))


def with_fold(maps: Maps, amplitude: float) -> Maps:
    wave = np.where(np.arange(60) // 6 % 2, amplitude, -amplitude).astype(np.float32)
    foreground, vectors = maps.foreground.copy(), maps.vectors.copy()
    foreground[BLOCK] = 1
    vectors[0][BLOCK] = wave[:, None]
    vectors[1][BLOCK] = wave
    return Maps(foreground=foreground, vectors=vectors)


@pytest.mark.parametrize("legacy", [False, True])
def test_true_maps_of_touching_nuclei_give_them_back(make_nuclei, true_maps, quality, legacy):
    ids = make_nuclei(0, (256, 256), 45)

    found = make_decoder("hv", legacy=legacy).decode(true_maps(ids, is_hv=True))

    assert len(found.centres) == 45
    assert quality(ids, found.ids) > 0.97


def test_a_half_as_fine_scan_takes_a_half_as_long_filter(make_nuclei, true_maps, quality):
    ids = make_nuclei(1, (128, 128), 40, radii=(4, 7))

    found = HorizontalVertical(size=11).decode(true_maps(ids, is_hv=True))

    assert quality(ids, found.ids) > 0.93


def test_a_fold_breaks_the_published_scale_and_not_the_fixed_one(make_nuclei, true_maps, quality):
    ids = make_nuclei(3, (320, 320), 70)
    maps = true_maps(ids, is_hv=True)
    outside = ~np.isin(ids, np.unique(ids[BLOCK])) & (ids > 0)
    outside[BLOCK] = False
    truth = np.where(outside, ids, 0)

    scores = {}
    for legacy in (False, True):
        found = HorizontalVertical(legacy=legacy).decode(with_fold(maps, 2.0))
        scores[legacy] = quality(truth, np.where(outside, found.ids, 0))

    assert scores[False] > 0.97
    assert scores[True] < 0.5


def test_what_the_fold_does_not_touch_stays_as_it_was(make_nuclei, true_maps):
    ids = make_nuclei(3, (320, 320), 70)
    maps = true_maps(ids, is_hv=True)
    clumps, _ = ndimage.label(with_fold(maps, 2.0).foreground > 0)
    near = clumps == clumps[BLOCK][0, 0]
    near[80:180, 70:170] = True  # the filter's length around the block

    before = HorizontalVertical().decode(maps).ids
    after = HorizontalVertical().decode(with_fold(maps, 2.0)).ids

    kept = ~np.isin(clumps, np.unique(clumps[near])) & (clumps > 0)
    pairs = np.unique(np.stack([before[kept], after[kept]]), axis=1)
    assert pairs.shape[1] > 25
    assert all(len(np.unique(side)) == pairs.shape[1] for side in pairs)


def test_clumps_that_end_within_the_margin_are_the_same_in_every_tile(make_nuclei, true_maps):
    ids = make_nuclei(4, (300, 310), 40)
    maps = true_maps(ids, is_hv=True)
    decoder = HorizontalVertical(margin=130)

    def read(rows: slice, columns: slice) -> Maps:
        vectors = maps.vectors[:, rows, columns]
        return Maps(foreground=maps.foreground[rows, columns], vectors=vectors)

    tiled = gather(decode_tiles(read, ids.shape, decoder, core=90))

    painted = np.zeros(ids.shape, np.int32)
    paint(tiled, painted)
    np.testing.assert_array_equal(painted, decoder.decode(maps).ids)


def test_values_beyond_one_and_not_finite_ones_do_no_harm(make_nuclei, true_maps, quality):
    ids = make_nuclei(5, (200, 200), 25)
    maps = true_maps(ids, is_hv=True)
    maps.vectors[:] *= 1.5
    maps.vectors[:, ids == 0] = np.nan

    found = HorizontalVertical().decode(maps)

    assert quality(ids, found.ids) > 0.9


def test_types_come_with_the_objects(make_nuclei, true_maps):
    ids = make_nuclei(6, (200, 200), 25)

    found = HorizontalVertical().decode(true_maps(ids, is_hv=True))

    owners = ids[tuple(found.centres.T)]
    assert found.types.tolist() == [2 if owner % 2 else 1 for owner in owners.tolist()]
    assert found.confidence.min() > 0.99


def test_a_window_without_foreground_has_no_objects():
    maps = Maps(foreground=np.zeros((7, 9), np.float32), vectors=np.zeros((2, 7, 9), np.float32))

    for legacy in (False, True):
        assert len(HorizontalVertical(legacy=legacy).decode(maps).centres) == 0


def test_a_filter_without_a_middle_is_refused():
    with pytest.raises(PlanError, match="size must be odd"):
        HorizontalVertical(size=20)
