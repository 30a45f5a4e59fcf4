"""What is told of MoNuSeg by names alone."""

import pytest

from delineate.core.errors import DelineateError
from delineate.datasets.monuseg_files import find_zips, is_unpacked, look


@pytest.fixture
def folder(tmp_path):
    for name in (
        "Tissue Images/TCGA-1.tif", "Tissue Images/TCGA-2.png", "Annotations/TCGA-1.xml",
        "Color_masks/TCGA-2.png", "Binary_masks/TCGA-1.png", "notes.txt",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def test_files_are_sorted_by_folder_and_ending(folder):
    found = look(folder)

    assert sorted(found.images) == ["TCGA-1", "TCGA-2"]
    assert list(found.drawings) == ["TCGA-1"]
    assert list(found.colours) == ["TCGA-2"]


def test_an_unpacked_folder_is_known_by_a_truth_beside_the_images(folder, tmp_path_factory):
    bare = tmp_path_factory.mktemp("bare")
    (bare / "Tissue Images").mkdir()

    assert is_unpacked(folder)
    assert not is_unpacked(bare)


def test_images_beside_their_xml_are_one_too(tmp_path):
    (tmp_path / "TCGA-1.tif").touch()
    assert not is_unpacked(tmp_path)

    (tmp_path / "TCGA-1.xml").touch()
    assert is_unpacked(tmp_path)


def test_only_zips_of_that_name_are_taken(tmp_path):
    for name in ("MoNuSeg test.ZIP", "other.zip"):
        (tmp_path / name).touch()

    assert [path.name for path in find_zips(tmp_path)] == ["MoNuSeg test.ZIP"]


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DelineateError, match="nowhere"):
        look(tmp_path / "nowhere")
