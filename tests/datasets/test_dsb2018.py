"""The Data Science Bowl's folders: masks joined, kinds told, resolution estimated."""

import numpy as np
import pytest
from PIL import Image as Picture
from tests.datasets.histology import write_bowl

from delineate.core.errors import DatasetError, FileError, UnknownNameError
from delineate.datasets.dsb2018 import NUCLEUS_UM, Dsb2018

ROW = [(2, 2, 6), (2, 12, 6), (2, 22, 6)]
"""Three nuclei of 36 pixels."""
DIAMETER = 2 * np.sqrt(36 / np.pi)


def mpp_of(case):
    return case.image.geometry.spacing_mm[0] * 1000


def test_one_png_a_nucleus_becomes_one_map(tmp_path):
    write_bowl(tmp_path, {"a": ROW, "b": ROW[:2]})
    dataset = Dsb2018(tmp_path)

    case = dataset.case("a")

    assert dataset.ids() == ["a", "b"]
    assert case.instances.count == 3
    assert np.bincount(case.instances.ids.ravel())[1:].tolist() == [36, 36, 36]
    assert case.image.array.shape == (3, 30, 40)
    assert case.image.array[:, 0, 0].tolist() == [200, 120, 180]
    assert case.facts["kind"] == case.facts["tissue"] == dataset.tissue("a") == "he"
    assert dataset.patients() == {"a": "a", "b": "b"}
    assert dataset.licence == "CC0-1.0"


def test_the_folder_inside_serves_as_well(tmp_path):
    write_bowl(tmp_path, {"a": ROW})

    assert Dsb2018.recognises(tmp_path)
    assert Dsb2018.recognises(tmp_path / "stage1_train")
    assert Dsb2018(tmp_path / "stage1_train").ids() == ["a"]
    assert not Dsb2018.recognises(tmp_path / "stage1_train" / "a")
    assert not Dsb2018.recognises(tmp_path / "absent")


def test_of_overlapping_masks_the_first_by_name_wins_and_it_is_said(tmp_path):
    write_bowl(tmp_path, {"a": [(2, 2, 10), (6, 6, 10), (3, 3, 4), np.zeros((30, 40), np.uint8)]})
    dataset = Dsb2018(tmp_path, mpp=0.5)

    instances, remarks = dataset.case("a").instances, dataset.remarks()

    assert instances.count == 2
    assert np.bincount(instances.ids.ravel())[1:].tolist() == [100, 64]
    assert "52 pixels are claimed by several masks; the first by name keeps them (in a)." in remarks
    assert "2 masks are empty or wholly covered by others; they are left out (in a)." in remarks


def test_resolution_is_estimated_by_the_nuclei_of_each_image(tmp_path):
    write_bowl(tmp_path, {"a": ROW, "b": [(2, 2, 12), (2, 20, 12), (16, 2, 12)]})
    dataset = Dsb2018(tmp_path)

    small, large = (dataset.case(id) for id in "ab")

    assert mpp_of(small) == pytest.approx(NUCLEUS_UM / DIAMETER)
    assert mpp_of(large) == pytest.approx(NUCLEUS_UM / DIAMETER / 2)
    assert small.facts["mpp_from"] == "estimated"
    assert any(f"to be {NUCLEUS_UM} micrometres" in remark for remark in dataset.remarks())


def test_an_image_of_few_nuclei_takes_the_median_of_its_size(tmp_path):
    write_bowl(tmp_path, {"a": ROW, "few": ROW[:2], "none": []})
    write_bowl(tmp_path, {"other": [(2, 2, 20), (2, 40, 20), (30, 2, 20)]}, size=(60, 70))
    write_bowl(tmp_path, {"alone": []}, size=(11, 12))
    dataset = Dsb2018(tmp_path)

    found = {id: mpp_of(dataset.case(id)) for id in dataset.ids()}

    assert found["few"] == found["none"] == found["a"] == pytest.approx(NUCLEUS_UM / DIAMETER)
    assert found["alone"] == pytest.approx((found["a"] + found["other"]) / 2)
    assert dataset.case("none").instances.count == 0


def test_estimates_stay_within_what_microscopes_have(tmp_path):
    write_bowl(tmp_path, {"dots": [(2, 2, 1), (2, 5, 1), (2, 9, 1)]})
    write_bowl(tmp_path, {"huge": [(0, 0, 99), (0, 100, 99), (100, 0, 99)]}, size=(200, 200))
    dataset = Dsb2018(tmp_path)

    assert mpp_of(dataset.case("dots")) == pytest.approx(1.5)
    assert mpp_of(dataset.case("huge")) == pytest.approx(0.1)


def test_without_a_nucleus_anywhere_no_resolution_is_made_up(tmp_path):
    write_bowl(tmp_path, {"a": []})

    case = Dsb2018(tmp_path).case("a")

    assert not case.image.geometry.is_physical
    assert case.facts["mpp_from"] is None


def test_mpp_by_hand_overrules_all(tmp_path):
    write_bowl(tmp_path, {"a": ROW, "none": []})
    dataset = Dsb2018(tmp_path, mpp=0.4)

    assert [mpp_of(dataset.case(id)) for id in dataset.ids()] == pytest.approx([0.4, 0.4])
    assert dataset.case("a").facts["mpp_from"] == "by hand"
    assert not any("micrometres" in remark for remark in dataset.remarks())
    with pytest.raises(DatasetError, match="mpp must be"):
        Dsb2018(tmp_path, mpp=0)


