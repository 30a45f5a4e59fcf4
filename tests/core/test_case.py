from pathlib import Path

import numpy as np
import pytest

from delineate.core.case import Case, Prediction
from delineate.core.errors import DelineateError
from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable


def make_prediction(hand=None):
    mask = Mask.of(np.zeros((2, 2), np.uint8))
    return Prediction(case_id="a", mask=mask, labels=LabelTable.of_names({"x": 1}), hand=hand)


def test_history_grows_in_a_new_case_only():
    case = Case(id="a", patient="p", image=Image.of(np.zeros((1, 2, 2))), history=("read",))

    turned = case.noting("turned", "cropped")

    assert turned.history == ("read", "turned", "cropped")
    assert case.history == ("read",)


def test_a_prediction_writes_itself_by_the_hand_that_it_was_given(tmp_path):
    written = []
    prediction = make_prediction(hand=lambda told, path: written.append((told.case_id, path)))

    path = prediction.save(str(tmp_path / "seg.nii.gz"))

    assert path == tmp_path / "seg.nii.gz"
    assert written == [("a", path)]
    assert isinstance(path, Path)


def test_a_prediction_without_a_hand_says_who_can_write_it():
    prediction = make_prediction()

    with pytest.raises(DelineateError, match="write_prediction"):
        prediction.save("seg.nii.gz")
