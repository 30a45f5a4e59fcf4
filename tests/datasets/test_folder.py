"""Folders of images and masks under their many names."""

import numpy as np
import pytest
from tests.datasets.fakes import labels, volume, write_picture, write_volume

from delineate.core.errors import DatasetError
from delineate.datasets import DATASETS, open_dataset
from delineate.writers import write_prediction
from scans import make_scan

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8)
MASK = (GREY > 20).astype(np.uint8)


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("images/a.png", "masks/a.png"),
        ("img/a.png", "label/a_mask.png"),
        ("Images/a.png", "Annotations/a.png"),
        ("imgs/a.png", "segmentations/a-seg.png"),
        ("a.png", "a_mask.png"),
        ("a_image.png", "a_label.png"),
        ("image/a.png", "image/a_seg.png"),
    ],
)
def test_spellings_are_recognised(tmp_path, image, mask):
    write_picture(tmp_path / image, GREY)
    write_picture(tmp_path / mask, MASK)

    data = open_dataset(tmp_path)

    assert (data.layout, data.ids(), data.labels.names) == ("folder", ["a"], ("foreground",))
    np.testing.assert_array_equal(data.case("a").image.array, GREY[None])
    np.testing.assert_array_equal(data.case("a").mask.array, MASK)


def test_white_masks_keep_their_value(tmp_path):
    write_picture(tmp_path / "images" / "a.png", GREY)
    write_picture(tmp_path / "masks" / "a.png", MASK * 255)

    assert open_dataset(tmp_path).labels.labels[0].id == 255


def test_volumes_are_read_as_well(tmp_path):
    write_volume(tmp_path / "images" / "a.nii.gz", volume())
    write_volume(tmp_path / "masks" / "a.nii.gz", labels(1, 2))

    assert open_dataset(tmp_path).case("a").image.geometry.spacing_mm == (2.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.yaml", "liver: 1\nspleen: 2\nignore: 255\n"),
        ("labels.json", '{"0": "background", "1": "liver", "2": "spleen", "255": "ignore"}'),
        ("labels.yml", "labels: {liver: 1, spleen: 2, ignore: 255}\n"),
    ],
)
def test_labels_file_names_the_values(tmp_path, name, text):
    write_picture(tmp_path / "images" / "a.png", GREY)
    write_picture(tmp_path / "masks" / "a.png", MASK)
    (tmp_path / name).write_text(text)

    table = open_dataset(tmp_path).labels

    assert (table.names, table.ignore) == (("liver", "spleen"), 255)


def test_ids_are_in_natural_order_and_patients_csv_rules(tmp_path):
    for case in ("a10", "a2"):
        write_picture(tmp_path / "images" / f"{case}.png", GREY)
        write_picture(tmp_path / "masks" / f"{case}.png", MASK)
    (tmp_path / "patients.csv").write_text("case,patient\na2,ann\na10,ann\n")

    assert open_dataset(tmp_path).patients() == {"a2": "ann", "a10": "ann"}
    assert open_dataset(tmp_path).ids() == ["a2", "a10"]


def test_lonely_and_double_files_are_told_and_left_out(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        write_picture(tmp_path / "images" / name, GREY)
    for name in ("a.png", "b.png", "b_mask.png", "d.png"):
        write_picture(tmp_path / "masks" / name, MASK)

    data = open_dataset(tmp_path)

    assert data.ids() == ["a"]
    assert [line.split(" ")[0] for line in data.problems()] == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["images/a.png"], "no mask for the 1 images"),
        (["masks/a.png"], "no image for the 1 masks"),
        (["images/a.txt", "masks/a.txt"], "no file that can be read"),
        (["images/a.png", "masks/b.png"], "no image that goes with a mask"),
    ],
)
def test_half_a_dataset_is_refused(tmp_path, files, words):
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if path.suffix == ".png":
            write_picture(path, GREY)
        else:
            path.write_text("no picture")

    with pytest.raises(DatasetError, match=words):
        open_dataset(tmp_path)


def test_colour_among_grey_is_refused(tmp_path):
    write_picture(tmp_path / "images" / "a.png", GREY)
    write_picture(tmp_path / "images" / "b.png", np.stack([GREY, GREY + 9, GREY], axis=-1))
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / "masks" / name, MASK)

    with pytest.raises(DatasetError, match="Case b has 3 channels where the dataset has 1"):
        open_dataset(tmp_path).case("b")


@pytest.mark.parametrize(
    "place", ["labels/ada.seg.dcm", "rtstruct/ada.rtstruct.dcm", "images/ada_seg/ada.seg.dcm"]
)
def test_seg_and_rtstruct_are_left_to_the_layout_that_reads_uids(tmp_path, place):
    scan = make_scan(tmp_path / "images" / "ada", shape=(4, 12, 14))
    write_prediction(scan.prediction, tmp_path / place, image=scan.image)

    data = open_dataset(tmp_path)

    assert data.layout == "dicom_pairs"
    assert data.ids() == ["ada"]


def test_the_name_of_a_folder_of_seg_is_no_name_of_a_mask(tmp_path):
    scan = make_scan(tmp_path / "images", shape=(4, 12, 14))
    path = tmp_path / "liver-seg" / "ada.seg.dcm"
    write_prediction(scan.prediction, path, image=scan.image)

    found = [name for name, kind in DATASETS.items() if kind.recognises(path.parent)]

    assert found == ["dicom_pairs"]
