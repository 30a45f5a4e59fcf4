"""nnU-Net's layouts, with and without their card."""

import json

import numpy as np
import pytest
from tests.datasets.fakes import labels, volume, write_decathlon, write_volume

from delineate.core.errors import DatasetError, DelineateError, LabelError
from delineate.datasets import open_dataset


def write_card(root, **values):
    (root / "dataset.json").write_text(json.dumps(values))


def test_decathlon_without_card_finds_labels_and_says_so(tmp_path):
    data = open_dataset(write_decathlon(tmp_path, values=(1, 4)))

    case = data.case("a")

    assert data.layout == "nnunet"
    assert data.ids() == ["a", "b", "c"]
    assert data.labels.names == ("label_1", "label_4")
    assert any("made up" in line for line in data.remarks())
    assert case.image.array.shape == (1, 4, 5, 6)
    assert case.mask.array.max() == 4


def test_second_version_reads_channels_in_their_order(tmp_path):
    for channel in range(2):
        write_volume(tmp_path / "imagesTr" / f"a_{channel:04d}.nii.gz", volume(channel))
    write_volume(tmp_path / "labelsTr" / "a.nii.gz", labels(1))
    write_card(tmp_path, channel_names={"1": "T2", "0": "T1"}, labels={"background": 0, "x": 1})
    data = open_dataset(tmp_path)

    image = data.case("a").image

    assert data.channels == image.channels == ("T1", "T2")
    np.testing.assert_array_equal(image.array[1], volume(1).T)


def test_first_version_reads_modality_and_numbered_labels(tmp_path):
    write_decathlon(tmp_path)
    write_card(
        tmp_path, name="Hippo", licence="CC-BY", modality={"0": "MRI"},
        labels={"0": "background", "1": "Anterior", "2": "Posterior"},
        training=[{"image": "./imagesTr/z.nii.gz", "label": "./labelsTr/z.nii.gz"}],
    )  # fmt: skip

    data = open_dataset(tmp_path)

    assert (data.name, data.licence, data.channels) == ("Hippo", "CC-BY", ("MRI",))
    assert data.labels.names == ("Anterior", "Posterior")
    assert "z is listed" in data.problems()[0]


def test_fourth_axis_is_channels(tmp_path):
    write_volume(tmp_path / "imagesTr" / "a.nii.gz", volume(shape=(6, 5, 4, 3)))
    write_volume(tmp_path / "labelsTr" / "a.nii.gz", labels(1))
    write_card(tmp_path, modality={"0": "A", "1": "B", "2": "C"}, labels={"x": 1})

    image = open_dataset(tmp_path).case("a").image

    assert image.array.shape == (3, 4, 5, 6)
    assert image.channels == ("A", "B", "C")


def test_regions_keep_their_painted_values_and_ignore(tmp_path):
    write_decathlon(tmp_path, values=(1, 2, 3, 4))
    names = {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "active": 3, "ignore": 4}
    write_card(tmp_path, channel_names={"0": "T1"}, labels=names, regions_class_order=[1, 2, 3])

    table = open_dataset(tmp_path).labels

    assert [(label.id, label.ids) for label in table.labels] == [
        (1, (1, 2, 3)), (2, (2, 3)), (3, (3,)),
    ]  # fmt: skip
    assert table.ignore == 4
    assert not table.is_exclusive


def test_listed_paths_of_second_version_are_followed(tmp_path):
    write_volume(tmp_path / "elsewhere" / "i.nii.gz", volume())
    write_volume(tmp_path / "elsewhere" / "m.nii.gz", labels(1))
    (tmp_path / "imagesTr").mkdir()
    write_card(
        tmp_path, channel_names={"0": "CT"}, labels={"x": 1},
        dataset={"one": {"images": ["elsewhere/i.nii.gz"], "label": "elsewhere/m.nii.gz"}},
    )  # fmt: skip

    data = open_dataset(tmp_path)

    assert data.ids() == ["one"]
    assert data.case("one").mask.array.sum() == 1


