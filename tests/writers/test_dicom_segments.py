"""Segments: boxes, numbers, overlap and volumes."""

from dataclasses import replace

import numpy as np
import pytest

from delineate.core.image import Mask
from delineate.core.labels import LabelTable
from delineate.writers.dicom_segments import nothing, overlap, segments_of, slab_mm, volume_ml
from scans import LABELS, make_scan


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    return make_scan(tmp_path_factory.mktemp("scan"))


def test_only_labels_that_are_there_become_segments(scan):
    segments = segments_of(scan.prediction, scan.series)

    assert [part.number for part in segments] == [1, 2, 3]
    assert [part.label.name for part in segments] == list(LABELS.names[:3])
    for part in segments:
        here = scan.prediction.mask.array == part.label.id
        assert part.crop.sum() == here.sum()
        assert np.array_equal(here[part.box], part.crop)


def test_layers_that_overlap_are_kept_apart(scan):
    layers = np.zeros((4, *scan.prediction.mask.geometry.shape), bool)
    layers[0, 2:5, 3:9, 4:8] = True
    layers[2, 4:6, 5:12, 6:10] = True
    mask = Mask.of(layers, scan.prediction.mask.geometry, is_stack=True)
    stacked = replace(scan.prediction, mask=mask, labels=replace(LABELS, overlapping=True))

    segments = segments_of(stacked, scan.series)

    assert [part.label.name for part in segments] == ["liver", "small_bowel"]
    assert overlap(segments)
    assert not overlap(segments_of(scan.prediction, scan.series))
    assert not overlap([])


def test_a_region_covers_its_ids(scan):
    regions = LabelTable.of_names({"liver": [1, 2], "kidney_left": [2]})
    nested = replace(scan.prediction, labels=regions)

    whole, part = segments_of(nested, scan.series)

    assert whole.crop.sum() == np.isin(scan.prediction.mask.array, (1, 2)).sum()
    assert part.crop.sum() == (scan.prediction.mask.array == 2).sum()


def test_a_volume_is_pixels_times_spacing(scan):
    liver = segments_of(scan.prediction, scan.series)[0]

    count = int((scan.prediction.mask.array == 1).sum())

    assert volume_ml(liver, scan.series) == pytest.approx(count * 3.0 * 2.0 * 1.5 / 1000)


def test_a_slice_stands_for_half_the_way_to_its_neighbours(tmp_path):
    uneven = make_scan(tmp_path / "u", "uneven", shape=(5, 10, 12)).series
    single = make_scan(tmp_path / "s", shape=(1, 10, 12)).series

    assert slab_mm(uneven) == pytest.approx([3, 3, 4, 5, 5])
    assert slab_mm(single) == pytest.approx([3])


def test_nothing_is_one_segment_without_a_pixel(scan):
    part = nothing(scan.prediction)

    assert part.label.name == "liver"
    assert list(part.planes) == [0]
    assert not part.crop.any()
