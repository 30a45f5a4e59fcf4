"""The 25 hard inputs of hospitals: each ends as it should, by a code that programs can rely on.

The number in the name of a test is the row of the table in docs/dicom.md.
"""

import io
import os
import shutil
import zipfile
import zlib

import numpy as np
import PIL.Image
import pydicom
import pytest
from scipy.ndimage import binary_dilation, binary_erosion
from tests.readers.dicom_cases import (
    AXIAL,
    CORONAL,
    FLIPPED,
    OBLIQUE,
    SAGITTAL,
    SHAPE,
    SPACING,
    STEP,
    common,
    ct_slice,
    dataset_of,
    enhanced,
    even,
    place_along,
    worst_error,
    write,
    write_stack,
)

from delineate.readers import read_studies


def one(folder):
    """The only volume below a folder."""
    (volume,) = read_studies(folder).volumes
    return volume


def found(volume, code):
    return next(entry for entry in volume.report.findings if entry.code == code)


def label_of_each_slice(volume):
    """A mask on the grid whose value at each voxel is the height of its plane, back on slices."""
    grid = volume.image.geometry
    mask = np.zeros(grid.shape, dtype=np.uint8)
    mask[:] = np.arange(1, grid.shape[0] + 1, dtype=np.uint8)[:, None, None]
    return volume.series.to_planes(mask)


# 1 missing slices


def test_01_missing_slices_are_filled_for_the_model_and_never_written_on(tmp_path):
    heights = [height for place, height in enumerate(even(20)) if place not in (7, 8)]
    uids = write_stack(tmp_path, heights)

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("repaired", ("GAP",))
    assert found(volume, "GAP").sop_uids == (uids[6], uids[7])
    assert "28.00 to 37.00 mm" in found(volume, "GAP").sentence
    assert volume.image.geometry.shape == (20, *SHAPE)
    assert worst_error(volume) <= 0.5
    assert len(volume.series.slices) == 18
    assert label_of_each_slice(volume)[:, 0, 0].tolist() == [*range(1, 8), *range(10, 21)]


@pytest.mark.parametrize("absent", [range(4, 15), range(3, 9)])
def test_01_too_much_missing_is_refused(tmp_path, absent):
    write_stack(tmp_path, [height for place, height in enumerate(even(20)) if place not in absent])

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("refused", ("GAP",))
    assert volume.image is None


# 2 copies


def test_02_copies_of_an_instance_are_counted_once(tmp_path):
    write_stack(tmp_path, even())
    shutil.copy(tmp_path / "004.dcm", tmp_path / "again.dcm")

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("accepted", ("DUPLICATE",))
    assert "1 instances came again" in found(volume, "DUPLICATE").sentence
    assert worst_error(volume) == 0
    assert volume.report.num_slices == 10


def test_02_copies_with_other_pixels_under_one_uid_are_refused(tmp_path):
    write_stack(tmp_path, even())
    dataset = pydicom.dcmread(tmp_path / "004.dcm")
    dataset.PixelData = bytes(len(dataset.PixelData))
    write(dataset, tmp_path / "again.dcm")

    volume = one(tmp_path)

    assert volume.report.verdict == "refused"
    assert found(volume, "CONFLICTING_COPIES").sop_uids == (dataset.SOPInstanceUID,)


def test_02_copies_under_new_uids_are_counted_once(tmp_path):
    write_stack(tmp_path / "a", even())
    write_stack(tmp_path / "b", even())

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("accepted", ("DUPLICATE",))
    assert worst_error(volume) == 0


# 3 two instances at one position


def test_03_slices_at_one_place_that_nothing_tells_apart_are_refused(tmp_path):
    uids = write_stack(tmp_path, even())
    other = ct_slice(place_along(AXIAL, 3 * STEP), RescaleIntercept=-1000)
    other.PixelData = bytes(len(other.PixelData))
    write(other, tmp_path / "other.dcm")

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("refused", ("AMBIGUOUS_POSITION",))
    assert set(found(volume, "AMBIGUOUS_POSITION").sop_uids) == {uids[3], other.SOPInstanceUID}


def test_03_slices_at_one_place_of_two_acquisitions_are_parted(tmp_path):
    write_stack(tmp_path / "a", even())
    write_stack(tmp_path / "b", even(), AcquisitionNumber=2, RescaleIntercept=-1000)

    volumes = read_studies(tmp_path).volumes

    assert [volume.report.volume for volume in volumes] == [
        "AcquisitionNumber 1",
        "AcquisitionNumber 2",
    ]
    assert [worst_error(volume) for volume in volumes] == [0, 24]


