"""Label images in their styles, told apart from semantic masks, and what cannot be right."""

import numpy as np
import pytest
from tests.datasets.nuclei import (
    GAP,
    SIZE,
    grid_of_ids,
    write_cellpose,
    write_ids,
    write_stardist,
    write_tile,
)

from delineate.core.errors import DatasetError, DelineateError, LabelError
from delineate.datasets import open_dataset
from delineate.datasets.labelmaps import LabelMaps, highest_id, tells_objects

IDS = grid_of_ids()


def test_cellpose_files_in_one_folder_are_objects(tmp_path):
    data = open_dataset(write_cellpose(tmp_path, {"001": IDS, "002": IDS}))

    case = data.case("001")

    assert (data.layout, data.ids()) == ("labelmaps", ["001", "002"])
    assert case.instances.count == 12
    assert case.image.channels == ("red", "green", "blue")
    assert (case.image.array == case.image.array[:1]).all()
    assert data.labels.names == ("nucleus",)


def test_outputs_of_cellpose_are_read_as_well(tmp_path):
    write_tile(tmp_path / "a.png")
    write_ids(tmp_path / "a_cp_masks.png", IDS.astype(np.uint16))

    assert open_dataset(tmp_path).case("a").instances.count == 12


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_stardist_folders_are_objects_at_every_depth(tmp_path, dtype):
    data = open_dataset(write_stardist(tmp_path, {"a": IDS.astype(dtype)}))

    assert data.layout == "labelmaps"
    assert data.case("a").instances.count == 12


def test_only_the_part_for_training_is_taken(tmp_path):
    write_stardist(tmp_path / "train", {"a": IDS})
    write_stardist(tmp_path / "test", {"b": IDS})

    data = open_dataset(tmp_path)

    assert data.ids() == ["a"]
    assert data.name == tmp_path.name
    assert any("Only train is taken" in line for line in data.remarks())


def semantic(num_classes=12):
    """Draw classes that are scattered over the picture."""
    return np.random.default_rng(0).integers(0, num_classes + 1, SIZE).astype(np.uint8)


def test_classes_stay_classes(tmp_path):
    few = (IDS > 0).astype(np.uint8)

    for name, mask in (("few", few), ("many", semantic())):
        data = open_dataset(write_stardist(tmp_path / name, {"a": mask}))
        assert data.layout == "folder"


def test_a_file_of_labels_means_classes_and_a_card_means_objects(tmp_path):
    write_stardist(tmp_path, {"a": IDS.astype(np.uint8)})
    found = []

    for name, text in (("labels.yaml", "nuclei: 7\n"), ("instances.yaml", "")):
        (tmp_path / name).write_text(text)
        found.append(open_dataset(tmp_path).layout)

    assert found == ["folder", "labelmaps"]


def test_sparse_pictures_are_judged_by_the_fullest(tmp_path):
    cases = {f"empty{number}": np.zeros(SIZE, np.uint16) for number in range(5)}

    data = open_dataset(
        write_stardist(tmp_path, {**cases, **dict.fromkeys("abc", IDS.astype(np.uint16))})
    )

    assert data.layout == "labelmaps"
    assert data.case("empty0").instances.count == 0
    assert not data.case("empty0").mask.array.any()


def test_rule_needs_masks_that_can_be_read(tmp_path):
    write_tile(tmp_path / "colours.png")
    (tmp_path / "damaged.png").write_bytes(b"no picture")

    assert not tells_objects([])
    assert not tells_objects([tmp_path / "colours.png", tmp_path / "damaged.png"])


def test_card_gives_name_terms_resolution_and_names_of_types(tmp_path):
    write_stardist(tmp_path, {"a": grid_of_ids(3)})
    (tmp_path / "instances.yaml").write_text(
        "name: ours\nlicence: CC0-1.0\nmpp: 0.5\nlabels: {tumour: 1, stroma: 2}\n"
    )
    rows = f"case,id,type\na,{GAP},stroma\na,{2 * GAP},1\n"
    (tmp_path / "types.csv").write_text(rows)

    data = open_dataset(tmp_path)
    case = data.case("a")

    assert (data.name, data.licence) == ("ours", "CC0-1.0")
    assert case.image.geometry.spacing_mm == (0.0005, 0.0005)
    assert case.facts["mpp_from"] == "annotation"
    assert data.labels.names == ("tumour", "stroma")
    assert case.instances.types.tolist() == [2, 1, 0]
    assert set(np.unique(case.mask.array)) == {0, 1, 2, 255}


def test_types_without_names_get_made_up_ones(tmp_path):
    write_stardist(tmp_path, {"a": grid_of_ids(10)})
    (tmp_path / "types.csv").write_text(f"case,id,type\na,{GAP},4\n")

    data = open_dataset(tmp_path)

    assert data.labels.names == ("type_4",)
    assert data.case("a").instances.types[:2].tolist() == [4, 0]


def test_card_with_a_strange_resolution_is_refused(tmp_path):
    write_stardist(tmp_path, {"a": IDS})
    (tmp_path / "instances.yaml").write_text("mpp: large\n")

    with pytest.raises(DatasetError, match="gives mpp as 'large'"):
        open_dataset(tmp_path)


def test_pickles_are_recognised_and_refused_with_the_mend(tmp_path):
    write_tile(tmp_path / "a.png")
    np.save(tmp_path / "a_seg.npy", np.array({"masks": 1}, dtype=object), allow_pickle=True)

    with pytest.raises(DatasetError, match=r"pickles that could run code .* Save the masks"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ("kind", "ending", "limit"),
    [(np.uint8, ".png", 255), (np.uint16, ".png", 65535), (np.uint16, ".tif", 65535),
     (np.int32, ".tif", None)],
)  # fmt: skip
def test_limit_is_that_of_the_file(tmp_path, kind, ending, limit):
    path = write_ids(tmp_path / f"a{ending}", IDS.astype(kind))

    assert highest_id(path) == limit


@pytest.mark.parametrize(("kind", "is_told"), [(np.uint16, True), (np.int32, False)])
def test_ids_that_touch_16_bits_are_remarked(tmp_path, kind, is_told):
    ids = IDS.astype(np.int64)
    ids[IDS == GAP] = 65535
    data = open_dataset(write_stardist(tmp_path, {"a": ids.astype(kind)}))

    count = data.case("a").instances.count

    assert count == 12
    assert any("65535" in line for line in data.remarks()) is is_told


def test_mask_without_image_and_the_reverse_are_problems(tmp_path):
    write_stardist(tmp_path, dict.fromkeys("abc", IDS))
    (tmp_path / "masks" / "b.tif").unlink()
    (tmp_path / "images" / "c.tif").unlink()

    data = open_dataset(tmp_path)

    assert data.ids() == ["a"]
    assert any("b has an image" in line for line in data.problems())
    assert any("c has a mask" in line for line in data.problems())


def test_damaged_and_coloured_masks_are_refused_when_touched(tmp_path):
    write_stardist(tmp_path, dict.fromkeys("abcd", IDS.astype(np.uint16)), ending=".png")
    write_tile(tmp_path / "masks" / "c.png")
    path = tmp_path / "masks" / "d.png"
    path.write_bytes(path.read_bytes()[:70])
    data = LabelMaps(tmp_path)

    with pytest.raises(LabelError, match="coloured picture"):
        _ = data.case("c").instances
    with pytest.raises(DelineateError, match="damaged"):
        _ = data.case("d").instances
