import nibabel as nib
import numpy as np
import pytest

from delineate.core.errors import FileError, GeometryError, LabelError
from delineate.readers import read_image, read_mask

AFFINE = np.array([[-2.0, 0, 0, 90], [0, 2.0, 0, -126], [0, 0, 3.0, -72], [0, 0, 0, 1]])


def saved(path, array, affine=AFFINE, **fields):
    nifti = nib.Nifti1Image(array, affine)
    nib.save(nifti, path)
    if fields:
        data = bytearray(path.read_bytes())
        header = nib.Nifti1Header(bytes(data[:348]), check=False)
        for name, value in fields.items():
            header[name] = value
        data[:348] = header.binaryblock
        path.write_bytes(bytes(data))
    return path


def test_axes_are_reversed_and_affine_columns_with_them(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)

    image = read_image(saved(tmp_path / "a.nii", array))

    assert np.array_equal(image.array[0], array.T)
    assert np.array_equal(image.geometry.affine, AFFINE[:, [2, 1, 0, 3]])
    assert image.notes == ()


def test_slope_and_intercept_are_applied(tmp_path):
    array = np.arange(8, dtype=np.int16).reshape(2, 2, 2)
    path = saved(tmp_path / "a.nii", array, scl_slope=2.0, scl_inter=-1024.0)

    image = read_image(path)

    assert np.array_equal(image.array[0], array.T * 2.0 - 1024)
    assert image.array.dtype == np.float32


def test_big_endian_numbers_come_in_native_order(tmp_path):
    array = np.arange(8, dtype=np.int16).reshape(2, 2, 2)
    header = nib.Nifti1Header(endianness=">")
    nib.save(nib.Nifti1Image(array, AFFINE, header), tmp_path / "a.nii")

    image = read_image(tmp_path / "a.nii")

    assert image.array.dtype.isnative
    assert np.array_equal(image.array[0], array.T)


def test_nifti_2_is_read(tmp_path):
    array = np.ones((2, 3, 4), np.float32)
    nib.save(nib.Nifti2Image(array, AFFINE), tmp_path / "a.nii.gz")

    image = read_image(tmp_path / "a.nii.gz")

    assert image.array.shape == (1, 4, 3, 2)


def test_a_trailing_axis_of_length_one_is_dropped(tmp_path):
    image = read_image(saved(tmp_path / "a.nii", np.ones((2, 3, 4, 1), np.float32)))

    assert image.array.shape == (1, 4, 3, 2)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 4, 1, 5)])
def test_a_fourth_axis_becomes_channels(tmp_path, shape):
    array = np.random.default_rng(0).random(shape).astype(np.float32)

    image = read_image(saved(tmp_path / "a.nii", array))

    assert image.channels == tuple(f"channel {place}" for place in range(5))
    assert np.array_equal(image.array[3], array[..., 3].reshape(2, 3, 4).T)


def test_colours_become_channels(tmp_path):
    array = np.zeros((2, 3, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    array["G"] = 7

    image = read_image(saved(tmp_path / "a.nii", array))

    assert image.channels == ("red", "green", "blue")
    assert image.array.reshape(3, -1).max(axis=1).tolist() == [0, 7, 0]


def test_a_flat_file_is_a_picture(tmp_path):
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)

    image = read_image(saved(tmp_path / "a.nii", array, np.diag([0.5, 0.25, 1, 1])))

    assert np.array_equal(image.array[0], array.T)
    assert image.geometry.spacing_mm == (0.25, 0.5)


def test_a_flat_file_in_space_stays_a_volume_of_one_slice(tmp_path):
    image = read_image(saved(tmp_path / "a.nii", np.zeros((2, 3), np.uint8)))

    assert image.array.shape == (1, 1, 3, 2)
    assert image.geometry.affine[2, 3] == -72


def test_the_sform_wins_over_a_qform_that_disagrees(tmp_path):
    nifti = nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), AFFINE)
    nifti.set_sform(AFFINE, code=1)
    nifti.set_qform(np.diag([2.0, 2, 3, 1]), code=1)
    nib.save(nifti, tmp_path / "a.nii.gz")

    image = read_image(tmp_path / "a.nii.gz")

    assert np.array_equal(image.geometry.affine, AFFINE[:, [2, 1, 0, 3]])
    assert "disagree by up to" in image.notes[0]


