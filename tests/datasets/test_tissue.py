"""Synthetic slides: exact, repeatable, varied, and stained as tissue is."""

import numpy as np
import pytest

from delineate.core.errors import DatasetError, DelineateError
from delineate.core.rasters import rasterise
from delineate.datasets import architecture, open_dataset
from delineate.datasets.tissue import LABELS, PATTERNS, Tissue, make_tile, write_tiles
from delineate.readers import read_image


def density(case):
    return -np.log10(np.maximum(case.image.array.astype(float), 1) / 255)


def medians(case):
    """Median length in pixels of a nucleus that is wholly inside."""
    inside = [
        np.ptp(outline, axis=0).max()
        for outline in case.instances.outlines
        if outline.min() > 0 and (outline < np.array(case.image.geometry.shape)[::-1] - 1).all()
    ]
    return float(np.median(inside))


def test_same_seed_gives_the_same_tile(tissue_tile):
    again = make_tile(11, shape=(160, 160))

    np.testing.assert_array_equal(again.image.array, tissue_tile.image.array)
    np.testing.assert_array_equal(again.instances.ids, tissue_tile.instances.ids)
    np.testing.assert_array_equal(again.instances.types, tissue_tile.instances.types)


def test_types_match_ids_and_the_mask_shows_them(tissue_tile):
    objects = tissue_tile.instances

    assert np.unique(objects.ids).tolist() == list(range(objects.count + 1))
    assert set(objects.types.tolist()) == {label.id for label in LABELS.labels}
    np.testing.assert_array_equal(tissue_tile.mask.array, objects.label_map())


def test_ids_are_the_outlines_painted_the_first_on_top(tissue_tile):
    objects = tissue_tile.instances

    painted = rasterise(objects.outlines, objects.ids.shape, order="first", centre="skimage")

    np.testing.assert_array_equal(painted, objects.ids)


def test_some_nuclei_touch_and_some_overlap():
    objects = make_tile(3, shape=(400, 400)).instances
    ids = objects.ids

    beside = (ids[:, :-1] != ids[:, 1:]) & (ids[:, :-1] > 0) & (ids[:, 1:] > 0)
    alone = [
        np.count_nonzero(rasterise([outline], ids.shape, centre="skimage"))
        for outline in objects.outlines
    ]
    visible = np.bincount(ids.ravel())[1:]

    assert beside.sum() > 20
    assert 0.05 < (visible < np.array(alone)).mean() < 0.6


def test_coarser_pixels_give_smaller_nuclei():
    fine, coarse = make_tile(1, shape=(256, 256)), make_tile(1, shape=(256, 256), mpp=0.5)

    ratio = medians(fine) / medians(coarse)

    assert 1.6 < ratio < 2.5
    assert coarse.image.geometry.spacing_mm == (0.0005, 0.0005)
    assert coarse.instances.count > 2 * fine.instances.count


def test_stain_varies_between_seeds_but_not_the_order_of_darkness():
    cases = [make_tile(seed, shape=(128, 128), pattern="nests") for seed in range(6)]

    means = np.array([density(case).mean(axis=(1, 2)) for case in cases])

    assert means.std(axis=0).min() > 0.02
    for case in cases:
        taken, is_nucleus = density(case), case.instances.ids > 0
        nucleus, other = taken[:, is_nucleus].mean(axis=1), taken[:, ~is_nucleus].mean(axis=1)
        assert nucleus[0] > 1.5 * other[0]  # red is what haematoxylin takes away
        assert nucleus[0] / nucleus.sum() > other[0] / other.sum()  # so nuclei are bluer


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_gives_nuclei_of_real_size_and_number(pattern):
    case = make_tile(0, shape=(300, 300), pattern=pattern)

    area_um2 = np.bincount(case.instances.ids.ravel())[1:] * 0.25**2
    per_mm2 = case.instances.count / (300 * 0.25 / 1000) ** 2

    assert 10 < np.median(area_um2) < 110
    assert 2000 < per_mm2 < 25000
    assert case.facts["tissue"] == pattern


def test_patterns_are_those_that_can_be_laid_out():
    assert tuple(architecture.PATTERNS) == PATTERNS


def test_written_tiles_read_back_the_same(tmp_path):
    write_tiles(tmp_path, 2, seed=3, shape=(96, 80))
    data = open_dataset(tmp_path)
    made = make_tile(4, shape=(96, 80))

    case = data.case(made.id)

    assert data.layout == "labelmaps"
    assert data.labels.names == LABELS.names
    assert data.ids() == ["tissue_0003", "tissue_0004"]
    assert len(set(data.patients().values())) == 2
    assert case.image.geometry.agrees_with(made.image.geometry)
    assert read_image(tmp_path / "images" / "tissue_0004.tif").geometry.is_physical
    np.testing.assert_array_equal(case.image.array, made.image.array)
    np.testing.assert_array_equal(case.instances.ids, made.instances.ids)
    np.testing.assert_array_equal(case.instances.types, made.instances.types)


def test_tiles_come_by_name_from_no_folder():
    data = open_dataset("tissue", num_tiles=7, seed=2, shape=(64, 64), mpp=0.5)

    case = data.case("tissue_0008")

    assert data.tissue("tissue_0008") == case.facts["tissue"] == PATTERNS[2]
    assert case.facts["mpp_from"] == "by hand"
    assert data.problems() == []


def test_impossible_wishes_are_refused():
    with pytest.raises(DatasetError, match="at least 16"):
        make_tile(0, shape=(8, 64))
    with pytest.raises(DatasetError, match="lie between"):
        make_tile(0, mpp=25.0)
    with pytest.raises(DelineateError, match="glands"):
        make_tile(0, pattern="gland")
    with pytest.raises(DatasetError, match="at least 1"):
        Tissue(num_tiles=0)
    with pytest.raises(DatasetError, match="no tile"):
        Tissue().case("elsewhere")
