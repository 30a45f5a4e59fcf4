"""The fingerprint says what the data look like, and refuses what cannot be trained on."""

import json

import numpy as np
import pytest

from delineate.core.case import Case
from delineate.core.errors import DatasetError, LabelError
from delineate.core.geometry import Geometry
from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable
from delineate.planning import take_fingerprint

LABELS = LabelTable.of_names({"background": 0, "liver": 1, "tumour": 2})


def make_case(name="a", shape=(4, 6, 8), spacing=(3.0, 1.0, 1.0), *, array=None, mask=None):
    geometry = Geometry.of_spacing(shape, spacing)
    rng = np.random.default_rng(len(name))
    pixels = rng.normal(100, 10, (1, *shape)).astype(np.float32) if array is None else array
    truth = np.zeros(shape, np.uint8) if mask is None else mask
    if mask is None:
        truth[:2, :3, :4] = 1
    channels = tuple(f"channel {place}" for place in range(len(pixels)))
    return Case(
        id=name,
        patient=name,
        image=Image.of(pixels, geometry, channels, source=f"{name}.nii.gz"),
        mask=Mask.of(truth, geometry),
        labels=LABELS,
    )


def test_sizes_spacings_and_extents_are_medians_and_percentiles_over_cases():
    cases = [make_case("a", (4, 6, 8)), make_case("bb", (6, 6, 8)), make_case("ccc", (8, 6, 10))]

    found = take_fingerprint(cases, LABELS)

    assert found.sizes.median == (6, 6, 8)
    assert found.sizes.max == (8, 6, 10)
    assert found.extents.median == (18, 6, 8)
    assert found.spacings.p10 == (3, 1, 1)
    assert (found.num_cases, found.num_patients, found.is_volume) == (3, 3, True)


def test_physical_volumes_are_measured_along_feet_head_back_front_left_right():
    case = make_case(shape=(4, 6, 8), spacing=(3.0, 1.0, 2.0))
    turned = case.image.geometry.rearranged((2, 0, 1), (0,))
    array = np.flip(case.image.array.transpose(0, 3, 1, 2), 1)
    truth = np.flip(case.mask.array.transpose(2, 0, 1), 0)
    other = Case(id="a", patient="a", image=Image.of(array, turned), mask=Mask.of(truth, turned))

    found = take_fingerprint([other], LABELS)

    assert found.sizes.median == (4, 6, 8)
    assert found.spacings.median == (3, 1, 2)


def test_class_shares_count_voxels_cases_and_volume():
    without = make_case("bb", mask=np.zeros((4, 6, 8), np.uint8))

    liver, tumour = take_fingerprint([make_case(), without], LABELS).classes

    assert liver.voxel_share == pytest.approx(24 / (2 * 192))
    assert liver.case_share == 0.5
    assert liver.median_volume == 24 * 3
    assert (tumour.voxel_share, tumour.median_volume) == (0, 0)


def test_ignored_voxels_neither_count_nor_are_sampled():
    labels = LabelTable.of_names({"liver": 1}, ignore=255)
    mask = np.zeros((4, 6, 8), np.uint8)
    mask[0], mask[1] = 1, 255
    array = np.zeros((1, 4, 6, 8), np.float32)
    array[:, 0], array[:, 1] = 5, 900
    array[:, 0, 0] = 7

    found = take_fingerprint([make_case(array=array, mask=mask)], labels)

    assert found.classes[0].voxel_share == pytest.approx(1 / 3)
    assert found.foreground[0].max == 7


def test_every_case_speaks_equally_loud_whatever_its_size():
    small = np.full((1, 4, 4, 4), 0.0)
    small[0, 0] = 1.0
    large = np.full((1, 40, 40, 40), 3.0)
    large[0, 0] = 2.0
    masks = [np.ones(array.shape[1:], np.uint8) for array in (small, large)]
    cases = [
        make_case("a", (4, 4, 4), array=small, mask=masks[0]),
        make_case("b", (40, 40, 40), array=large, mask=masks[1]),
    ]

    found = take_fingerprint(cases, LABELS)

    assert found.foreground[0].mean == pytest.approx((0.25 + 2.975) / 2, abs=0.02)


