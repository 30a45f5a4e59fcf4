"""MoNuSeg as it is handed out, in every shape that people have it in."""

import numpy as np
import pytest
from tests.datasets.histology import (
    NAME,
    OTHER,
    encoded,
    monuseg_files,
    picture,
    square,
    unpacked,
    xml,
    zipped,
)

from delineate.core.errors import DatasetError, FileError, UnknownNameError
from delineate.datasets.monuseg import MoNuSeg

LAST = "TCGA-ZZ-0001-01Z-00-DX1"
CASES = {NAME: xml([square(1, 1), square(6, 1, side=8)]), OTHER: xml([square(20, 9)], mpp=None)}
FILES = monuseg_files(CASES)


def colour_files():
    """Make one case of which only a picture of colours is known."""
    colours, binary = np.zeros((40, 60, 3), np.uint8), np.zeros((40, 60), np.uint8)
    colours[2:12, 2:12], colours[20:30, 40:50] = (9, 80, 200), (200, 7, 7)
    binary[colours.any(axis=-1)] = 1
    top = "extra_images_without_xml"
    return {
        f"{top}/Tissue Images/{LAST}.webp": encoded(picture(9), "WEBP", lossless=True),
        f"{top}/Color_masks/{LAST}.png": encoded(colours, "PNG"),
        f"{top}/Binary_masks/{LAST}.png": encoded(binary, "PNG"),
    }


@pytest.fixture
def parent(tmp_path):
    """A folder that holds the zip and the extra images."""
    zipped(tmp_path / "MoNuSeg 2018 Training Data.zip", FILES)
    return unpacked(tmp_path, colour_files())


def places(root):
    """Make the same two cases in every shape."""
    top = "MoNuSeg 2018 Training Data"
    flat = {name.rsplit("/", 1)[1]: content for name, content in FILES.items()}
    return {
        "zip": zipped(root / "renamed.zip", FILES),
        "unpacked": unpacked(root / "one", FILES) / top,
        "parent": root / "one",
        "flat": unpacked(root / "flat", flat),
    }


@pytest.mark.parametrize("shape", ["zip", "unpacked", "parent", "flat"])
def test_every_shape_gives_the_same_cases(tmp_path, shape):
    path = places(tmp_path)[shape]
    dataset = MoNuSeg(path)

    case = dataset.case(NAME)

    assert MoNuSeg.recognises(path)
    assert dataset.ids() == [NAME, OTHER]
    assert dataset.problems() == []
    assert np.array_equal(np.moveaxis(case.image.array, 0, -1), picture(0))
    assert case.image.channels == dataset.channels == ("red", "green", "blue")
    assert case.instances.count == 2
    assert np.array_equal(case.mask.array, case.instances.ids > 0)


def test_a_case_tells_patient_organ_truth_and_resolution(parent):
    dataset = MoNuSeg(parent)

    facts = {id: dataset.case(id).facts for id in dataset.ids()}

    assert dataset.patients() == {id: id[:12] for id in (NAME, OTHER, LAST)}
    assert [facts[id]["tissue"] for id in (NAME, OTHER, LAST)] == ["breast", "kidney", None]
    assert [facts[id]["truth"] for id in (NAME, OTHER, LAST)] == ["polygons", "polygons", "raster"]
    assert [facts[id]["mpp_from"] for id in dataset.ids()] == ["annotation", "assumed", "assumed"]
    assert dataset.tissue(OTHER) == "kidney"
    assert dataset.licence == "CC BY-NC-SA 4.0"
    assert dataset.case(NAME).image.geometry.spacing_mm == (0.00025, 0.00025)
    assert dataset.case(LAST).instances.count == 2
    assert dataset.case(LAST).instances.outlines is None


def test_what_was_assumed_is_said(parent):
    remarks = " ".join(MoNuSeg(parent).remarks())

    assert f"how large a pixel of {OTHER}, {LAST} is; 0.25 micrometres are assumed" in remarks
    assert f"The truth of {LAST} was read from colour masks" in remarks


def test_mpp_by_hand_overrules_the_files(parent):
    dataset = MoNuSeg(parent, mpp=0.5)

    cases = [dataset.case(id) for id in dataset.ids()]

    assert {case.image.geometry.spacing_mm for case in cases} == {(0.0005, 0.0005)}
    assert {case.facts["mpp_from"] for case in cases} == {"by hand"}
    assert "micrometres" not in " ".join(dataset.remarks())


def test_order_and_convention_are_the_users_choice(tmp_path):
    path = zipped(tmp_path / "a.zip", FILES)

    official, last, shifted = (
        MoNuSeg(path, **options).case(NAME).instances.ids
        for options in ({}, {"order": "last"}, {"centre": "skimage"})
    )

    assert (official[5, 7], last[5, 7]) == (1, 2)
    assert np.array_equal(shifted[1:, 1:], official[:-1, :-1])
    with pytest.raises(UnknownNameError, match="matlab"):
        MoNuSeg(path, centre="matlb")
    with pytest.raises(UnknownNameError, match="first"):
        MoNuSeg(path, order="frist")
    with pytest.raises(DatasetError, match="mpp must be"):
        MoNuSeg(path, mpp=-1)


