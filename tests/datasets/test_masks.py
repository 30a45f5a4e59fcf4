import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import FileError
from delineate.core.labels import LabelTable
from delineate.datasets.masks import (
    drawn_below,
    files_by_name,
    labels_of,
    masks_by_name,
    name_of,
    named_like,
)
from delineate.writers import write_prediction
from scans import make_scan

TABLE = LabelTable.of_names({"liver": 1})


@pytest.fixture
def folder(tmp_path):
    masks = tmp_path / "masks"
    masks.mkdir()
    for name in ("a10.png", "a2.png", "a2.tif"):
        Image.fromarray(np.eye(4, dtype=np.uint8)).save(masks / name)
    return masks


def test_names_come_in_natural_order_and_formats_once(folder):
    assert {name: path.name for name, path in masks_by_name(folder).items()} == {
        "a2": "a2.tif", "a10": "a10.png"
    }  # fmt: skip


def test_a_file_is_a_folder_of_one(folder):
    assert list(masks_by_name(folder / "a2.tif")) == ["a2"]


def test_nothing_to_read_is_an_error(tmp_path):
    with pytest.raises(FileError, match="holds no mask"):
        masks_by_name(tmp_path)


@pytest.mark.parametrize(("case", "file"), [("a", "a"), ("b", "b_0000"), ("c_0000", "c")])
def test_the_channel_number_may_be_there_or_not(case, file, tmp_path):
    files = {name: tmp_path / name for name in ("a", "a_0000", "b_0000", "c")}

    assert named_like(case, files) == tmp_path / file
    assert named_like("2019", files) is None


def test_a_file_beside_the_masks_names_labels_first(folder):
    (folder.parent / "dataset.json").write_text(json.dumps({"labels": {"kidney": 1}}))

    assert labels_of(folder, [folder / "a2.png"], otherwise=TABLE).names == ("kidney",)


def test_then_the_table_at_hand_and_then_the_values(folder):
    assert labels_of(folder, [folder / "a2.png"], otherwise=TABLE) == TABLE
    assert not labels_of(folder, [folder / "a2.png"]).names_known


def test_lists_of_objects_have_names_and_come_after_masks(tmp_path):
    for name in ("b.geojson.gz", "a.geojson", "a.tif", "a.overlay.png", "a.csv", "c.mat", ".d.mat"):
        (tmp_path / name).write_bytes(b"")

    found = {name: path.name for name, path in masks_by_name(tmp_path).items()}

    assert found == {"a": "a.tif", "b": "b.geojson.gz", "c": "c.mat"}


def drawn(folder, *names):
    """Write predictions of one scan, each as its ending says."""
    scan = make_scan(folder.parent / "ct", shape=(4, 12, 14))
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        write_prediction(scan.prediction, folder / name, image=scan.image)
    return folder


def test_seg_and_contours_have_the_name_of_their_case():
    names = [name_of(Path(f"said/p.1{end}")) for end in (".seg.dcm", ".rtstruct.dcm", ".SEG")]

    assert names == ["p.1", "p.1", "p.1"]


def test_of_several_files_the_better_comes_first(tmp_path):
    folder = drawn(tmp_path / "out", "a.rtstruct.dcm", "a.seg.dcm", "b.rtstruct.dcm", "b.nii.gz")

    found = files_by_name(folder)

    assert {name: [file.name for file in files] for name, files in found.items()} == {
        "a": ["a.seg.dcm", "a.rtstruct.dcm"], "b": ["b.nii.gz", "b.rtstruct.dcm"],
    }  # fmt: skip


def test_a_pattern_chooses_and_a_wrong_one_is_an_error(tmp_path):
    folder = drawn(tmp_path / "out", "a.rtstruct.dcm", "a.seg.dcm")

    found = files_by_name(folder, "*.RTSTRUCT.dcm")

    assert [file.name for file in found["a"]] == ["a.rtstruct.dcm"]
    with pytest.raises(FileError, match=r"name like '\*.nii'; there are a.rtstruct.dcm"):
        files_by_name(folder, "*.nii")


def test_slices_and_reports_beside_them_are_no_masks(tmp_path):
    folder = drawn(tmp_path / "out", "a.seg.dcm", "a.overlay.png")
    shutil.copy(tmp_path / "ct" / "000.dcm", folder)

    assert list(files_by_name(folder)) == ["a"]


def test_an_export_in_folders_is_searched_and_named_by_them(tmp_path):
    for name in ("p1", "p2"):
        folder = drawn(tmp_path / "export" / name, "RS.rtstruct.dcm")
        (folder / "RS.rtstruct.dcm").rename(folder / "IM0001")

    found = files_by_name(tmp_path / "export")

    assert list(found) == ["p1_IM0001", "p2_IM0001"]
    assert drawn_below(tmp_path / "export") == [files[0] for files in found.values()]


def test_folders_of_series_without_any_stay_what_they_are(tmp_path):
    make_scan(tmp_path / "scans" / "a", shape=(4, 12, 14))
    make_scan(tmp_path / "scans" / "b", shape=(4, 12, 14))

    assert list(files_by_name(tmp_path / "scans")) == ["a", "b"]
