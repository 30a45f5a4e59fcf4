"""What a barcode tells."""

import pytest

from delineate.datasets.tcga import ORGANS, organ_of, patient_in


@pytest.mark.parametrize(
    ("name", "patient", "organ"),
    [
        ("TCGA-A7-A13E-01Z-00-DX1", "TCGA-A7-A13E", "breast"),
        ("TCGA-18-5592-01Z-00-DX1", "TCGA-18-5592", "liver"),
        ("TCGA-HT-8564-01Z-00-DX1_crop3", "TCGA-HT-8564", "brain"),
        ("tcga-he-7128", "TCGA-HE-7128", "kidney"),
        ("TCGA-ZZ-0000-01Z", "TCGA-ZZ-0000", None),
        ("TCGA-A7-A13EX", "TCGA-A7-A13EX", None),
        ("mouse_tile3", "mouse", None),
    ],
)
def test_patient_and_organ_are_in_the_barcode(name, patient, organ):
    assert patient_in(name) == patient
    assert organ_of(name) == organ


def test_no_site_has_two_organs():
    assert len(ORGANS) == 32
    assert len(set(ORGANS.values())) == 9