# 4 gantry tilt


@pytest.mark.parametrize("lean", [(0, np.tan(np.radians(14)), 0), (0.2, -0.3, 0)])
def test_04_a_tilted_stack_is_made_upright_and_masks_go_back_slice_by_slice(tmp_path, lean):
    write_stack(tmp_path, even(), lean=lean)

    volume = one(tmp_path)
    grid, series = volume.image.geometry, volume.series

    assert (volume.report.verdict, volume.report.codes) == ("repaired", ("TILT",))
    steps = grid.affine[:3, :3] / np.asarray(grid.spacing_mm)
    assert np.allclose(steps.T @ steps, np.eye(3), atol=1e-9)
    inside = series.to_regular(np.ones((10, *SHAPE), dtype=bool))
    beside = ~binary_dilation(inside, np.ones((1, 3, 3)))
    assert np.unique(volume.image.array[0][beside]).tolist() in ([], [-1024])
    inside = binary_erosion(inside, np.ones((1, 3, 3)))  # beyond the edge there is nothing to use
    world = np.argwhere(inside) @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    expected = (world * (-1, -1, 1)) @ [2.0, 3.0, 5.0]
    assert (
        np.abs(volume.image.array[0][inside] - expected).max() <= 1
    )  # at two interpolations of half a unit
    y = np.arange(grid.shape[1])[None, :, None] * np.ones(grid.shape, dtype=int)
    rows = np.array([entry.affine[1, 2] for entry in series.slices])  # y of each slice's corner
    back = series.to_planes(y)[:, 0, 5]
    corner = grid.affine[1, 3] * -1 + back * SPACING[0]
    assert np.abs(corner - rows).max() <= SPACING[0] / 2 + 1e-6


# 5 varying spacing


def test_05_slices_that_change_their_distance_are_resampled_along_the_normal(tmp_path):
    heights = [0, 3, 6, 9, 12, 15, 20, 25, 30, 35]
    write_stack(tmp_path, heights)

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("repaired", ("VARIABLE_SPACING",))
    assert volume.image.geometry.spacing_mm[0] == pytest.approx(3.0)
    assert worst_error(volume, last=11) <= 0.5  # the twelfth plane lies behind the last slice
    nearest = [int(np.floor(height / 3 + 0.5)) + 1 for height in heights]
    assert label_of_each_slice(volume)[:, 0, 0].tolist() == nearest


# 6 jitter


def test_06_jitter_below_the_tolerance_is_accepted(tmp_path):
    noise = np.random.default_rng(0).uniform(-0.04, 0.04, 10)
    write_stack(tmp_path, np.array(even()) + noise)

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("accepted", ())
    assert volume.series.is_plain
    assert volume.image.geometry.spacing_mm[0] == pytest.approx(3.0, abs=0.01)


# 7 orientations


@pytest.mark.parametrize("orientation", [AXIAL, CORONAL, SAGITTAL, OBLIQUE, FLIPPED])
def test_07_any_orientation_keeps_its_own_geometry_whatever_the_names_say(tmp_path, orientation):
    heights = even()[::-1]  # names and instance numbers run against the normal
    write_stack(tmp_path, heights, orientation=orientation)

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("accepted", ())
    assert volume.image.geometry.spacing_mm == pytest.approx((STEP, *SPACING))
    assert worst_error(volume) <= 0.5 + 1e-6


def test_07_instance_numbers_slice_locations_and_names_are_not_believed(tmp_path):
    order = np.random.default_rng(1).permutation(10)
    for place, height in enumerate(even()):
        dataset = ct_slice(
            place_along(AXIAL, height),
            InstanceNumber=int(order[place]),
            SliceLocation=float(-order[place]),
        )
        write(dataset, tmp_path / f"IM{order[::-1][place]}")

    volume = one(tmp_path)

    assert volume.report.verdict == "accepted"
    assert worst_error(volume) == 0


# 8 localizer


