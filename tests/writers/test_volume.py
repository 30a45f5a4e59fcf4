"""NIfTI and seg.nrrd, with ITK as the independent judge."""

import nibabel as nib
import numpy as np
import pytest

from delineate.core.errors import LabelError
from delineate.core.geometry import Geometry
from delineate.core.labels import Label, LabelTable
from delineate.readers import read_labels, read_mask
from delineate.writers import write_prediction

sitk = pytest.importorskip("SimpleITK")
LPS_TO_RAS = np.array([-1, -1, 1])
TURN = np.array([[0.96, -0.28, 0], [0.28, 0.96, 0], [0, 0, 1]])


def turned_grid(shape):
    """A rotated grid without shear, which ITK demands."""
    affine = np.eye(4)
    affine[:3, :3] = (TURN * (-0.7, 0.8, 3.0))[:, ::-1]
    affine[:3, 3] = (12.5, -200.25, 30)
    return Geometry(shape=shape, affine=affine)


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".seg.nrrd"])
def test_itk_finds_every_voxel_where_it_was(tmp_path, predict, ending):
    prediction = predict(geometry=turned_grid((4, 6, 5)))
    path = tmp_path / f"a{ending}"

    write_prediction(prediction, path)

    judge = sitk.ReadImage(path)
    assert np.array_equal(sitk.GetArrayFromImage(judge), prediction.mask.array)
    for index in [(0, 0, 0), (3, 5, 4), (1, 2, 3)]:
        ours = (prediction.mask.geometry.affine @ [*index, 1])[:3]
        theirs = np.array(judge.TransformIndexToPhysicalPoint(index[::-1])) * LPS_TO_RAS
        assert np.abs(ours - theirs).max() < 1e-3


def test_sform_and_qform_are_both_the_affine(tmp_path, predict):
    prediction = predict(geometry=turned_grid((4, 6, 5)))

    write_prediction(prediction, tmp_path / "a.nii.gz")

    header = nib.load(tmp_path / "a.nii.gz").header
    expected = prediction.mask.geometry.affine[:, [2, 1, 0, 3]]
    assert int(header["sform_code"]) == int(header["qform_code"]) == 1
    assert np.allclose(header.get_sform(), expected, atol=1e-4)
    assert np.allclose(header.get_qform(), expected, atol=1e-3)
    assert header.get_xyzt_units()[0] == "mm"


def test_a_sheared_grid_has_no_qform(tmp_path, predict):
    write_prediction(predict(), tmp_path / "a.nii.gz")

    header = nib.load(tmp_path / "a.nii.gz").header
    assert int(header["qform_code"]) == 0
    assert int(header["sform_code"]) == 1


@pytest.mark.parametrize(
    ("largest", "kind"), [(3, np.uint8), (255, np.uint8), (256, np.uint16), (70000, np.int32)]
)
@pytest.mark.parametrize("ending", [".nii.gz", ".seg.nrrd"])
def test_numbers_take_the_smallest_type(tmp_path, predict, ending, largest, kind):
    array = np.zeros((2, 3, 4), np.int64)
    array[0, 1, 2] = largest
    path = tmp_path / f"a{ending}"

    write_prediction(predict(array), path)

    mask = read_mask(path)
    assert mask.array.dtype == kind
    assert np.array_equal(mask.array, array)


def test_overlapping_layers_go_to_nrrd_alone(tmp_path, predict):
    layers = np.random.default_rng(0).random((2, 4, 6, 5)) > 0.4
    table = LabelTable(labels=predict().labels.labels, overlapping=True)
    prediction = predict(layers, labels=table, is_stack=True)

    write_prediction(prediction, tmp_path / "a.seg.nrrd")

    assert np.array_equal(read_mask(tmp_path / "a.seg.nrrd").array, layers)
    assert read_labels(tmp_path / "a.seg.nrrd") == table
    for name in ("a.nii.gz", "a.png", "a.tif"):
        with pytest.raises(LabelError, match=r"nrrd \(\.seg\.nrrd\) or rle \(\.rle\.csv\)"):
            write_prediction(prediction, tmp_path / name)
        assert not (tmp_path / name).exists()


def test_nested_regions_become_layers(tmp_path, predict):
    array = np.random.default_rng(0).integers(0, 4, (4, 6, 5))
    table = LabelTable(
        labels=(
            Label(id=1, name="whole", covers=(1, 2, 3)),
            Label(id=2, name="core", covers=(2, 3)),
        )
    )

    write_prediction(predict(array, labels=table), tmp_path / "a.seg.nrrd")

    mask, labels = read_mask(tmp_path / "a.seg.nrrd"), read_labels(tmp_path / "a.seg.nrrd")
    assert np.array_equal(mask.region(labels.by_name("whole"), labels), array > 0)
    assert np.array_equal(mask.region(labels.by_name("core"), labels), array > 1)


def test_the_segment_table_is_slicers(tmp_path, predict):
    write_prediction(predict(), tmp_path / "a.seg.nrrd")

    head = (tmp_path / "a.seg.nrrd").read_bytes().split(b"\n\n")[0].decode()
    assert "Segment0_Name:=Magen ü" in head
    assert "Segment0_LabelValue:=1" in head
    assert "Segment1_LabelValue:=3" in head
    assert "Segment0_Extent:=0 4 0 5 0 3" in head
    assert "~SCT^69695003^Stomach~" in head


@pytest.mark.parametrize("ending", [".nii.gz", ".seg.nrrd"])
def test_the_same_prediction_gives_the_same_bytes(tmp_path, predict, ending):
    for name in ("a", "b"):
        write_prediction(predict(), tmp_path / name / f"x{ending}")

    assert (tmp_path / f"a/x{ending}").read_bytes() == (tmp_path / f"b/x{ending}").read_bytes()


def test_a_mask_of_probabilities_is_refused(tmp_path, predict):
    with pytest.raises(LabelError, match="labels are whole numbers"):
        write_prediction(predict(np.full((2, 3, 4), 0.5)), tmp_path / "a.nii.gz")