def test_the_qform_serves_where_the_sform_is_broken(tmp_path):
    nifti = nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), AFFINE)
    nifti.set_qform(AFFINE, code=1)
    nib.save(nifti, tmp_path / "b.nii")
    path = saved(tmp_path / "a.nii", np.zeros((4, 4, 4), np.uint8))
    data = bytearray((tmp_path / "b.nii").read_bytes())
    header = nib.Nifti1Header(bytes(data[:348]), check=False)
    header["srow_x"] = 0
    data[:348] = header.binaryblock
    path.write_bytes(bytes(data))

    image = read_image(path)

    assert np.allclose(image.geometry.affine, AFFINE[:, [2, 1, 0, 3]])
    assert "sform of a.nii is not invertible" in image.notes[0]


def test_without_sform_and_qform_the_spacing_is_taken_with_a_note(tmp_path):
    array = np.zeros((2, 3, 4), np.uint8)

    image = read_image(saved(tmp_path / "a.nii", array, sform_code=0, qform_code=0))

    assert image.geometry.spacing_mm == (3.0, 2.0, 2.0)
    assert "orientation and position are unknown" in image.notes[0]


def test_micrometres_become_millimetres(tmp_path):
    nifti = nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.diag([500.0, 500, 2000, 1]))
    nifti.header.set_xyzt_units("micron")
    nib.save(nifti, tmp_path / "a.nii")

    image = read_image(tmp_path / "a.nii")

    assert image.geometry.spacing_mm == pytest.approx((2.0, 0.5, 0.5))
    assert "not in millimetres" in image.notes[0]


@pytest.mark.parametrize("step", [0.0, -2.0, float("nan"), float("inf")])
def test_an_impossible_spacing_is_refused(tmp_path, step):
    pixdim = [1, 2.0, step, 3.0, 0, 0, 0, 0]
    path = saved(tmp_path / "a.nii", np.zeros((2, 3, 4), np.uint8), pixdim=pixdim)

    with pytest.raises(GeometryError, match=r"a\.nii has the spacing .* repair its header"):
        read_image(path)


def test_not_a_number_is_kept_for_a_later_check(tmp_path):
    array = np.full((2, 2, 2), np.nan, dtype=np.float32)

    image = read_image(saved(tmp_path / "a.nii", array))

    assert np.isnan(image.array).all()


def test_complex_numbers_are_refused(tmp_path):
    path = saved(tmp_path / "a.nii", np.zeros((2, 2, 2), np.complex64))

    with pytest.raises(FileError, match="complex"):
        read_image(path)


def test_a_time_series_of_channels_is_refused(tmp_path):
    path = saved(tmp_path / "a.nii", np.zeros((2, 2, 2, 3, 4), np.uint8))

    with pytest.raises(FileError, match="single volumes"):
        read_image(path)


def test_a_header_that_promises_too_much_is_refused(tmp_path):
    dim = [3, 30000, 30000, 30000, 1, 1, 1, 1]
    path = saved(tmp_path / "a.nii", np.zeros((2, 2, 2), np.uint8), dim=dim)

    with pytest.raises(FileError, match=r"a\.nii"):
        _ = read_image(path).array


@pytest.mark.parametrize(
    ("kind", "expected"), [(np.float32, np.uint8), (np.float64, np.uint8), (np.int64, np.uint8)]
)
def test_labels_that_are_stored_as_other_numbers_become_integers(tmp_path, kind, expected):
    array = np.array([0, 1, 2, 200], dtype=kind).reshape(1, 2, 2)
    nib.save(nib.Nifti1Image(array, AFFINE, dtype=kind), tmp_path / "a.nii")

    mask = read_mask(tmp_path / "a.nii")

    assert mask.array.dtype == expected
    assert np.array_equal(mask.array, array.T)


@pytest.mark.parametrize("value", [0.5, np.nan])
def test_labels_that_are_no_whole_numbers_are_refused(tmp_path, value):
    path = saved(tmp_path / "a.nii", np.array([0, 1, value, 2], np.float32).reshape(1, 2, 2))

    with pytest.raises(LabelError, match="no whole numbers"):
        _ = read_mask(path).array


def test_several_volumes_are_no_mask(tmp_path):
    path = saved(tmp_path / "a.nii", np.zeros((2, 2, 2, 3), np.uint8))

    with pytest.raises(LabelError, match="3 volumes"):
        read_mask(path)