@pytest.mark.parametrize("is_marked", [True, False])
def test_08_a_scout_in_the_series_is_left_out_and_named(tmp_path, is_marked):
    write_stack(tmp_path, even())
    words = ["ORIGINAL", "PRIMARY", "LOCALIZER" if is_marked else "OTHER"]
    scout = ct_slice((0, 0, 0), orientation=CORONAL, ImageType=words)
    write(scout, tmp_path / "scout.dcm")

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("repaired", ("LOCALIZER",))
    assert found(volume, "LOCALIZER").sop_uids == (scout.SOPInstanceUID,)
    assert worst_error(volume) == 0


def test_08_a_series_of_scouts_is_refused(tmp_path):
    for place, orientation in enumerate((AXIAL, CORONAL, SAGITTAL)):
        write(ct_slice((0, 0, 0), orientation=orientation), tmp_path / f"{place}.dcm")

    assert one(tmp_path).report.codes == ("LOCALIZER",)
    assert one(tmp_path).report.verdict == "refused"


# 9 mixed sizes


@pytest.mark.parametrize("change", [{"shape": (12, 20)}, {"spacing": (1.0, 1.0)}])
def test_09_the_largest_group_of_one_size_is_kept_and_the_rest_named(tmp_path, change):
    write_stack(tmp_path, even())
    other = ct_slice(place_along(AXIAL, 10 * STEP), **change)
    write(other, tmp_path / "other.dcm")

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("repaired", ("MIXED_SIZES",))
    assert found(volume, "MIXED_SIZES").sop_uids == (other.SOPInstanceUID,)
    assert volume.image.geometry.shape == (10, *SHAPE)
    assert worst_error(volume) == 0


# 10 phases and echoes


@pytest.mark.parametrize(
    "words",
    [
        ({"TemporalPositionIdentifier": 1}, {"TemporalPositionIdentifier": 2}),
        ({"EchoTime": 4.92}, {"EchoTime": 9.84}),
        ({"ContentTime": "101700"}, {"ContentTime": "101800"}),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M"]}, {"ImageType": ["ORIGINAL", "PRIMARY", "P"]}),
    ],
)
def test_10_phases_become_volumes_and_are_never_interleaved(tmp_path, words):
    for place, word in enumerate(words):
        write_stack(tmp_path / str(place), even(), **word, RescaleIntercept=-1024 + 7 * place)

    studies = read_studies(tmp_path)

    assert [volume.report.codes for volume in studies.volumes] == [("MULTI_PHASE",)] * 2
    assert [worst_error(volume) for volume in studies.volumes] == [0, 7]
    assert [volume.report.num_slices for volume in studies.volumes] == [10, 10]


def test_10_echoes_at_several_times_are_parted_by_both(tmp_path):
    for echo in (1, 2):
        for time in (1, 2, 3):
            words = {"EchoTime": 5.0 * echo, "TemporalPositionIdentifier": time}
            value = -1024 + 10 * echo + time
            write_stack(tmp_path / f"{echo}{time}", even(4), RescaleIntercept=value, **words)

    volumes = read_studies(tmp_path).volumes

    assert sorted(worst_error(volume) for volume in volumes) == [11, 12, 13, 21, 22, 23]


# 11 no geometry


@pytest.mark.parametrize(
    "name", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"]
)
def test_11_a_series_that_does_not_say_where_it_lies_is_refused(tmp_path, name):
    write_stack(tmp_path, even(), **{name: None}) if name != "ImagePositionPatient" else None
    if name == "ImagePositionPatient":
        for place, height in enumerate(even()):
            dataset = ct_slice(place_along(AXIAL, height), ImagePositionPatient=None)
            write(dataset, tmp_path / f"{place}.dcm")

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("refused", ("NO_GEOMETRY",))
    assert len(found(volume, "NO_GEOMETRY").sop_uids) == 10


# 12 enhanced


@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE])
def test_12_an_enhanced_file_gives_what_the_classic_ones_give(tmp_path, orientation):
    write_stack(tmp_path / "classic", even(), orientation=orientation)
    positions = [place_along(orientation, height) for height in even()[::-1]]
    write(enhanced(positions, orientation=orientation), tmp_path / "enhanced" / "a.dcm")

    classic, frames = one(tmp_path / "classic"), one(tmp_path / "enhanced")

    assert frames.report.verdict == "accepted"
    assert np.array_equal(classic.image.array, frames.image.array)
    assert classic.image.geometry.agrees_with(frames.image.geometry, tolerance_mm=1e-6)
    assert [entry.frame for entry in frames.series.slices] == list(range(10, 0, -1))
    assert {entry.frame for entry in classic.series.slices} == {None}


