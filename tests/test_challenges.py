"""Official scores of folders."""

import numpy as np
import pytest
from PIL import Image

from delineate.challenges import (
    NEEDS_OBJECTS,
    check_official,
    official_section,
    say_official,
    score_officially,
)
from delineate.core.errors import DelineateError
from delineate.metrics import dice
from delineate.metrics.official import SCORERS
from delineate.truth import find_truth


@pytest.fixture
def squares(tmp_path):
    """A square, and its prediction a pixel to the right, of 56 pixels in common."""
    true, said = np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8)
    true[4:12, 4:12] = 1
    said[4:12, 5:13] = 1
    for side, array in (("truth", true), ("said", said)):
        (tmp_path / side).mkdir()
        Image.fromarray(array).save(tmp_path / side / "a.png")
    return tmp_path / "truth", {"a": tmp_path / "said" / "a.png"}


def test_every_scorer_of_the_command_is_one_of_the_library():
    assert set(NEEDS_OBJECTS) < set(SCORERS)


def test_msd_gives_dice_and_nsd_of_each_class(squares):
    folder, files = squares

    outcome = score_officially("msd", find_truth(folder), files, tolerance_mm=1.0)

    masks = [np.array(Image.open(path)) for path in (files["a"], folder / "a.png")]
    assert outcome.scores["dice"] == pytest.approx(dice(*masks))
    assert outcome.scores["nsd"] == pytest.approx(1.0)
    assert outcome.counts["cases"] == 1
    assert "by area" in outcome.convention


def test_monuseg_gives_aji(squares):
    folder, files = squares

    outcome = score_officially(
        "monuseg", find_truth(folder, has_objects=True), files, tolerance_mm=1.0
    )

    assert outcome.scores == {"aji": pytest.approx(56 / 72)}
    assert say_official({"": outcome})[0] == "Official score monuseg: aji 0.7778."
    assert "<td>0.778</td>" in official_section({"": outcome})


@pytest.mark.parametrize(
    ("name", "words"),
    [("monuseg", "takes objects told apart, but the truth has regions"), ("msdd", "named 'msdd'")],
)
def test_a_scorer_of_something_else_is_refused(squares, name, words):
    with pytest.raises(DelineateError, match=words):
        check_official(name, find_truth(squares[0]))


def test_a_slice_is_no_scan(squares):
    folder, files = squares

    with pytest.raises(DelineateError, match="but a is one slice"):
        score_officially("uw_madison", find_truth(folder), files, tolerance_mm=1.0)
