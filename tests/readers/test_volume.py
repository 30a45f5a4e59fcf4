"""Geometry of volumes, with ITK as the independent judge."""

import math

import nibabel as nib
import numpy as np
import pytest

from delineate.core.errors import FileError
from delineate.readers import read_image, read_labels, read_mask

sitk = pytest.importorskip("SimpleITK")
LPS_TO_RAS = np.array([-1, -1, 1])


def oblique_volume():
    array = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6) - 20
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((0.7, 0.8, 3.0))
    image.SetOrigin((10.0, -200.5, 30.25))
    turn = np.array(
        [[math.cos(0.3), -math.sin(0.3), 0], [math.sin(0.3), math.cos(0.3), 0], [0, 0, 1]]
    )
    tilt = np.array(
        [[1, 0, 0], [0, math.cos(0.2), -math.sin(0.2)], [0, math.sin(0.2), math.cos(0.2)]]
    )
    image.SetDirection((turn @ tilt).ravel().tolist())
    return image


def worst_distance_mm(geometry, judge):
    indices = np.random.default_rng(0).integers(0, geometry.shape, size=(12, 3))
    ours = (geometry.affine @ np.c_[indices, np.ones(12)].T)[:3].T
    theirs = [judge.TransformIndexToPhysicalPoint(index[::-1].tolist()) for index in indices]
    return np.abs(ours - np.array(theirs) * LPS_TO_RAS).max()


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".nrrd", ".mha", ".mhd"])
def test_every_voxel_lies_where_itk_puts_it(tmp_path, ending, is_packed):
    judge = oblique_volume()
    path = tmp_path / f"Gehirn ü{ending}"
    sitk.WriteImage(judge, path, is_packed)

    image = read_image(path)

    assert worst_distance_mm(image.geometry, judge) < 1e-3
    assert np.array_equal(image.array[0], sitk.GetArrayFromImage(judge))
    assert image.array.dtype == np.int16
    assert image.geometry.spacing_mm == pytest.approx((3.0, 0.8, 0.7))


@pytest.mark.parametrize(
    "pattern",
    [
        "radiology/nrrd_pyradiomics/*.nrrd",
        "radiology/totalsegmentator_example/*_sm.nii.gz",
        "radiology/panoptica_spine_instances/*/ref.nii.gz",
        "radiology/msd_task04_hippocampus/imagesTr/*_00?.nii.gz",
    ],
)
def test_real_files_lie_where_itk_puts_them(shared_data, pattern):
    for path in sorted(shared_data.glob(pattern)):
        judge = sitk.ReadImage(path)

        image = read_image(path)

        assert worst_distance_mm(image.geometry, judge) < 1e-3
        assert np.allclose(image.array[0], sitk.GetArrayFromImage(judge), rtol=1e-6)


def test_real_labels_lie_on_their_images(shared_data):
    folder = shared_data / "radiology/msd_task04_hippocampus"
    for path in sorted((folder / "imagesTr").glob("*_00?.nii.gz")):
        mask = read_mask(folder / "labelsTr" / path.name)

        assert mask.geometry.agrees_with(read_image(path).geometry)
        assert mask.array.dtype == np.uint8
        assert set(np.unique(mask.array)) == {0, 1, 2}


def test_pixels_are_read_only_when_touched(tmp_path):
    path = tmp_path / "a.nii"
    sitk.WriteImage(oblique_volume(), path)

    image = read_image(path)
    path.unlink()

    assert image.geometry.shape == (4, 5, 6)
    with pytest.raises(FileError, match=r"a\.nii cannot be read"):
        _ = image.array


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha", ".mhd"])
def test_a_damaged_file_is_named_in_one_sentence(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    sitk.WriteImage(oblique_volume(), path, True)
    data_file = path if ending != ".mhd" else tmp_path / "a.zraw"
    data_file.write_bytes(data_file.read_bytes()[:-40])

    with pytest.raises(FileError, match=rf"{data_file.name} is damaged, cut short .* again\."):
        _ = read_image(path).array


@pytest.mark.parametrize("content", [b"no image at all, just words\n" * 40, b"\0" * 500])
@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".nrrd", ".mha", ".mhd"])
def test_a_file_that_is_no_image_is_refused(tmp_path, ending, content):
    path = tmp_path / f"a{ending}"
    path.write_bytes(content)

    with pytest.raises(FileError, match="is damaged, cut short or no"):
        read_image(path)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_an_empty_file_is_refused(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    path.touch()

    with pytest.raises(FileError, match=r"is empty \(0 bytes\)"):
        read_image(path)


def test_a_folder_with_a_file_ending_is_refused(tmp_path):
    (tmp_path / "a.nii.gz").mkdir()

    with pytest.raises(FileError, match="is a folder"):
        read_image(tmp_path / "a.nii.gz")


def test_most_volumes_name_no_labels(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)), tmp_path / "a.nii")

    assert read_labels(tmp_path / "a.nii") is None
