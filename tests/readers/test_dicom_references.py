"""Every real series with a reference of another program lies where that program put it."""

import numpy as np
import pytest

from delineate.readers import read_image, read_studies

DICOM2NIFTI = [
    "anatomical/001",
    "failing/slicecount/001",
    "ge/anatomical/001",
    "ge/anatomical/001_single_slice",
    "generic/anatomical/001",
    "generic/anatomical/002_non_isotropic",
    "generic/compressed/001",
    "generic/compressed_j2k/001",
    "generic/compressed_jpeg/001",
    "hitachi/anatomical/001",
    "philips_enhanced/anatomical/001",
    "philips_enhanced/fmri/001",
    "siemens/anatomical/001",
]
PAIRS = [
    *((f"dicom2nifti/{name}", f"dicom2nifti/{name}_ground_truth.nii.gz") for name in DICOM2NIFTI),
    *((f"dcm_qa_ts/In/{kind}.dcm", f"dcm_qa_ts/Ref/{kind}.nii") for kind in range(1, 10)),
    ("dcm_qa_enh/In/Siemens/XA10", "dcm_qa_enh/Ref/Siemens_REST1_w_SMS_PF7-8_6.nii"),
    ("dcm_qa_enh/In/Philips", "dcm_qa_enh/Ref/Philips_WIP_B0_NS_801_e2_fieldmaphz.nii"),
]
ACCEPTED = [
    "brain_mr_study1/13_HCropVolume",
    "brain_mr_study3/11-T1post-18670",
    "brain_mr_study3/26401-T1prereg-52906",
    "brain_mr_study3/36468-FLAIRreg-58706",
    "brain_mr_study3/37830-T2reg-78532",
    "brain_mr_study3/11_HCropVolume",
    "dcm_qa_decubitus/HFP_2_t1_fl2d_sag",
    "dicom2nifti/philips/anatomical/001",
    "torchio_small_ct",
]


@pytest.fixture
def cases(shared_data):
    folder = shared_data / "radiology" / "dicom_cases"
    if not folder.is_dir():
        pytest.skip(f"There is no {folder}.")
    return folder


def upright(geometry, array):
    order, flips = geometry.canonical_axes()
    return geometry.rearranged(order, flips), np.flip(np.transpose(array, order), flips)


@pytest.mark.parametrize(("source", "reference"), PAIRS)
def test_a_series_lies_where_its_reference_lies(cases, source, reference):
    judge = read_image(cases / reference)
    truths = [upright(judge.geometry, array)[1] for array in judge.array]

    volumes = read_studies(cases / source).accepted

    assert volumes
    differences = []
    for volume in volumes:
        grid, array = upright(volume.image.geometry, volume.image.array[0])
        place, _ = upright(judge.geometry, judge.array[0])
        assert grid.shape == place.shape
        assert grid.corner_distance_mm(place) < 1e-3
        differences.append([float(np.abs(array - truth).max()) for truth in truths])
    assert np.max(np.min(differences, axis=0)) < 0.01  # each reference is one of the volumes


@pytest.mark.parametrize("source", ACCEPTED)
def test_a_plain_real_series_is_accepted_without_a_finding(cases, source):
    volume = read_studies(cases / source).only()

    assert volume.report.verdict == "accepted"
    assert volume.report.findings == ()
    assert volume.image.array.shape == (1, *volume.report.shape)


@pytest.mark.parametrize(
    ("source", "verdict", "code"),
    [
        ("dicom2nifti/failing/gantrytilting/001", "repaired", "TILT"),
        ("dicom2nifti/failing/sliceincrement/001", "repaired", "GAP"),
        ("dicom2nifti/failing/notavolume/001", "refused", "AMBIGUOUS_POSITION"),
        ("dicom2nifti/generic/rgb/001", "refused", "COLOUR"),
        ("dicom2nifti/siemens/fmri_classic/001", "accepted", "MULTI_PHASE"),
    ],
)
def test_an_awkward_real_series_ends_by_its_code(cases, source, verdict, code):
    reports = [volume.report for volume in read_studies(cases / source).volumes]

    assert {report.verdict for report in reports} == {verdict}
    assert {report.codes for report in reports} == {(code,)}
