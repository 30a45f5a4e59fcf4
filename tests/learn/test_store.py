"""Prepared cases: made once, found again, refused when they cannot train."""

from dataclasses import replace

import numpy as np
import pytest

from delineate.core.errors import DatasetError, LabelError
from delineate.core.image import Image, Mask
from delineate.learn.store import Store, check_names, find_points


def test_prepared_case_holds_image_labels_and_their_voxels(store):
    case = store.get("case1")

    assert case.image.shape == (1, 12, 14, 16)
    assert set(np.unique(case.labels)) == {0, 1}
    assert all(case.labels[0][tuple(voxel)] == 1 for voxel in case.points[0])


def test_second_fill_prepares_nothing(store, make_case):
    before = {path: path.stat().st_mtime_ns for path in store.folder.iterdir()}

    store.fill((make_case(number) for number in range(4)), 4)

    assert {path: path.stat().st_mtime_ns for path in store.folder.iterdir()} == before


def test_another_resolution_has_another_folder(store, plan, tmp_path):
    other = Store(tmp_path / "cache", replace(plan, spacing_mm=(2.0, 1.0, 1.0)))

    assert other.folder != store.folder


def test_image_that_is_not_a_number_is_named(store, make_case):
    case = make_case(9)
    array = case.image.array.copy()
    array[0, 0, 0, 0] = np.nan
    broken = replace(case, image=Image.of(array, case.image.geometry, ("MR",)))

    with pytest.raises(DatasetError, match="case9"):
        store.fill([broken], 1)
    assert not list(store.folder.glob("case9*"))


def test_unknown_label_value_is_named(store, make_case):
    case = make_case(9)
    broken = replace(case, mask=Mask.of(case.mask.array * 4, case.mask.geometry))

    with pytest.raises(LabelError, match=r"case9 holds label values \[4\]"):
        store.fill([broken], 1)


def test_case_without_mask_is_refused(store, make_case):
    with pytest.raises(DatasetError, match="no mask"):
        store.fill([replace(make_case(9), mask=None)], 1)


def test_damaged_cache_says_what_to_do(store):
    next(store.folder.glob("case2.image*")).write_bytes(b"broken")

    with pytest.raises(DatasetError, match="Delete that folder"):
        store.get("case2")


def test_points_are_found_per_layer():
    layers = np.zeros((2, 3, 3), np.int8)
    layers[0, 1, 1] = layers[1, 2, 2] = 1

    assert find_points(layers, 2).tolist() == [[0, 1, 1], [1, 2, 2]]


def test_ids_with_slashes_are_refused():
    with pytest.raises(DatasetError, match="slash"):
        check_names(["a/b"])


def test_objects_are_stored_with_the_places_of_their_types(tissue_store, make_tissue):
    typed, untyped = tissue_store.get("tile0"), tissue_store.get("tile2")

    truth = make_tissue(0).instances
    assert np.array_equal(typed.labels[0], truth.ids)
    assert np.array_equal(typed.labels[1], truth.label_map())
    assert set(np.unique(untyped.labels[1])) == {-1, 0}
    assert typed.image.shape == (3, 72, 80)


def test_case_without_objects_is_refused_where_the_plan_wants_them(
    tmp_path, tissue_plan, make_tissue
):
    case = replace(make_tissue(0), load_instances=None)

    with pytest.raises(DatasetError, match="does not tell its objects apart"):
        Store(tmp_path, tissue_plan).fill([case], 1)


def test_image_without_labels_has_one_voxel_of_no_class(store, make_case):
    store.fill_images([replace(make_case(9), mask=None, labels=None)], 1)

    case = store.get("case9")
    assert case.image.shape == (1, 12, 14, 16)
    assert case.labels.tolist() == [[[[-1]]]]
    assert [len(points) for points in case.points] == [0]


def test_store_tells_what_it_has(store):
    assert store.has("case0")
    assert not store.has("case9")
