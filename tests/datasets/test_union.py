"""Several datasets as one: names, merged types, patients, and what does not go together."""

import numpy as np
import pytest
from tests.datasets.fakes import labels, write_decathlon, write_picture
from tests.datasets.nuclei import grid_of_ids, write_consep, write_hovernet, write_stardist

from delineate.core.errors import DatasetError
from delineate.datasets import open_dataset
from delineate.datasets.audit import audit
from delineate.datasets.union import Union

IDS = grid_of_ids(10)


@pytest.fixture
def plain(tmp_path):
    """A dataset of nuclei without types."""
    return write_stardist(tmp_path / "my nuclei", {"p_tile1": IDS})


@pytest.fixture
def consep(tmp_path):
    """A dataset of four types."""
    return write_consep(tmp_path / "consep", {"train_1_000": (grid_of_ids(3), [4, 3, 2])})


@pytest.fixture
def hovernet(tmp_path):
    """A dataset of types of which one is in CoNSeP under another number."""
    root = tmp_path / "hover"
    write_hovernet(root, {"q": {"inst_map": grid_of_ids(2), "inst_type": [[1], [2]]}})
    (root / "labels.yaml").write_text("epithelial: 1\ndead: 2\n")
    return root


def test_several_paths_are_one_dataset(plain, consep):
    data = open_dataset([plain, consep])

    assert isinstance(data, Union)
    assert data.name == "my nuclei+CoNSeP"
    assert data.licence == "unknown; research, non-commercial"
    assert data.ids() == ["my_nuclei.p_tile1", "CoNSeP.train_1_000"]
    assert set(data.patients().values()) == {"my_nuclei.p", "CoNSeP.train_1"}
    assert [data.tissue(id) for id in data.ids()] == [None, "colon"]


def test_one_path_in_a_list_is_that_dataset(plain):
    assert open_dataset([plain]).layout == "labelmaps"


def test_every_case_knows_its_dataset(plain, consep):
    data = open_dataset([plain, consep])

    told = {id: data.case(id).facts["dataset"] for id in data.ids()}

    assert told == {"my_nuclei.p_tile1": "my_nuclei", "CoNSeP.train_1_000": "CoNSeP"}


def test_untyped_nuclei_are_of_unknown_type_beside_typed_ones(plain, consep):
    data = open_dataset([plain, consep])
    unknown, known = (data.case(id) for id in data.ids())

    assert data.labels.names == ("other", "inflammatory", "epithelial", "spindle-shaped")
    assert data.labels.ignore == 255
    assert unknown.instances.types.tolist() == [0] * 10
    assert set(np.unique(unknown.mask.array)) == {0, 255}
    assert known.instances.types.tolist() == [4, 3, 2]
    assert any("of unknown type beside" in line for line in data.remarks())


def test_nuclei_without_types_stay_nuclei_together(plain, tmp_path):
    other = write_stardist(tmp_path / "more", {"a": IDS})

    data = open_dataset([plain, other])

    assert data.labels.names == ("nucleus",)
    assert data.labels.ignore is None
    assert data.case("more.a").instances.types.tolist() == [1] * 10


def test_types_are_merged_by_name(consep, hovernet):
    data = open_dataset([consep, hovernet])

    case = data.case("hover.q")

    assert data.labels.names == ("other", "inflammatory", "epithelial", "spindle-shaped", "dead")
    assert case.instances.types.tolist() == [3, 5]
    assert set(np.unique(case.mask.array)) == {0, 3, 5}
    assert len({label.colour for label in data.labels.labels}) == 5


def test_datasets_of_one_name_are_told_apart(plain, tmp_path):
    other = write_stardist(tmp_path / "other" / "my nuclei", {"p_tile1": IDS})

    data = open_dataset([plain, other])

    assert data.ids() == ["my_nuclei.p_tile1", "my_nuclei_2.p_tile1"]
    assert len(set(data.patients().values())) == 2


def test_a_barcode_is_the_same_person_everywhere(tmp_path):
    cases = {"TCGA-A7-A13E-01Z-00-DX1": IDS}
    (tmp_path / "patients.csv").write_text("")
    folders = [write_stardist(tmp_path / name, cases) for name in "ab"]
    for folder in folders:
        (folder / "patients.csv").write_text("case,patient\nTCGA-A7-A13E-01Z-00-DX1,TCGA-A7-A13E\n")

    data = open_dataset(folders)

    assert set(data.patients().values()) == {"TCGA-A7-A13E"}


def test_mpp_goes_to_all_and_problems_name_their_dataset(plain, consep):
    (plain / "images" / "lonely.tif").write_bytes((plain / "images" / "p_tile1.tif").read_bytes())

    data = open_dataset([plain, consep], mpp=0.5)

    assert {data.case(id).facts["mpp_from"] for id in data.ids()} == {"by hand"}
    assert data.problems() == ["my_nuclei: lonely has an image (lonely.tif) but no mask; "
                               "it is left out."]  # fmt: skip


def test_audit_looks_at_every_case(plain, consep):
    found = audit(open_dataset([plain, consep]))

    assert [row.objects.count for row in found.rows] == [10, 3]


def regions(root, names):
    write_picture(root / "images" / "a.png", np.eye(8, dtype=np.uint8))
    write_picture(root / "masks" / "a.png", np.arange(64).reshape(8, 8).astype(np.uint8) % 3)
    (root / "labels.yaml").write_text("".join(f"{name}: {id}\n" for name, id in names.items()))
    return root


def test_regions_are_renumbered_where_labels_are_the_same(tmp_path):
    first = regions(tmp_path / "one", {"liver": 1, "spleen": 2})
    second = regions(tmp_path / "two", {"spleen": 1, "liver": 2})

    data = open_dataset([first, second])
    one, two = (data.case(id).mask.array for id in data.ids())

    assert data.labels.names == ("liver", "spleen")
    assert one[0, :3].tolist() == [0, 1, 2]
    assert two[0, :3].tolist() == [0, 2, 1]


def test_regions_of_other_labels_are_refused(tmp_path):
    first = regions(tmp_path / "one", {"liver": 1, "spleen": 2})
    second = regions(tmp_path / "two", {"liver": 1, "kidney": 2})

    with pytest.raises(DatasetError, match="would be taken for background"):
        open_dataset([first, second])


def test_regions_beside_objects_and_other_channels_are_refused(tmp_path, plain):
    coloured = regions(tmp_path / "one", {"liver": 1, "spleen": 2})
    write_picture(coloured / "images" / "a.png", np.ones((8, 8, 3), np.uint8))
    scans = write_decathlon(tmp_path / "scans", values=labels(1)[0, 0, :1])

    with pytest.raises(DatasetError, match="only marks regions"):
        open_dataset([plain, coloured])
    with pytest.raises(DatasetError, match="channels"):
        open_dataset([plain, scans])


def test_unknown_case_is_refused(plain, consep):
    with pytest.raises(DatasetError, match="no usable case"):
        open_dataset([plain, consep]).case("p_tile1")