def test_12_times_of_an_enhanced_file_become_volumes(tmp_path):
    positions = [place_along(AXIAL, height) for height in even(6)]
    write(enhanced(positions, times=(1, 2, 3)), tmp_path / "a.dcm")

    volumes = read_studies(tmp_path).volumes

    assert [worst_error(volume) for volume in volumes] == [0, 10, 20]


# 13 rescale and padding


def test_13_slope_and_intercept_of_each_slice_are_applied(tmp_path):
    for place, height in enumerate(even()):
        dataset = ct_slice(place_along(AXIAL, height))
        slope = 0.5 + 0.1 * place
        values = np.frombuffer(dataset.PixelData, np.uint16).astype(float) - 1024
        dataset.PixelData = np.rint((values + 2000) / slope).astype(np.uint16).tobytes()
        dataset.RescaleSlope, dataset.RescaleIntercept = slope, -2000
        dataset.BitsStored, dataset.HighBit = 16, 15
        write(dataset, tmp_path / f"{place}.dcm")

    volume = one(tmp_path)

    assert volume.image.array.dtype == np.float32
    assert worst_error(volume) <= 0.71  # half of the largest slope


def test_13_a_missing_slope_is_taken_as_one_and_said(tmp_path):
    write_stack(tmp_path, even(), RescaleSlope=None)

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("accepted", ("NO_RESCALE",))
    assert worst_error(volume) == 0


def test_13_signed_pixels_keep_their_sign(tmp_path):
    for place, height in enumerate(even()):
        dataset = ct_slice(place_along(AXIAL, height), PixelRepresentation=1, RescaleIntercept=0)
        values = np.frombuffer(dataset.PixelData, np.uint16).astype(np.int16) - 1024
        dataset.PixelData = (values & 0x0FFF).astype(np.uint16).tobytes()  # 12 bits, others clear
        write(dataset, tmp_path / f"{place}.dcm")

    assert worst_error(one(tmp_path)) == 0


@pytest.mark.parametrize("padding", [63536, -2000])
def test_13_padding_becomes_air_whatever_its_type_in_the_header(tmp_path, padding):
    for place, height in enumerate(even()):
        words = {"PixelRepresentation": 1, "BitsStored": 16, "HighBit": 15, "RescaleIntercept": 0}
        dataset = ct_slice(place_along(AXIAL, height), **words)
        values = np.frombuffer(dataset.PixelData, np.uint16).astype(np.int16).reshape(SHAPE) - 1024
        values[:3] = -2000
        dataset.PixelData = values.tobytes()
        kind = "US" if padding > 0 else "SS"
        dataset.add_new("PixelPaddingValue", kind, padding)
        write(dataset, tmp_path / f"{place}.dcm")

    array = one(tmp_path).image.array[0]

    assert np.unique(array[:, :3]).tolist() == [-1024]
    assert array[:, 3:].min() > -1024


# 14 photometric


def test_14_monochrome1_is_never_inverted_in_hounsfield_units(tmp_path):
    write_stack(tmp_path, even(), PhotometricInterpretation="MONOCHROME1")

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("accepted", ("MONOCHROME1",))
    assert worst_error(volume) == 0


@pytest.mark.parametrize("kind", ["RGB", "YBR_FULL", "PALETTE COLOR"])
def test_14_colour_is_refused(tmp_path, kind):
    samples = 1 if kind.startswith("PALETTE") else 3
    for place, height in enumerate(even(4)):
        dataset = ct_slice(place_along(AXIAL, height), PhotometricInterpretation=kind)
        dataset.SamplesPerPixel = samples
        dataset.PixelData *= samples
        write(dataset, tmp_path / f"{place}.dcm")

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("refused", ("COLOUR",))


# 15 compressed


def compressed_by_pydicom(dataset, syntax):
    dataset.compress(syntax, generate_instance_uid=False)
    return dataset


def compressed_by(encode, syntax):
    def compress(dataset):
        stored = np.frombuffer(dataset.PixelData, np.uint16).reshape(dataset.Rows, -1)
        dataset.PixelData = pydicom.encaps.encapsulate([encode(stored)])
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
        return dataset

    return compress