def test_the_sample_depends_on_seed_and_case_not_on_order():
    cases = [make_case("a"), make_case("bb", (6, 6, 8)), make_case("ccc")]

    forth = take_fingerprint(cases, LABELS)
    back = take_fingerprint(reversed(cases), LABELS)

    assert forth.foreground[0].p99_5 == back.foreground[0].p99_5
    assert forth.foreground[0].median == back.foreground[0].median


def test_nested_regions_and_layers_that_overlap_are_counted():
    nested = LabelTable.of_names({"whole": [1, 2], "core": 2})
    mask = np.zeros((4, 6, 8), np.uint8)
    mask[0], mask[0, 0] = 1, 2
    case = make_case(mask=mask)
    layers = Mask.of(np.stack([mask > 0, mask == 2]), case.image.geometry, is_stack=True)
    stacked = Case(id="a", patient="a", image=case.image, mask=layers)

    by_ids = take_fingerprint([case], nested).classes
    by_layers = take_fingerprint([stacked], nested).classes

    assert by_ids == by_layers
    assert [entry.voxel_share for entry in by_ids] == [pytest.approx(1 / 4), pytest.approx(1 / 24)]


def test_the_dictionary_is_plain_and_names_its_units():
    found = take_fingerprint([make_case()], LABELS).to_dict()

    assert json.loads(json.dumps(found)) == found
    assert found["spacing_mm"]["median"] == [3.0, 1.0, 1.0]
    assert found["classes"]["liver"]["median_volume_mm3"] == 72.0
    assert set(found["intensity_inside_labels"]["channel 0"]) >= {"mean", "std", "p0_5", "p99_5"}


def test_pixels_without_millimetres_are_said_to_be_pixels():
    geometry = Geometry.of_spacing((5, 6))
    truth = np.ones((5, 6), np.uint8)
    array = np.arange(30).reshape(1, 5, 6)
    case = Case(id="a", patient="a", image=Image.of(array, geometry), mask=Mask.of(truth, geometry))

    found = take_fingerprint([case], LABELS)

    assert found.to_dict()["spacing_px"]["median"] == [1.0, 1.0]
    assert (found.is_volume, found.is_physical, found.unit) == (False, False, "px")


def test_no_cases_is_an_error():
    with pytest.raises(DatasetError, match="no labelled cases"):
        take_fingerprint([], LABELS)


def test_an_image_of_one_voxel_is_an_error():
    case = make_case(shape=(1, 1, 1), mask=np.ones((1, 1, 1), np.uint8))

    with pytest.raises(DatasetError, match="one voxel"):
        take_fingerprint([case], LABELS)


def test_values_that_are_no_numbers_are_an_error_that_names_the_file():
    array = np.ones((1, 4, 6, 8), np.float32)
    array[0, 0, 0, 0] = np.nan

    with pytest.raises(DatasetError, match=r"1 values that are NaN.*a\.nii\.gz"):
        take_fingerprint([make_case(array=array)], LABELS)


def test_a_constant_image_with_labels_is_an_error():
    with pytest.raises(DatasetError, match="is 7 everywhere"):
        take_fingerprint([make_case(array=np.full((1, 4, 6, 8), 7))], LABELS)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64, np.float32])
def test_a_label_value_outside_the_table_is_an_error(dtype):
    mask = np.zeros((4, 6, 8), dtype)
    mask[0] = 9

    with pytest.raises(LabelError, match=r"mask of a holds label values \[9"):
        take_fingerprint([make_case(mask=mask)], LABELS)


def test_masks_without_any_label_are_an_error():
    with pytest.raises(DatasetError, match="No mask shows any of the labels liver, tumour"):
        take_fingerprint([make_case(mask=np.zeros((4, 6, 8), np.uint8))], LABELS)


def test_a_mask_of_another_shape_is_an_error():
    case = make_case()
    other = Case(id="a", patient="a", image=case.image, mask=Mask.of(np.ones((4, 6, 7), np.uint8)))

    with pytest.raises(DatasetError, match=r"\(4, 6, 8\) voxels and a mask of \(4, 6, 7\)"):
        take_fingerprint([other], LABELS)


def test_cases_that_differ_in_channels_are_an_error():
    two = make_case("bb", array=np.random.default_rng(0).random((2, 4, 6, 8)))

    with pytest.raises(DatasetError, match="must agree in their channels"):
        take_fingerprint([make_case(), two], LABELS)