def test_lonely_files_are_told_and_left_out(tmp_path):
    write_decathlon(tmp_path)
    write_volume(tmp_path / "imagesTr" / "lonely.nii.gz", volume())
    write_volume(tmp_path / "labelsTr" / "orphan.nii.gz", labels(1))

    data = open_dataset(tmp_path)

    assert data.ids() == ["a", "b", "c"]
    assert "lonely has an image but no mask" in data.problems()[0]
    assert "orphan has a mask but no image" in data.problems()[1]


@pytest.mark.parametrize(("gone", "words"), [("labelsTr", "no mask"), ("imagesTr", "no image")])
def test_one_side_alone_is_refused(tmp_path, gone, words):
    write_decathlon(tmp_path)
    for path in (tmp_path / gone).iterdir():
        path.unlink()

    with pytest.raises(DatasetError, match=words):
        open_dataset(tmp_path)


def test_nothing_that_pairs_is_refused(tmp_path):
    write_volume(tmp_path / "imagesTr" / "a.nii.gz", volume())
    write_volume(tmp_path / "labelsTr" / "b.nii.gz", labels(1))

    with pytest.raises(DatasetError, match="no image that goes with a mask"):
        open_dataset(tmp_path)


def test_mask_of_another_shape_is_refused(tmp_path):
    write_decathlon(tmp_path)
    write_volume(tmp_path / "labelsTr" / "b.nii.gz", labels(1, shape=(6, 5, 3)))

    with pytest.raises(DatasetError, match="Case b has an image of shape"):
        open_dataset(tmp_path).case("b")


def test_mask_of_another_affine_is_refused(tmp_path):
    write_decathlon(tmp_path)
    write_volume(tmp_path / "labelsTr" / "b.nii.gz", labels(1), np.diag([1.0, 1.0, 3.0, 1.0]))

    with pytest.raises(DatasetError, match="affine puts corners 3 mm"):
        open_dataset(tmp_path).case("b")


def test_tiny_shift_of_a_mask_is_mended_and_noted(tmp_path):
    write_decathlon(tmp_path)
    shifted = np.diag([1.0, 1.0, 2.0, 1.0])
    shifted[0, 3] = 0.05
    write_volume(tmp_path / "labelsTr" / "b.nii.gz", labels(1), shifted)

    case = open_dataset(tmp_path).case("b")

    assert case.image.geometry.agrees_with(case.mask.geometry)
    assert "0.05 mm" in case.history[0]


def test_value_outside_the_table_is_refused_when_read(tmp_path):
    write_decathlon(tmp_path, values=(1, 9))
    write_card(tmp_path, channel_names={"0": "T1"}, labels={"background": 0, "x": 1})

    with pytest.raises(LabelError, match=r"case a holds label values \[9\]"):
        _ = open_dataset(tmp_path).case("a").mask.array


def test_other_number_of_channels_is_refused(tmp_path):
    write_decathlon(tmp_path)
    write_card(tmp_path, channel_names={"0": "T1", "1": "T2"}, labels={"x": 1, "y": 2})

    with pytest.raises(DatasetError, match="1 channels where the dataset has 2"):
        open_dataset(tmp_path).case("a")


@pytest.mark.parametrize(
    "text", ['{"labels": {"x": "one"}}', '{"labels": {"background": 0}}', "{broken", '"text"']
)
def test_senseless_card_is_refused(tmp_path, text):
    write_decathlon(tmp_path)
    (tmp_path / "dataset.json").write_text(text)

    with pytest.raises(DatasetError, match=r"dataset\.json"):
        open_dataset(tmp_path)


def test_truncated_volume_is_one_error_of_its_case(tmp_path):
    write_decathlon(tmp_path)
    path = tmp_path / "imagesTr" / "b.nii.gz"
    path.write_bytes(path.read_bytes()[:120])

    with pytest.raises(DelineateError, match=r"b\.nii\.gz"):
        _ = open_dataset(tmp_path).case("b").image.array


def test_hippocampus_opens_at_once(shared_data):
    data = open_dataset(shared_data / "radiology" / "msd_task04_hippocampus")

    case = data.case("hippocampus_001")

    assert len(data.ids()) == 210
    assert case.image.array.shape[1:] == case.mask.array.shape == (35, 51, 35)
