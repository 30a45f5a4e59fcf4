"""DICOM series as images, with ITK as the independent judge of those that it reads rightly."""

import zipfile

import numpy as np
import pytest

from delineate.core.errors import FileError, SeriesError
from delineate.readers import READERS, read_image, read_mask

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
    values = sitk.GetArrayFromImage(judge)
    values = np.where(values <= -2000.0, -1024, values)  # padding around the field of view is air
    assert np.allclose(image.array[0], values, rtol=1e-5)


@pytest.mark.parametrize(
    ("series", "code"),
    [
        ("dicom_cases/dicom2nifti/failing/notavolume/001", "AMBIGUOUS_POSITION"),
        ("dicom_cases/dicom2nifti/generic/rgb/001", "COLOUR"),
        ("dicom_cases/dcm_qa_enh/In/Siemens/XA10", "4 volumes where one was expected"),
        ("dicom_rtstruct/rt_utils/oriented_data", "3 volumes where one was expected"),
        ("dicom_seg/dcmqi", "volumes where one was expected"),
    ],
)
def test_real_series_that_are_no_volume_are_refused(shared_data, series, code):
    with pytest.raises(SeriesError, match=code):
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
    with pytest.raises(FileError, match="No such file"):
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


def test_labels_stored_as_dicom_are_integers(tmp_path, write_series):
    write_series(tmp_path / "a", RescaleIntercept=-1000)

    assert read_mask(tmp_path / "a").array.max() == 59


def test_labels_are_never_interpolated(tmp_path, write_slice):
    for place in (0, 1, 2, 4, 5, 6):
        array = np.full((3, 4), 1024 + place)
        write_slice(tmp_path / f"{place}.dcm", array, (0, 0, 2.0 * place))

    mask = read_mask(tmp_path)

    assert mask.array[:, 0, 0].tolist() == [0, 1, 2, 2, 4, 5, 6]


def test_what_was_found_stands_in_the_notes(tmp_path, write_slice):
    for place in (0, 1, 2, 4, 5, 6):
        write_slice(tmp_path / f"{place}.dcm", np.ones((3, 4)), (0, 0, 2.0 * place))
    (tmp_path / "b.dcm").write_bytes(b"no DICOM at all" * 20)
    write_slice(
        tmp_path / "c.dcm", np.ones((3, 4)), (0, 0, 0), SeriesInstanceUID="1.5", PixelSpacing=[0, 1]
    )

    notes = read_image(tmp_path).notes

    assert [note.split(":")[0] for note in notes] == ["NOT_DICOM", "GAP", "BAD_GEOMETRY"]
    assert "b.dcm" in notes[0]
    assert "series 1.5 was left out" in notes[2]


def test_slices_off_one_line_are_refused(tmp_path, write_slice):
    for place, aside in enumerate((0, 3, 0, 0)):
        write_slice(tmp_path / f"{place}.dcm", np.ones((3, 4)), (aside, 0, 2.0 * place))

    with pytest.raises(SeriesError, match=r"OFF_LINE: A slice lies 2\.79 mm beside"):
        read_image(tmp_path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"SeriesInstanceUID": "1.2.3.5"}, "2 volumes where one was expected"),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, 1]}, "LOCALIZER"),
        ({"PixelSpacing": [1, 1]}, "MIXED_SIZES"),
        ({"PixelSpacing": [0, 1]}, "BAD_GEOMETRY"),
    ],
)
def test_two_slices_that_are_no_stack_are_refused(tmp_path, write_slice, changes, reason):
    write_slice(tmp_path / "0.dcm", np.ones((3, 4)), (0, 0, 0))
    write_slice(tmp_path / "1.dcm", np.ones((3, 4)), (0, 0, 2), **changes)

    with pytest.raises(SeriesError, match=reason):
        read_image(tmp_path)


def test_a_folder_without_slices_says_so(tmp_path):
    (tmp_path / "a.txt").write_text("nothing")

    with pytest.raises(SeriesError, match="holds no DICOM images"):
        read_image(tmp_path)


def test_a_file_that_changed_since_is_named(tmp_path, write_series):
    write_series(tmp_path / "a")
    image = read_image(tmp_path / "a")
    file = tmp_path / "a" / "000.dcm"
    file.write_bytes(file.read_bytes()[:-9])

    with pytest.raises(FileError, match=r"000\.dcm is damaged"):
        _ = image.array


def test_only_zips_that_hold_slices_are_taken(tmp_path, write_series):
    write_series(tmp_path / "a")
    for name, file in (("a.zip", next((tmp_path / "a").iterdir())), ("b.zip", tmp_path / "b.txt")):
        (tmp_path / "b.txt").write_text("no slice")
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.write(file, file.name)
    (tmp_path / "c.zip").write_bytes(b"no zip")

    answers = [READERS["dicom"].can_read(tmp_path / f"{name}.zip") for name in "abc"]

    assert answers == [True, False, False]