def test_kinds_are_told_by_pixels_or_by_the_table_and_can_be_chosen(tmp_path):
    write_bowl(tmp_path, {"purple": ROW})
    write_bowl(tmp_path, {"dark": ROW}, colours=(5, 5, 5))
    write_bowl(tmp_path, {"light": ROW}, colours=(220, 220, 220))

    by_pixels = {id: Dsb2018(tmp_path).tissue(id) for id in ("purple", "dark", "light")}
    chosen = Dsb2018(tmp_path, kinds=("he", "gray")).ids()
    (tmp_path / "index.csv").write_text("ImageId,kind_size,nuclei\nlight,fluo_40x30,3\n")
    by_table = Dsb2018(tmp_path, kinds=("fluo",)).ids()

    assert by_pixels == {"purple": "he", "dark": "fluo", "light": "gray"}
    assert chosen == ["light", "purple"]
    assert by_table == ["dark", "light"]
    with pytest.raises(UnknownNameError, match="no kind of image named 'HE'"):
        Dsb2018(tmp_path, kinds=("HE",))
    (tmp_path / "stage1_train" / "purple").rename(tmp_path / "purple")
    with pytest.raises(DatasetError, match="None of the 2 images"):
        Dsb2018(tmp_path, kinds=("he",))


def test_images_without_masks_and_masks_without_image_are_named(tmp_path):
    write_bowl(tmp_path, {"a": ROW, "b": ROW, "c": []})
    (tmp_path / "stage1_train/b/images/b.png").unlink()
    (tmp_path / "stage1_train/c/masks").rmdir()
    dataset = Dsb2018(tmp_path)

    assert dataset.ids() == ["a"]
    assert dataset.problems() == [
        "b has masks but no images/b.png; it is left out.",
        "c has an image but no folder masks/; it is left out.",
    ]


def test_a_damaged_case_is_named_and_the_others_stay(tmp_path):
    write_bowl(tmp_path, {"a": ROW, "b": ROW, "c": [np.zeros((9, 9), np.uint8)], "few": []})
    (tmp_path / "stage1_train/b/masks/001.png").write_bytes(b"\x89PNG and nothing more")
    dataset = Dsb2018(tmp_path, kinds=("he",))

    remarks = dataset.remarks()

    assert dataset.case("a").instances.count == 3
    assert mpp_of(dataset.case("few")) == mpp_of(dataset.case("a"))
    assert len(remarks) == 2
    with pytest.raises(FileError, match=r"001\.png is damaged"):
        dataset.case("b")
    with pytest.raises(DatasetError, match=r"Case c has an image of shape \(30, 40\) but a mask"):
        _ = dataset.case("c").instances


def test_a_damaged_image_is_named_when_it_is_read_and_not_before(tmp_path):
    write_bowl(tmp_path, {"a": ROW, "b": ROW})
    (tmp_path / "stage1_train/b/images/b.png").write_bytes(b"")
    dataset = Dsb2018(tmp_path, kinds=("he",))

    assert dataset.ids() == ["a", "b"]
    with pytest.raises(FileError, match=r"b\.png is empty"):
        dataset.case("b")


def test_what_is_something_else_is_refused(tmp_path):
    (tmp_path / "images").mkdir()
    Picture.new("L", (4, 4)).save(tmp_path / "images" / "a.png")

    assert not Dsb2018.recognises(tmp_path)
    with pytest.raises(DatasetError, match=r"no image ID/images/ID\.png"):
        Dsb2018(tmp_path)
    with pytest.raises(DatasetError, match="There is no folder"):
        Dsb2018(tmp_path / "absent")
    with pytest.raises(DatasetError, match="no usable case 'nobody'"):
        Dsb2018(write_bowl(tmp_path / "bowl", {"a": ROW})).case("nobody")


def test_the_bowl_is_read_as_it_was_handed_out(shared_data):
    root = shared_data / "pathology/dsb2018"
    stained = Dsb2018(root, kinds=("he",))
    told = Dsb2018(root)

    cases = [stained.case(id) for id in stained.ids()[:6]]

    assert len(told.ids()) == 92
    assert len(stained.ids()) == 36
    assert all(0.1 < mpp_of(case) < 0.6 for case in cases)
    assert all(case.instances.count >= 9 for case in cases)
    assert {case.image.channels for case in cases} == {("red", "green", "blue")}


def test_pixels_tell_the_kinds_that_the_table_tells(shared_data, tmp_path):
    root = shared_data / "pathology/dsb2018"
    ids = [id for id in Dsb2018(root).ids() if not id.startswith(tuple("01234567"))]
    (tmp_path / "stage1_train").mkdir()
    for id in ids:
        (tmp_path / "stage1_train" / id).symlink_to(root / "stage1_train" / id)

    by_pixels = {id: Dsb2018(tmp_path).tissue(id) for id in ids}

    assert by_pixels == {id: Dsb2018(root).tissue(id) for id in ids}
    assert set(by_pixels.values()) == {"he", "fluo", "gray"}
