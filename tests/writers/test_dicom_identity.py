"""UIDs and names of makers: equal work is equally named, other work otherwise."""

from dataclasses import replace

import pytest

from delineate.core.codes import code_of
from delineate.core.labels import LabelTable
from delineate.writers.dicom_identity import Identity, code_item, region_items, type_item
from scans import LABELS, make_scan


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    return make_scan(tmp_path_factory.mktemp("scan"), shape=(4, 10, 12))


def test_a_repeat_has_the_same_uids(scan):
    again = replace(scan.prediction, mask=scan.prediction.mask)

    first, second = (Identity.of(entry, scan.series) for entry in (scan.prediction, again))

    assert first == second
    assert first.uid("SR", "instance") == second.uid("SR", "instance")


@pytest.mark.parametrize("fact", ["weights_hash", "plan_hash", "model", "flips"])
def test_another_model_or_setting_has_others(scan, fact):
    other = {**scan.prediction.provenance, fact: "1"}

    changed = replace(scan.prediction, provenance=other)

    seeds = {Identity.of(entry, scan.series).seed for entry in (scan.prediction, changed)}
    assert len(seeds) == 2


def test_other_labels_and_other_slices_have_others(scan):
    labels = replace(scan.prediction, labels=LabelTable.of_names({"liver": 1}))
    fewer = replace(scan.series, slices=scan.series.slices[1:])

    seeds = {
        Identity.of(scan.prediction, scan.series).seed,
        Identity.of(labels, scan.series).seed,
        Identity.of(scan.prediction, fewer).seed,
    }

    assert len(seeds) == 3


def test_a_uid_is_legal_and_of_its_kind(scan):
    identity = Identity.of(scan.prediction, scan.series)

    uids = {
        identity.uid(kind, what) for kind in ("BINARY", "SR") for what in ("series", "instance")
    }

    assert len(uids) == 4
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in uids)
    assert len({identity.tracking(name) for name in LABELS.names}) == len(LABELS.names)


def test_descriptions_say_what_it_is_for(scan):
    identity = Identity.of(scan.prediction, scan.series)

    assert identity.describe("AI organs") == "AI organs - research use only"


def test_a_side_is_a_modifier_of_type_or_region():
    kidney, tumour = code_of("kidney_left"), code_of("left kidney tumour")

    side = type_item(kidney).SegmentedPropertyTypeModifierCodeSequence[0]
    (region,) = region_items(tumour)

    assert (side.CodeValue, side.CodeMeaning) == ("7771000", "Left")
    assert region.CodeMeaning == "Kidney"
    assert region.AnatomicRegionModifierSequence[0].CodeMeaning == "Left"
    assert region_items(kidney) == []
    assert "SegmentedPropertyTypeModifierCodeSequence" not in code_item(kidney.type)