@pytest.mark.parametrize(
    ("syntax", "by"),
    [
        ("1.2.840.10008.1.2.5", "pydicom"),
        ("1.2.840.10008.1.2.4.80", "pydicom"),
        ("1.2.840.10008.1.2.4.90", "pydicom"),
        ("1.2.840.10008.1.2.4.57", "ljpeg"),
        ("1.2.840.10008.1.2.4.70", "ljpeg"),
        ("1.2.840.10008.1.2.4.201", "htj2k"),
        ("1.2.840.10008.1.2.1.99", "none"),
    ],
)
def test_15_compressed_slices_give_the_values_of_plain_ones(tmp_path, syntax, by):
    codecs = pytest.importorskip("imagecodecs") if by in ("ljpeg", "htj2k") else None
    for place, height in enumerate(even(4)):
        dataset = ct_slice(place_along(AXIAL, height), shape=(64, 48))
        if by == "pydicom":
            dataset.compress(pydicom.uid.UID(syntax), generate_instance_uid=False)
        elif by == "none":
            dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
        else:
            encode = codecs.htj2k_encode if by == "htj2k" else codecs.ljpeg_encode
            dataset = compressed_by(encode, syntax)(dataset)
        write(dataset, tmp_path / f"{place}.dcm")

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("accepted", ())
    assert worst_error(volume) == 0


def test_15_lossy_jpeg_is_read_and_said_to_be_lossy(tmp_path):
    for place, height in enumerate(even(4)):
        dataset = ct_slice(place_along(AXIAL, height), shape=(64, 48), RescaleIntercept=0)
        stored = np.frombuffer(dataset.PixelData, np.uint16).reshape(64, 48) // 16
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        packed = io.BytesIO()
        PIL.Image.fromarray(stored.astype(np.uint8)).save(packed, "JPEG", quality=100)
        dataset.PixelData = pydicom.encaps.encapsulate([packed.getvalue()])
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEGBaseline8Bit
        dataset.LossyImageCompression = "01"
        dataset.RescaleSlope, dataset.RescaleIntercept = 16, -1024
        write(dataset, tmp_path / f"{place}.dcm")

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("accepted", ("LOSSY",))
    assert worst_error(volume) <= 4 * 16


def test_15_jpeg_of_12_bits_is_read(tmp_path):
    import imagecodecs

    source = pydicom.dcmread(pydicom.data.get_testdata_file("JPGExtended.dcm"))
    source.ImagePositionPatient, source.ImageOrientationPatient = [0, 0, 0], list(AXIAL)
    source.PixelSpacing = [1, 1]
    source.save_as(tmp_path / "a.dcm")
    packed = pydicom.encaps.get_frame(source.PixelData, 0, number_of_frames=1)

    volume = one(tmp_path)

    assert volume.report.verdict == "accepted"
    assert "LOSSY" in volume.report.codes
    truth = imagecodecs.jpeg8_decode(packed)
    assert truth.max() > 255
    assert np.array_equal(volume.planes()[0], truth)


def test_15_jpeg_that_says_to_have_more_than_12_bits_is_refused_by_its_name(tmp_path):
    source = pydicom.dcmread(pydicom.data.get_testdata_file("JPGExtended.dcm"))
    source.ImagePositionPatient, source.ImageOrientationPatient = [0, 0, 0], list(AXIAL)
    source.PixelSpacing = [1, 1]
    source.BitsStored, source.HighBit = 16, 15
    source.save_as(tmp_path / "a.dcm")

    volume = one(tmp_path)

    assert volume.report.verdict == "refused"
    assert "JPEG Extended" in found(volume, "UNKNOWN_SYNTAX").sentence
    assert "16 bits" in found(volume, "UNKNOWN_SYNTAX").sentence


def test_15_an_unknown_compression_is_refused_by_its_name(tmp_path):
    for place, height in enumerate(even(4)):
        dataset = compressed_by(lambda array: b"\1" * 20, "1.2.840.10008.1.2.4.100")(
            ct_slice(place_along(AXIAL, height))
        )
        write(dataset, tmp_path / f"{place}.dcm")

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("refused", ("UNKNOWN_SYNTAX",))
    assert "MPEG2 Main Profile" in found(volume, "UNKNOWN_SYNTAX").sentence


# 16 odd encodings


