import zipfile

import pytest
from pydicom.fileset import FileSet

from delineate.infer.studies import look_into
from scans import make_scan


@pytest.fixture
def plan(make_plan):
    return make_plan(channels=("CT",))


def put(folder, root, **facts):
    return make_scan(folder, shape=(5, 12, 14), root=root, **facts).folder


def told(finds):
    return {find.name: find.image is not None for find in finds}


def test_the_only_volume_has_the_name_of_the_path(tmp_path, plan):
    put(tmp_path / "study" / "deep" / "down", "1.2.3")

    (find,) = look_into(tmp_path / "study", plan)

    assert find.name == "study"
    assert len(find.files) == 5
    assert find.image.source == str(tmp_path / "study")
    assert "array" not in vars(find.image)


def test_series_of_one_folder_are_named_by_their_uids(tmp_path, plan):
    for number in (3, 4):
        put(tmp_path / str(number), f"1.2.{number}")
        for path in (tmp_path / str(number)).iterdir():
            (tmp_path / "study").mkdir(exist_ok=True)
            path.rename(tmp_path / "study" / f"{number}{path.name}")

    finds = look_into(tmp_path / "study", plan)

    assert told(finds) == {"study_1.2.3.2": True, "study_1.2.4.2": True}
    assert finds[1].image.source == f"{tmp_path / 'study'}, series 1.2.4.2"


def test_folders_below_give_their_names_and_tell_their_series_apart(tmp_path, plan):
    put(tmp_path / "all" / "anna", "1.2.3")
    put(tmp_path / "all" / "bert" / "x", "1.2.4")
    put(tmp_path / "all" / "bert" / "y", "1.2.5")

    finds = look_into(tmp_path / "all", plan)

    assert told(finds) == {"anna": True, "bert_1.2.4.2": True, "bert_1.2.5.2": True}


def test_one_series_of_two_patients_gives_two_names(tmp_path, plan):
    put(tmp_path / "study" / "x" / "a", "1.2.3")
    put(tmp_path / "study" / "x" / "b", "1.2.3", PatientID="P2")

    assert told(look_into(tmp_path / "study", plan)) == {
        "study_1.2.3.2": True, "study_1.2.3.2_2": True,
    }  # fmt: skip


def test_a_zip_of_several_series_gives_all_of_them(tmp_path, plan):
    for number in (3, 4):
        put(tmp_path / "in" / str(number), f"1.2.{number}")
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as packed:
        for path in sorted((tmp_path / "in").rglob("*.dcm")):
            packed.write(path, path.relative_to(tmp_path))

    finds = look_into(tmp_path / "study.zip", plan)

    assert told(finds) == {"study_1.2.3.2": True, "study_1.2.4.2": True}
    assert finds[0].image.array.shape == (1, 5, 12, 14)


def test_other_modalities_stand_aside_and_broken_series_are_refused(tmp_path, plan):
    put(tmp_path / "study" / "ct", "1.2.3")
    put(tmp_path / "study" / "us", "1.2.4", Modality="US")
    put(tmp_path / "study" / "bad", "1.2.5", PixelSpacing=None)
    for path in (tmp_path / "study" / "bad").iterdir():
        path.write_bytes(path.read_bytes()[:-40])

    finds = {find.name: find for find in look_into(tmp_path / "study", plan)}

    assert told(finds.values()) == {"bad": False, "ct": True, "us": False}
    assert finds["us"].is_aside
    assert "is ultrasound, but the model was trained on CT" in finds["us"].reason
    assert not finds["bad"].is_aside
    assert "TRUNCATED" in finds["bad"].reason
    assert "1.2.5.2" in finds["bad"].reason


def test_a_refused_series_of_another_modality_stands_aside(tmp_path, plan):
    put(tmp_path / "study" / "ct", "1.2.3")
    put(tmp_path / "study" / "mr", "1.2.4", Modality="MR")
    (tmp_path / "study" / "mr" / "001.dcm").write_bytes(
        (tmp_path / "study" / "mr" / "001.dcm").read_bytes()[:-40]
    )

    finds = {find.name: find for find in look_into(tmp_path / "study", plan)}

    assert finds["ct"].image is not None
    assert finds["mr"].is_aside


def test_a_path_without_images_says_so(tmp_path, plan):
    put(tmp_path / "study", "1.2.3")
    for path in sorted((tmp_path / "study").iterdir()):
        path.write_bytes(b"no DICOM" * 30)
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK nothing")

    finds = [*look_into(tmp_path / "study", plan), *look_into(broken, plan)]

    assert [find.name for find in finds] == ["study", "broken"]
    assert all(find.image is None and find.reason and not find.is_aside for find in finds)


def test_long_names_leave_room_for_the_endings_of_files(tmp_path, plan):
    folder = "x" * 200
    for number in (3, 4):
        put(tmp_path / folder / str(number), f"1.2.{number}" + ".123456789" * 4)

    names = [find.name for find in look_into(tmp_path / folder, plan)]

    assert len(set(names)) == 2
    assert max(map(len, names)) < 200


def test_an_index_gives_all_series_of_its_disc_by_the_name_of_the_disc(tmp_path, plan):
    disc = FileSet()
    for number in (3, 4):
        for path in sorted(put(tmp_path / str(number), f"1.2.{number}").iterdir()):
            disc.add(path)
    disc.write(tmp_path / "disc")
    disc._stage["t"].cleanup()  # pydicom leaves it to the end of the process

    finds = look_into(tmp_path / "disc" / "DICOMDIR", plan)

    assert told(finds) == {"disc_1.2.3.2": True, "disc_1.2.4.2": True}
    assert [len(find.files) for find in finds] == [5, 5]
