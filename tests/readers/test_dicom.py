"""Plain DICOM series, with ITK as the independent judge; all others are refused by name."""

import numpy as np
import pytest

from delineate.core.errors import FileError, GeometryError
from delineate.readers import read_image, read_mask

sitk = pytest.importorskip("SimpleITK")
LPS_TO_RAS = np.array([-1, -1, 1])


def judged(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def worst_distance_mm(geometry, judge):
    indices = np.random.default_rng(0).integers(0, geometry.shape, size=(12, 3))
    ours = (geometry.affine @ np.c_[indices, np.ones(12)].T)[:3].T
    theirs = [judge.TransformIndexToPhysicalPoint(index[::-1].tolist()) for index in indices]
    return np.abs(ours - np.array(theirs) * LPS_TO_RAS).max()


def test_slices_are_ordered_and_placed_as_itk_does(tmp_path, write_series):
    array = write_series(tmp_path / "CT ü")

    image = read_image(tmp_path / "CT ü")

    judge = judged(tmp_path / "CT ü")
    assert np.array_equal(image.array[0], array)
    assert np.array_equal(image.array[0], sitk.GetArrayFromImage(judge))
    assert worst_distance_mm(image.geometry, judge) < 1e-3
    assert image.geometry.spacing_mm == pytest.approx((2.5, 0.8, 0.7))
    assert image.channels == ("CT",)
    assert image.array.dtype == np.int16


@pytest.mark.parametrize(
    "series",
    [
        "totalsegmentator_example/example_ct_dicom",
        "dicom_seg/dcmqi/24x38x3/image",
        "dicom_seg/dcmqi/ct-3slice",
        "dicom_cases/dicom2nifti/siemens/anatomical/001",
        "dicom_cases/dicom2nifti/philips/anatomical/001",
        "dicom_cases/dicom2nifti/ge/anatomical/001",
        "dicom_cases/dicom2nifti/hitachi/anatomical/001",
        "dicom_cases/dicom2nifti/generic/anatomical/002_non_isotropic",
        "dicom_cases/dicom2nifti/generic/compressed_j2k/001",
        "dicom_cases/torchio_small_ct",
        "dicom_cases/dcm_qa_decubitus/HFP_2_t1_fl2d_sag",
        "dicom_rtstruct/rt_utils/oriented_data",
    ],
)
def test_real_series_lie_where_itk_puts_them(shared_data, series):
    folder = shared_data / "radiology" / series
    if not folder.is_dir():
        pytest.skip(f"There is no {folder}.")
    places = [folder, *folder.rglob("*")]
    (place,) = [path for path in places if path.is_dir() and any(path.glob("*.dcm"))][:1] or [
        folder
    ]

    image, judge = read_image(place), judged(place)

    assert worst_distance_mm(image.geometry, judge) < 1e-3
    assert np.allclose(image.array[0], sitk.GetArrayFromImage(judge), rtol=1e-5)


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        ("dicom_cases/dicom2nifti/failing/sliceincrement/001", "apart where"),
        ("dicom_cases/dicom2nifti/failing/notavolume/001", "same position"),
        ("dicom_cases/dicom2nifti/generic/rgb/001", "colour picture"),
        ("dicom_cases/dcm_qa_enh/In/Siemens/XA10", "frames in one file"),
        ("dicom_seg/dcmqi", "2 DICOM series"),
        ("dicom_rtstruct/dicompyler_core", "no image"),
        ("chaos/CT/3/DICOM_anon", "JPEG-LS"),
    ],
)
def test_real_series_that_are_not_plain_are_refused(shared_data, series, reason):
    with pytest.raises((FileError, GeometryError), match=reason):
        read_image(shared_data / "radiology" / series)


def test_a_fractional_slope_gives_floats(tmp_path, write_series):
    array = write_series(tmp_path / "a", RescaleSlope=0.5, RescaleIntercept=0.25)

    image = read_image(tmp_path / "a")

    assert image.array.dtype == np.float32
    assert np.allclose(image.array[0], (array + 1024) * 0.5 + 0.25)


def test_pixels_are_read_only_when_touched(tmp_path, write_series):
    write_series(tmp_path / "a")
    image = read_image(tmp_path / "a")
    for file in (tmp_path / "a").iterdir():
        file.unlink()

    assert image.geometry.shape == (5, 3, 4)
    with pytest.raises(FileError, match="cannot be read"):
        _ = image.array


