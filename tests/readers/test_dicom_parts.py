"""Parts of SEG and RTSTRUCT: names, ids, overlap and the way to the regular grid."""

import numpy as np
import pytest

from delineate.core.labels import Label
from delineate.readers.dicom_parts import Part, Parts, named_labels
from scans import make_scan

LIVER, KIDNEY = Label(id=1, name="liver"), Label(id=7, name="kidney")


def parts_of(*boxes, labels=(LIVER, KIDNEY)):
    made = [
        Part(label=label, place=place, corner=corner, inside=np.ones(size, bool))
        for label, place, corner, size in boxes
    ]
    return Parts(labels=labels, parts=lambda: iter(made), source="memory")


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    return make_scan(tmp_path_factory.mktemp("scan"), "gapped", shape=(6, 10, 12)).series


def test_parts_that_keep_apart_become_ids(series):
    parts = parts_of((LIVER, 1, (2, 3), (2, 2)), (KIDNEY, 1, (5, 5), (1, 3)))

    planes, is_stack = parts.on_slices(series)

    assert not is_stack
    assert planes.shape == (6, 10, 12)
    assert np.array_equal(np.unique(planes), [0, 1, 7])
    assert (planes[1, 5, 5:8] == 7).all()


def test_parts_that_overlap_become_layers(series):
    parts = parts_of((LIVER, 1, (2, 3), (2, 2)), (KIDNEY, 1, (3, 4), (3, 3)))

    mask, labels = parts.mask(series)

    assert labels.overlapping
    assert mask.num_layers == 2
    assert mask.array[:, 1].sum(axis=(1, 2)).tolist() == [4, 9]


def test_a_mask_lies_on_the_grid_of_the_image(series):
    parts = parts_of((LIVER, 5, (0, 0), (1, 1)))

    mask, labels = parts.mask(series)

    assert mask.geometry is series.regular
    assert mask.array.shape == series.regular.shape
    assert mask.array[-1, 0, 0] == 1
    assert labels.labels == (LIVER, KIDNEY)


def test_our_own_descriptions_give_ids_back():
    rows = [(1, "a", "label 4", None, None), (2, "b", "label 9", (1, 2, 3), None)]

    labels = named_labels(rows)

    assert [labels[number].id for number in (1, 2)] == [4, 9]
    assert labels[2].colour == (1, 2, 3)


def test_equal_names_are_told_apart_and_numbers_kept():
    rows = [
        (3, "Kidney", "", None, None),
        (5, "Kidney", "label x", None, None),
        (6, "", "", None, None),
    ]

    labels = named_labels(rows)

    assert [entry.name for entry in labels.values()] == ["Kidney 3", "Kidney 5", "part 6"]
    assert [entry.id for entry in labels.values()] == [3, 5, 6]


def test_numbers_that_begin_at_0_leave_that_to_the_background():
    rows = [(0, "Liver", "", None, None), (4, "Kidney", "", None, None)]

    labels = named_labels(rows)

    assert [(number, entry.id) for number, entry in labels.items()] == [(0, 1), (4, 5)]
