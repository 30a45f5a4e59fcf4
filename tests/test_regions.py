import pickle

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import DatasetError
from delineate.regions import Marker, RegionSettings, draw_regions, score_regions
from delineate.said import true_mask
from delineate.truth import Answer, Truth, find_truth


@pytest.fixture
def made(tmp_path):
    for side, shift in (("truth", 0), ("said", 1)):
        (tmp_path / side).mkdir()
        for name in "ab":
            array = np.zeros((12, 12), np.uint8)
            array[3 + shift : 9 + shift, 3:9] = 1
            Image.fromarray(array).save(tmp_path / side / f"{name}.png")
    files = {name: tmp_path / "said" / f"{name}.png" for name in "ab"}
    return find_truth(tmp_path / "truth"), files


def test_a_marker_can_be_sent_to_another_process(made):
    truth, files = made
    marker = Marker(
        truth=truth, files=files, tolerance_mm=1.0, is_physical=False, settings=RegionSettings()
    )

    there = pickle.loads(pickle.dumps(marker))("a")

    assert there.rows == marker("a").rows
    assert there.failure is None


def test_a_bad_file_is_a_failure_and_the_others_are_scored(made):
    truth, files = made
    files["a"].write_bytes(b"nothing")

    board = score_regions(truth, files, RegionSettings(), model="m")

    assert board.cases == ("b",)
    assert board.failures[0].case == "a"
    assert (board.model, board.unit, board.tolerance_mm) == ("m", "px", 1.0)


def test_pictures_of_each_model_stand_together(made):
    truth, files = made
    boards = [score_regions(truth, files, RegionSettings(), model=name) for name in "xy"]

    pictures = draw_regions([(board, files) for board in boards], truth, 1, RegionSettings())

    assert [picture.caption[:1] for picture in pictures] == ["x", "y"]
    assert len({picture.case for picture in pictures}) == 1


def test_objects_alone_have_no_mask(made):
    truth, _ = made
    geometry = truth.open("a").geometry
    bare = Truth(
        labels=truth.labels, patients={}, open=lambda _: Answer(geometry=geometry),
        is_dataset=False, has_objects=True,
    )  # fmt: skip

    with pytest.raises(DatasetError, match="--task instances"):
        true_mask(bare, "a")