@pytest.mark.parametrize("kind", ["big", "implicit", "bare", "bare implicit", "bare big"])
def test_16_big_endian_implicit_and_bare_files_are_read(tmp_path, kind):
    for place, height in enumerate(even(4)):
        dataset = ct_slice(place_along(AXIAL, height))
        is_big, is_implicit = "big" in kind, "implicit" in kind
        if is_big:
            stored = np.frombuffer(dataset.PixelData, np.uint16)
            dataset.PixelData = stored.astype(">u2").tobytes()
        syntax = "1.2.840.10008.1.2" + (".2" if is_big else "" if is_implicit else ".1")
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
        if kind.startswith("bare"):
            bare = pydicom.Dataset(dataset)
            pydicom.dcmwrite(
                tmp_path / f"{place}",
                bare,
                implicit_vr=is_implicit,
                little_endian=not is_big,
            )
        else:
            write(dataset, tmp_path / f"{place}.dcm")

    volume = one(tmp_path)

    assert volume.report.verdict == "accepted"
    assert worst_error(volume) == 0


def test_16_what_only_calls_itself_dicom_is_named(tmp_path):
    write_stack(tmp_path, even())
    (tmp_path / "notes.dcm").write_bytes(b"no DICOM at all" * 20)

    studies = read_studies(tmp_path)

    assert [finding.code for finding in studies.findings] == ["NOT_DICOM"]
    assert studies.findings[0].files == ("notes.dcm",)
    assert worst_error(studies.only()) == 0


# 17 damaged files


@pytest.mark.parametrize(("left", "code"), [(0.5, "DAMAGED_FILE"), (0.95, "TRUNCATED")])
def test_17_a_file_that_was_cut_short_is_named_and_its_series_refused(tmp_path, left, code):
    uids = write_stack(tmp_path, even())
    file = tmp_path / "003.dcm"
    data = file.read_bytes()
    file.write_bytes(data[: int(left * len(data))])

    studies = read_studies(tmp_path)

    (volume,) = studies.volumes
    assert (volume.report.verdict, volume.report.codes) == ("refused", (code,))
    assert found(volume, code).sop_uids == (uids[3],)
    assert "003.dcm" in found(volume, code).sentence


def test_17_a_header_cut_short_and_random_bytes_are_named(tmp_path):
    write_stack(tmp_path, even())
    head = (tmp_path / "003.dcm").read_bytes()
    (tmp_path / "x1.dcm").write_bytes(head[:200])
    (tmp_path / "x2").write_bytes(b"\0" * 128 + b"DICM" + os.urandom(500))

    studies = read_studies(tmp_path)

    assert {finding.code for finding in studies.findings} == {"DAMAGED_FILE"}
    assert {name for finding in studies.findings for name in finding.files} == {"x1.dcm", "x2"}


# 18 bombs


@pytest.mark.parametrize(
    "change", [{"Rows": 65535, "Columns": 65535}, {"NumberOfFrames": 90_000}, {"Rows": 0}]
)
def test_18_more_pixels_than_a_file_can_hold_are_refused_before_memory_is_taken(tmp_path, change):
    for place, height in enumerate(even(4)):
        dataset = ct_slice(place_along(AXIAL, height))
        dataset.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
        for name, value in change.items():
            setattr(dataset, name, value)
        write(dataset, tmp_path / f"{place}.dcm")

    volume = one(tmp_path)

    assert volume.report.verdict == "refused"
    assert volume.report.codes[0] in ("TOO_LARGE", "NO_GEOMETRY")


def test_18_a_small_file_that_inflates_to_gigabytes_is_ended_by_its_limits(tmp_path):
    uids = write_stack(tmp_path, even())
    head = (tmp_path / "000.dcm").read_bytes()
    body = head.index(b"\x08\x00\x05\x00" if b"\x08\x00\x05\x00" in head else b"\x08\x00\x08\x00")
    dataset = ct_slice(place_along(AXIAL, 0))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    write(dataset, tmp_path / "bomb.dcm")
    packed = (tmp_path / "bomb.dcm").read_bytes()
    meta = packed[: 144 + int.from_bytes(packed[140:144], "little")]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    start = packer.compress(head[body:]) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(2**26)) + packer.flush(zlib.Z_FULL_FLUSH)
    (tmp_path / "bomb.dcm").write_bytes(meta + start + 26 * block + packer.flush())

    studies = read_studies(tmp_path)

    assert [finding.files for finding in studies.findings] == [("bomb.dcm",)]
    assert studies.findings[0].code == "DAMAGED_FILE"
    assert [entry.sop_uid for entry in studies.only().series.slices] == uids


# 19 where files lie


