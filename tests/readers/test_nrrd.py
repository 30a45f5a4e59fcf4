import nrrd
import numpy as np
import pytest

from delineate.core.errors import FileError, GeometryError
from delineate.readers import read_image, read_labels, read_mask

ARRAY = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def header(**changes):
    fields = {
        "space": "left-posterior-superior",
        "space directions": np.diag([0.5, 0.6, 3.0]),
        "space origin": [10, 20, 30],
    }
    return {key: value for key, value in {**fields, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("left-posterior-superior", (-1, -1, 1)),
        ("right-anterior-superior", (1, 1, 1)),
        ("LAS", (-1, 1, 1)),
    ],
)
def test_every_named_space_is_turned_to_ras(tmp_path, space, signs):
    nrrd.write(str(tmp_path / "a.nrrd"), ARRAY, header(space=space))

    image = read_image(tmp_path / "a.nrrd")

    assert image.geometry.affine[:3, 3].tolist() == (np.array([10, 20, 30]) * signs).tolist()
    assert np.array_equal(image.array[0], ARRAY.T)
    assert image.notes == ()


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
def test_every_encoding_is_unpacked(tmp_path, encoding):
    nrrd.write(str(tmp_path / "a.nrrd"), ARRAY, header(encoding=encoding))

    assert np.array_equal(read_image(tmp_path / "a.nrrd").array[0], ARRAY.T)


def test_a_space_without_a_name_is_taken_as_lps_with_a_note(tmp_path):
    nrrd.write(str(tmp_path / "a.nrrd"), ARRAY, header(**{"space": None, "space dimension": 3}))

    image = read_image(tmp_path / "a.nrrd")

    assert image.geometry.affine[0, 3] == -10
    assert "names no anatomical space" in image.notes[0]


def test_bare_spacings_are_enough(tmp_path):
    nrrd.write(str(tmp_path / "a.nrrd"), ARRAY, {"spacings": [0.5, 0.6, 3.0]})

    assert read_image(tmp_path / "a.nrrd").geometry.spacing_mm == (3.0, 0.6, 0.5)


def test_no_spacing_at_all_is_said(tmp_path):
    nrrd.write(str(tmp_path / "a.nrrd"), ARRAY)

    image = read_image(tmp_path / "a.nrrd")

    assert not image.geometry.is_physical
    assert any("a unit is one voxel" in note for note in image.notes)


def test_an_axis_of_channels_comes_first_wherever_it_was(tmp_path):
    array = np.stack([ARRAY, ARRAY + 100])
    directions = np.vstack([np.full(3, np.nan), np.diag([0.5, 0.6, 3.0])])
    fields = header(**{"space directions": directions, "kinds": ["vector", *["domain"] * 3]})
    nrrd.write(str(tmp_path / "a.nrrd"), array, fields)

    image = read_image(tmp_path / "a.nrrd")

    assert image.array.shape == (2, 4, 3, 2)
    assert np.array_equal(image.array[1], ARRAY.T + 100)


@pytest.mark.parametrize("step", [0.0, float("nan")])
def test_an_impossible_spacing_is_refused(tmp_path, step):
    nrrd.write(str(tmp_path / "a.nrrd"), ARRAY, {"spacings": [0.5, step, 3.0]})

    with pytest.raises(GeometryError, match=r"a\.nrrd has the spacing"):
        read_image(tmp_path / "a.nrrd")


@pytest.mark.parametrize("named", ["../other.raw", "/etc/hostname", "LIST", "slice%03d.raw 1 9 1"])
def test_data_outside_the_folder_are_refused(tmp_path, named):
    text = f"NRRD0004\ntype: uint8\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndata file: {named}\n"
    (tmp_path / "a.nhdr").write_text(text + "\n")

    with pytest.raises(FileError, match="one folder"):
        read_image(tmp_path / "a.nhdr")


def test_segments_of_slicer_that_share_layers_are_told_apart(tmp_path):
    layers = np.zeros((2, 2, 3, 4), np.uint8)
    layers[0, 0], layers[0, 1], layers[1, :, 1] = 1, 2, 1
    directions = np.vstack([np.full(3, np.nan), np.eye(3)])
    fields = header(**{"space directions": directions, "kinds": ["list", *["domain"] * 3]})
    for place, (name, layer, value) in enumerate([("a", 0, 1), ("b", 0, 2), ("c", 1, 1)]):
        fields |= {
            f"Segment{place}_ID": f"Segment_{place}",
            f"Segment{place}_Name": name,
            f"Segment{place}_Color": "0 1 0.5",
            f"Segment{place}_Layer": str(layer),
            f"Segment{place}_LabelValue": str(value),
        }
    nrrd.write(str(tmp_path / "a.seg.nrrd"), layers, fields)

    mask, labels = read_mask(tmp_path / "a.seg.nrrd"), read_labels(tmp_path / "a.seg.nrrd")

    assert labels.names == ("a", "b", "c")
    assert labels.overlapping
    assert labels.labels[0].colour == (0, 255, 128)
    assert mask.num_layers == 3
    assert np.array_equal(mask.region(labels.by_name("b"), labels), (layers[0] == 2).T)
    assert np.array_equal(mask.region(labels.by_name("c"), labels), (layers[1] == 1).T)


def test_a_segmentation_of_a_part_of_its_image_is_noticed(tmp_path):
    fields = header(Segmentation_ReferenceImageExtentOffset="3 0 1")
    nrrd.write(str(tmp_path / "a.seg.nrrd"), ARRAY, fields)

    mask = read_mask(tmp_path / "a.seg.nrrd")

    assert "only a part" in mask.notes[0]