def test_odd_outlines_are_told_in_the_history_and_the_remarks(tmp_path):
    odd = xml([[(1, 1), (5, 5)], square(1, 1), square(3, 3, side=4), square(99, 1), square(55, 1)])
    dataset = MoNuSeg(zipped(tmp_path / "a.zip", monuseg_files({NAME: odd, OTHER: odd})))

    case, remarks = dataset.case(NAME), dataset.remarks()

    assert case.instances.count == 2
    assert case.history == ("Outlines with fewer than three corners were left out: 1.",)
    assert [line.split(" (in")[0].rsplit(" ", 1)[1] for line in remarks] == ["2", "2", "2", "2"]
    assert all(f"(in {NAME}, {OTHER})." in line for line in remarks)


def test_an_image_without_truth_and_a_truth_without_image_are_named(tmp_path):
    files = monuseg_files({NAME: CASES[NAME], OTHER: None})
    files[f"MoNuSeg 2018 Training Data/Annotations/{LAST}.xml"] = CASES[NAME].encode()
    dataset = MoNuSeg(zipped(tmp_path / "a.zip", files))

    problems = dataset.problems()

    assert dataset.ids() == [NAME]
    assert len(problems) == 2
    assert f"{OTHER}.tif) but no XML; it is left out." in problems[0]
    assert f"{LAST}.xml) but no image; it is left out." in problems[1]


def test_a_tile_without_a_single_nucleus_is_a_case(tmp_path):
    case = MoNuSeg(zipped(tmp_path / "a.zip", monuseg_files({NAME: xml([])}))).case(NAME)

    assert case.instances.count == 0
    assert not case.mask.array.any()


def test_a_damaged_zip_is_refused_in_one_sentence(tmp_path):
    path = zipped(tmp_path / "MoNuSeg.zip", FILES)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    for given in (path, tmp_path):
        assert MoNuSeg.recognises(given)
        with pytest.raises(DatasetError, match=r"MoNuSeg\.zip cannot be opened as a zip"):
            MoNuSeg(given)


def test_a_damaged_case_is_named_and_the_others_stay(tmp_path):
    top = "MoNuSeg 2018 Training Data"
    files = monuseg_files({NAME: CASES[NAME], OTHER: CASES[NAME], LAST: CASES[NAME]})
    files[f"{top}/Annotations/{OTHER}.xml"] = CASES[NAME][:-60].encode()
    files[f"{top}/Tissue Images/{LAST}.tif"] = b"II*\0 and nothing more"
    dataset = MoNuSeg(zipped(tmp_path / "a.zip", files))

    remarks = dataset.remarks()

    assert dataset.case(NAME).instances.count == 2
    assert remarks == []
    with pytest.raises(FileError, match=rf"{OTHER}\.xml cannot be read as an Aperio annotation"):
        dataset.case(OTHER)
    with pytest.raises(FileError, match=rf"{LAST}\.tif is damaged"):
        dataset.case(LAST)


def test_what_is_something_else_is_not_recognised_and_refused(tmp_path):
    other = unpacked(tmp_path / "other", {"images/a.png": b"", "masks/a.png": b""})
    nuinsseg = unpacked(tmp_path / "b", {"liver/tissue images/a.png": b"", "liver/x/a.png": b""})
    empty = zipped(tmp_path / "c.zip", {"readme.txt": b"none"})

    assert not any(MoNuSeg.recognises(path) for path in (other, nuinsseg, tmp_path / "absent"))
    with pytest.raises(DatasetError, match="no image that goes with an XML"):
        MoNuSeg(empty)
    with pytest.raises(DatasetError, match="There is no folder"):
        MoNuSeg(tmp_path / "absent")
    with pytest.raises(DatasetError, match="no usable case 'nobody'"):
        MoNuSeg(zipped(tmp_path / "d.zip", FILES)).case("nobody")


def test_the_challenge_is_read_as_it_was_handed_out(shared_data):
    dataset = MoNuSeg(shared_data / "pathology/monuseg")
    patient = "TCGA-G9-6362-01Z-00-DX1"

    case = dataset.case(patient)

    assert len(dataset.ids()) == 30
    assert len(set(dataset.patients().values())) == 30
    assert {dataset.tissue(id) for id in dataset.ids()} == {
        "bladder", "breast", "colon", "kidney", "liver", "prostate", "stomach"
    }  # fmt: skip
    assert case.image.array.shape == (3, 1000, 1000)
    assert case.instances.count == 472
    assert case.image.geometry.spacing_mm[0] == pytest.approx(0.000252)


@pytest.mark.parametrize(
    ("id", "count"), [("TCGA-AY-A8YK-01A-01-TS1", 362), ("TCGA-HE-7129-01Z-00-DX1", 1583)]
)
def test_colour_masks_of_the_challenge_cover_what_the_binary_ones_do(shared_data, id, count):
    from PIL import Image as Picture

    root = shared_data / "pathology/monuseg"
    binary = np.asarray(Picture.open(root / f"extra_images_without_xml/Binary_masks/{id}.png")) > 0

    ids = MoNuSeg(root, centre="skimage").case(id).instances.ids

    both = np.count_nonzero((ids > 0) & binary)
    assert 2 * both / (np.count_nonzero(ids) + np.count_nonzero(binary)) > 0.99
    assert ids.max() == count
    official = MoNuSeg(root).case(id).instances.ids
    assert np.array_equal(official[:-1, :-1], ids[1:, 1:])
