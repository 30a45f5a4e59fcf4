import numpy as np
from PIL import Image as Picture

from delineate.writers import write_prediction


def test_an_overlay_is_a_png(tmp_path, predict):
    write_prediction(predict(), tmp_path / "a.overlay.png")

    with Picture.open(tmp_path / "a.overlay.png") as picture:
        assert picture.mode == "RGB"
        assert np.asarray(picture).max() > 200


def test_the_format_wins_over_the_ending(tmp_path, predict):
    write_prediction(predict(), tmp_path / "a.overlay.png", format="overlay")

    assert [path.name for path in tmp_path.iterdir()] == ["a.overlay.png"]