def test_19_folders_zips_and_files_without_endings_are_found_and_others_counted(tmp_path):
    folder = tmp_path / "study"
    write_stack(folder / "a" / "b", even()[:5], name="IM{:03d}")
    write_stack(folder / "c", even()[5:])
    for file in (folder / "a" / "b").iterdir():
        file.rename(file.with_suffix(""))
    (folder / "readme.txt").write_text("not a slice")
    (folder / "c" / ".hidden").write_bytes(b"x")
    archive = tmp_path / "study.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                packed.write(file, file.relative_to(folder))

    for place in (folder, archive):
        studies = read_studies(place)

        assert studies.ignored == {"hidden": 1, "no DICOM": 1}
        assert worst_error(studies.only()) == 0
        assert len(studies.only().series.slices) == 10


def test_19_a_zip_that_points_outside_writes_nothing(tmp_path):
    slices = tmp_path / "in"
    write_stack(slices, even(4))
    archive = tmp_path / "deep" / "study.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as packed:
        for place, file in enumerate(sorted(slices.iterdir())):
            packed.write(file, f"../../../evil{place}.dcm")
    before = sorted(path for path in tmp_path.rglob("*"))

    volume = read_studies(archive).only()

    assert worst_error(volume) == 0
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_19_an_index_leads_to_its_files_and_never_out_of_its_folder(tmp_path):
    disc = tmp_path / "disc"
    uids = write_stack(disc / "IMAGES", even(), name="IM{:03d}")
    for file in (disc / "IMAGES").iterdir():
        file.rename(file.with_suffix(""))
    shutil.copy(disc / "IMAGES" / "IM000", tmp_path / "SECRET")
    records = []
    names = [["IMAGES", f"IM{place:03d}"] for place in range(10)]
    for name in [*names, ["..", "SECRET"], ["IMAGES", "GONE"]]:
        record = pydicom.Dataset()
        record.DirectoryRecordType = "IMAGE"
        record["ReferencedFileID"] = pydicom.DataElement(
            "ReferencedFileID", "CS", name, validation_mode=pydicom.config.IGNORE
        )
        records.append(record)
    elements = common(SOPClassUID="1.2.840.10008.1.3.10", DirectoryRecordSequence=records)
    write(dataset_of(elements, None), disc / "DICOMDIR")

    studies = read_studies(disc / "DICOMDIR")

    (missing,) = studies.findings
    assert missing.code == "MISSING_FILE"
    assert set(missing.files) == {"../SECRET", "IMAGES/GONE"}
    assert [entry.sop_uid for entry in studies.only().series.slices] == uids
    assert read_studies(disc).ignored == {"index": 1}


# 20 other objects


def test_20_other_objects_of_the_study_are_counted_and_ignored(tmp_path):
    write_stack(tmp_path, even())
    classes = {"66.4": "SEG", "88.33": "SR", "11.1": "presentation state", "88.59": "key objects"}
    classes |= {"481.3": "RTSTRUCT", "481.2": "RT dose"}
    for place, kind in enumerate(classes):
        dataset = ct_slice((0, 0, 0), SOPClassUID=f"1.2.840.10008.5.1.4.1.1.{kind}")
        write(dataset, tmp_path / f"other{place}.dcm")

    studies = read_studies(tmp_path)

    assert studies.ignored == dict.fromkeys(classes.values(), 1)
    assert worst_error(studies.only()) == 0


# 21 own output


def test_21_own_output_that_returns_is_ignored(tmp_path):
    write_stack(tmp_path, even())
    write(ct_slice(place_along(AXIAL, 3), ManufacturerModelName="Delineate"), tmp_path / "own.dcm")

    studies = read_studies(tmp_path)

    assert studies.ignored == {"own output": 1}
    assert worst_error(studies.only()) == 0


# 22 identities


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "M\xfcller^J\xf6rg".encode("latin-1")),
        ("ISO_IR 192", "Müller^Jörg".encode()),
        (None, "Müller^Jörg".encode()),
        ("GB18030", "王^小东".encode("gb18030")),
        (["", "ISO 2022 IR 87"], b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"),
    ],
)
def test_22_text_survives_byte_by_byte(tmp_path, charset, name):
    name = name + b" " * (len(name) % 2)
    for place, height in enumerate(even(4)):
        dataset = ct_slice(place_along(AXIAL, height), PatientName="X" * len(name))
        if charset is not None:
            dataset.SpecificCharacterSet = charset
        file = write(dataset, tmp_path / f"{place}.dcm")
        file.write_bytes(file.read_bytes().replace(b"X" * len(name), name))

    series = one(tmp_path).series
    header = series.header(series.slices[0])
    copy = pydicom.Dataset()
    for tag in ("SpecificCharacterSet", "PatientName"):
        if tag in header:
            copy[tag] = header.get_item(tag)
    pydicom.dcmwrite(tmp_path / "copy", copy, implicit_vr=False, little_endian=True)

    assert name in (tmp_path / "copy").read_bytes()