def test_files_without_an_ending_are_found_by_their_mark(tmp_path, write_series):
    array = write_series(tmp_path / "a")
    for place, file in enumerate(sorted((tmp_path / "a").iterdir())):
        file.rename(tmp_path / "a" / f"IM{place}")

    assert np.array_equal(read_image(tmp_path / "a").array[0], array)


def test_one_slice_takes_its_thickness_with_a_note(tmp_path, write_slice):
    path = write_slice(tmp_path / "a.dcm", np.ones((3, 4)), (0, 0, 0))

    image = read_image(path)

    assert image.geometry.spacing_mm == pytest.approx((3.0, 0.8, 0.7))
    assert "one slice" in image.notes[0]


def test_a_tilted_gantry_is_kept_with_a_note(tmp_path, write_slice):
    for place in range(3):
        write_slice(tmp_path / f"{place}.dcm", np.ones((3, 4)), (0, 0.5 * place, 2.0 * place))

    image = read_image(tmp_path)

    assert image.geometry.affine[:3, 0].tolist() == [0, -0.5, 2.0]
    assert "tilted gantry" in image.notes[0]


def test_labels_stored_as_dicom_are_integers(tmp_path, write_series):
    write_series(tmp_path / "a", RescaleIntercept=-1000)

    assert read_mask(tmp_path / "a").array.max() == 59


def test_a_missing_slice_is_named(tmp_path, write_slice):
    for place in (0, 1, 2, 4, 5):
        write_slice(tmp_path / f"{place}.dcm", np.ones((3, 4)), (0, 0, 2.0 * place))

    with pytest.raises(GeometryError, match=r"2\.dcm and 4\.dcm are 4\.000 mm apart where 2\.000"):
        read_image(tmp_path)


def test_slices_at_one_place_are_refused(tmp_path, write_slice):
    for place in range(4):
        write_slice(tmp_path / f"{place}.dcm", np.ones((3, 4)), (0, 0, 2.0 * (place // 2)))

    with pytest.raises(GeometryError, match="same position"):
        read_image(tmp_path)


def test_slices_off_one_line_are_refused(tmp_path, write_slice):
    for place, aside in enumerate((0, 3, 0, 0)):
        write_slice(tmp_path / f"{place}.dcm", np.ones((3, 4)), (aside, 0, 2.0 * place))

    with pytest.raises(GeometryError, match="not lie on one line"):
        read_image(tmp_path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"SeriesInstanceUID": "1.2.3.5"}, "2 DICOM series mixed"),
        (
            {"ImageOrientationPatient": [0, 1, 0, 0, 0, 1]},
            "differs in size, orientation or spacing",
        ),
        ({"PixelSpacing": [1, 1]}, "differs in size, orientation or spacing"),
        ({"NumberOfFrames": 2}, "2 frames in one file"),
        ({"SamplesPerPixel": 3}, "colour picture"),
        ({"ImagePositionPatient": None}, "lacks ImagePositionPatient"),
    ],
)
def test_a_series_with_a_stranger_is_refused_by_name(tmp_path, write_slice, changes, reason):
    write_slice(tmp_path / "0.dcm", np.ones((3, 4)), (0, 0, 0))
    elements = {"ImagePositionPatient": [0, 0, 2], **changes}
    write_slice(tmp_path / "1.dcm", np.ones((3, 4)), (0, 0, 2), **elements)

    with pytest.raises(FileError, match=reason):
        read_image(tmp_path)


def test_an_impossible_spacing_is_refused(tmp_path, write_series):
    write_series(tmp_path / "a", PixelSpacing=[0, 1])

    with pytest.raises(GeometryError, match=r"spacing \(0\.0, 1\.0\)"):
        read_image(tmp_path / "a")


@pytest.mark.parametrize("content", [b"no DICOM at all" * 20, b"\0" * 128 + b"DICM" + b"\7" * 30])
def test_a_file_that_is_no_dicom_is_named(tmp_path, write_series, content):
    write_series(tmp_path / "a")
    (tmp_path / "a" / "b.dcm").write_bytes(content)

    with pytest.raises(FileError, match=r"b\.dcm is"):
        read_image(tmp_path / "a")


def test_pixels_that_are_cut_short_are_named(tmp_path, write_series):
    write_series(tmp_path / "a")
    file = tmp_path / "a" / "000.dcm"
    file.write_bytes(file.read_bytes()[:-9])

    with pytest.raises(FileError, match=r"000\.dcm is damaged"):
        _ = read_image(tmp_path / "a").array
