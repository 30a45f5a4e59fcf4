import nibabel
import numpy as np
import pytest

from delineate.core.errors import FileError, GeometryError, ShapeError
from delineate.infer.inputs import Inputs, Source, find_inputs, open_source
from scans import make_scan


def write(path, shape=(6, 5, 4), spacing=1.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.random.default_rng(len(path.name)).normal(size=shape).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(array, np.diag([spacing, spacing, spacing, 1])), path)
    return path


def ids(found: Inputs) -> list[str]:
    return [source.id for source in found.sources]


def test_files_folders_and_globs_are_expanded_once(tmp_path, make_plan):
    for number in (1, 2, 10):
        write(tmp_path / "scans" / f"case_{number}.nii.gz")

    found = find_inputs(
        [tmp_path / "scans" / "case_2.nii.gz", tmp_path / "scans", f"{tmp_path}/scans/*_1.nii.gz"],
        make_plan(),
    )

    assert ids(found) == ["case_2", "case_1", "case_10"]


def test_channel_files_are_grouped_for_a_model_of_several_channels(tmp_path, make_plan):
    for name in ("a_0000", "a_0001", "b_0001", "b_0000"):
        write(tmp_path / f"{name}.nii.gz")

    found = find_inputs([tmp_path], make_plan(channels=("T1", "T2")))

    assert ids(found) == ["a", "b"]
    assert [path.name for path in found.sources[1].paths] == ["b_0000.nii.gz", "b_0001.nii.gz"]


def test_the_single_channel_of_nnunet_names_is_dropped(tmp_path, make_plan):
    write(tmp_path / "hip_007_0000.nii.gz")

    assert ids(find_inputs([tmp_path], make_plan())) == ["hip_007"]


def test_counted_tiles_in_colour_are_cases_of_their_own(tmp_path, make_plan):
    for name in ("slide_0000", "slide_0001"):
        write(tmp_path / f"{name}.nii.gz")

    plan = make_plan(channels=("red", "green", "blue"), task="instances", dims=2)

    assert ids(find_inputs([tmp_path], plan)) == ["slide_0000", "slide_0001"]


def test_equal_names_in_two_folders_are_told_apart(tmp_path, make_plan):
    folders = [tmp_path / name for name in ("monday", "tuesday", "deep/monday")]
    for folder in folders:
        write(folder / "scan.nii.gz")

    assert ids(find_inputs(folders, make_plan())) == [
        "monday_scan",
        "tuesday_scan",
        "monday_scan_2",
    ]


def test_channels_are_stacked_in_order(tmp_path, make_plan):
    paths = tuple(write(tmp_path / f"a_000{number}.nii.gz") for number in range(2))
    plan = make_plan(channels=("T1", "T2"))

    case = open_source(Source(id="a", paths=paths), plan)

    assert case.image.channels == ("T1", "T2")
    assert case.image.array.shape == (2, 4, 5, 6)


def test_a_missing_channel_is_named(tmp_path, make_plan):
    paths = tuple(write(tmp_path / f"a_000{number}.nii.gz") for number in (0, 2))

    with pytest.raises(ShapeError, match=r"channels \[0, 2\], but the model wants 0 to 2"):
        open_source(Source(id="a", paths=paths), make_plan(channels=("T1", "T2", "FLAIR")))


def test_channels_on_different_grids_are_refused(tmp_path, make_plan):
    paths = (write(tmp_path / "a_0000.nii.gz"), write(tmp_path / "a_0001.nii.gz", spacing=2.0))

    with pytest.raises(GeometryError, match="lies on another grid"):
        open_source(Source(id="a", paths=paths), make_plan(channels=("T1", "T2")))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent.nii.gz", "does not exist"),
        ("no_*.nii.gz", "matches no file"),
        ("", "holds no image"),
    ],
)
def test_an_input_that_is_not_there_is_named(tmp_path, make_plan, name, reason):
    with pytest.raises(FileError, match=reason):
        find_inputs([str(tmp_path / name)], make_plan())


def test_no_input_at_all_is_an_error(make_plan):
    with pytest.raises(FileError, match="There is no input"):
        find_inputs([], make_plan())


def test_a_changed_file_has_another_stamp(tmp_path):
    path = write(tmp_path / "a.nii.gz")
    before = Source(id="a", paths=(path,)).stamp()

    write(path, shape=(7, 5, 4))

    assert Source(id="a", paths=(path,)).stamp() != before


def test_dicom_beside_other_files_is_one_case_and_not_one_a_slice(tmp_path, make_plan):
    make_scan(tmp_path / "in" / "ct", shape=(5, 12, 14))
    write(tmp_path / "in" / "other.nii.gz")
    for path in (tmp_path / "in" / "ct").iterdir():
        path.rename(tmp_path / "in" / path.name)

    found = find_inputs([tmp_path / "in"], make_plan(channels=("CT",)))

    assert ids(found) == ["other", "in"]
    assert len(found.sources[1].paths) == 5


def test_a_volume_is_stamped_by_all_its_files_and_its_pixels_are_not_kept(tmp_path, make_plan):
    make_scan(tmp_path / "ct", shape=(5, 12, 14))
    plan = make_plan(channels=("CT",))
    (source,) = find_inputs([tmp_path / "ct"], plan).sources
    before = source.stamp()
    (tmp_path / "ct" / "003.dcm").touch()

    case = open_source(source, plan)

    assert source.stamp() != before
    assert before[0][:2] == [str(tmp_path / "ct"), 5]
    assert case.image.array.shape == (1, 5, 12, 14)
    assert "array" not in vars(source.image)


def test_series_of_channels_are_stacked_by_their_folders_as_before(tmp_path, make_plan):
    for number in range(2):
        make_scan(tmp_path / "in" / f"a_000{number}", shape=(5, 12, 14), root=f"1.2.{number + 3}")
    plan = make_plan(channels=("first", "second"))

    (source,) = find_inputs([tmp_path / "in"], plan).sources

    assert source.id == "a"
    assert open_source(source, plan).image.array.shape == (2, 5, 12, 14)


def test_what_suits_not_stands_aside_of_what_does_also_in_another_input(tmp_path, make_plan):
    make_scan(tmp_path / "ct", shape=(5, 12, 14))
    make_scan(tmp_path / "pet", shape=(5, 12, 14), root="1.2.4", Modality="PT")

    found = find_inputs([tmp_path / "pet", tmp_path / "ct"], make_plan(channels=("CT",)))

    assert ids(found) == ["ct"]
    assert found.refused == {}
    assert list(found.aside) == ["pet"]


def test_where_nothing_suits_nothing_stands_aside(tmp_path, make_plan):
    make_scan(tmp_path / "pet", shape=(5, 12, 14), root="1.2.4", Modality="PT")

    found = find_inputs([tmp_path / "pet"], make_plan(channels=("CT",)))

    assert found.aside == {}
    assert "is PET" in found.refused["pet"]
