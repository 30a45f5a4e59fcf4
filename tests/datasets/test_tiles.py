"""What pictures beside files of ids have in common: resolution, patients and ids at a limit."""

import numpy as np
import pytest
from tests.datasets.nuclei import grid_of_ids, write_stardist

from delineate.core.errors import DatasetError
from delineate.datasets.labelmaps import LabelMaps
from delineate.datasets.tiles import look_for


def opened(root, **options):
    return LabelMaps(write_stardist(root, {"ann_tile1": grid_of_ids()}), **options)


def test_resolution_is_unknown_unless_somebody_says_it(tmp_path):
    silent, told = opened(tmp_path).case("ann_tile1"), opened(tmp_path, mpp=0.5).case("ann_tile1")

    assert not silent.image.geometry.is_physical
    assert silent.facts["mpp_from"] is None
    assert told.image.geometry.spacing_mm == (0.0005, 0.0005)
    assert told.facts["mpp_from"] == "by hand"


@pytest.mark.parametrize("mpp", [0, -0.25, float("nan")])
def test_impossible_resolution_is_refused(tmp_path, mpp):
    with pytest.raises(DatasetError, match="mpp must be a positive number"):
        opened(tmp_path, mpp=mpp)


def test_patients_csv_overrules_names(tmp_path):
    before = opened(tmp_path).patient("ann_tile1")
    (tmp_path / "patients.csv").write_text("case,patient\nann_tile1,bob\n")

    assert before == "ann"
    assert opened(tmp_path).patient("ann_tile1") == "bob"


def test_ids_at_the_limit_of_their_own_type_are_remarked_once_read(tmp_path):
    data = opened(tmp_path)
    ids = np.array([[0, 65535], [3, 3]], np.uint16)

    data.numbered("ann_tile1", ids, tmp_path)
    data.numbered("wide", ids.astype(np.int32), tmp_path)

    remarks = [line for line in data.remarks() if "largest" in line]
    assert len(remarks) == 1
    assert "The ids of ann_tile1 reach 65535" in remarks[0]


@pytest.mark.parametrize(
    ("ids", "words"),
    [(np.zeros((2, 3, 4), int), r"one map \(Y, X\)"), (np.full((3, 4), -1), "holds the id -1")],
)
def test_what_cannot_be_ids_is_refused(tmp_path, ids, words):
    with pytest.raises(DatasetError, match=words):
        opened(tmp_path).numbered("ann_tile1", ids, tmp_path)


def test_ids_of_another_size_than_the_picture_are_refused_when_touched(tmp_path):
    write_stardist(tmp_path, {"a": grid_of_ids(), "b": grid_of_ids()})
    (tmp_path / "masks" / "b.tif").unlink()
    write_stardist(tmp_path / "other", {"b": grid_of_ids(size=(30, 30))})
    (tmp_path / "other" / "masks" / "b.tif").rename(tmp_path / "masks" / "b.tif")

    case = LabelMaps(tmp_path).case("b")

    with pytest.raises(DatasetError, match=r"shape \(40, 60\) but objects on a grid of \(30, 30\)"):
        _ = case.mask.array


def test_hidden_files_are_not_seen_and_absent_folders_are_empty(tmp_path):
    (tmp_path / "._a.mat").write_text("")
    (tmp_path / "b.mat").write_text("")

    assert list(look_for(tmp_path, lambda path: path.suffix == ".mat")) == ["b"]
    assert look_for(tmp_path / "none", lambda path: True) == {}