def test_22_absent_identity_is_no_reason_to_refuse(tmp_path):
    gone = ("PatientID", "AccessionNumber", "StudyDate", "PatientName", "PatientBirthDate")
    write_stack(tmp_path, even(), **dict.fromkeys(gone))

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("accepted", ())
    assert worst_error(volume) == 0


# 23 patients and studies


@pytest.mark.parametrize("change", [{"PatientID": "P-0002"}, {"StudyInstanceUID": "1.2.3.9"}])
def test_23_two_patients_or_studies_are_never_mixed(tmp_path, change):
    write_stack(tmp_path, even()[:5])
    write_stack(tmp_path / "other", even()[5:], **change)

    studies = read_studies(tmp_path)

    assert [finding.code for finding in studies.findings] == ["SEVERAL_STUDIES"]
    assert [volume.report.num_slices for volume in studies.volumes] == [5, 5]
    assert len({(volume.patient, volume.report.study_uid) for volume in studies.volumes}) == 2


def test_23_names_and_numbers_of_patients_are_in_no_message(tmp_path, caplog):
    write_stack(tmp_path / "a", even()[:5])
    write_stack(tmp_path / "b", even()[5:], PatientID="P-0002", PatientName="Roe^Richard")
    write(ct_slice((0, 0, 0), PixelSpacing=[0, 1]), tmp_path / "c.dcm")

    told = str(read_studies(tmp_path).to_dict()) + caplog.text

    assert not any(word in told for word in ("Doe", "Roe", "P-000", "19500101"))


# 24 scope


def test_24_another_modality_and_few_slices_are_marked_and_memory_stays_bounded(tmp_path):
    write_stack(tmp_path / "a", even(2), Modality="NM", SeriesInstanceUID="1.2.3.1")
    write_stack(tmp_path / "b", even(2), SeriesInstanceUID="1.2.3.2")
    write_stack(tmp_path / "c", even(1), SeriesInstanceUID="1.2.3.3")

    reports = [volume.report for volume in read_studies(tmp_path).volumes]

    assert [report.codes for report in reports] == [("OUT_OF_SCOPE",), (), ("ONE_SLICE",)]
    assert [report.verdict for report in reports] == ["accepted"] * 3


# 25 pixels


def test_25_pixels_that_are_not_square_are_placed_by_rows_and_columns(tmp_path):
    write_stack(tmp_path, even(), spacing=(2.5, 0.5))

    volume = one(tmp_path)

    assert volume.image.geometry.spacing_mm == pytest.approx((STEP, 2.5, 0.5))
    assert worst_error(volume) <= 0.5


@pytest.mark.parametrize(
    "change",
    [
        {"PixelSpacing": [0, 1]},
        {"PixelSpacing": [-1, 1]},
        {"ImagePositionPatient": ["NaN", 0, 0]},
        {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]},
    ],
)
def test_25_what_cannot_be_a_place_is_refused_by_its_uid(tmp_path, change):
    uids = write_stack(tmp_path, even())
    file = tmp_path / "004.dcm"
    dataset = pydicom.dcmread(file)
    for name, value in change.items():
        text = "\\".join(str(part) for part in value)
        mode = pydicom.config.IGNORE
        dataset[name] = pydicom.DataElement(name, "DS", text, validation_mode=mode)
    write(dataset, file)

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("refused", ("BAD_GEOMETRY",))
    assert found(volume, "BAD_GEOMETRY").sop_uids == (uids[4],)


def test_25_the_detectors_spacing_is_taken_with_a_note(tmp_path):
    write_stack(tmp_path, even(), PixelSpacing=None, ImagerPixelSpacing=list(SPACING))

    volume = one(tmp_path)

    assert (volume.report.verdict, volume.report.codes) == ("accepted", ("IMAGER_SPACING",))
    assert worst_error(volume) == 0
