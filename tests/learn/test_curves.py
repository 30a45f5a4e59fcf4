"""The picture of a run."""

import numpy as np
from PIL import Image

from delineate.learn.curves import draw_curves


def rows(**scores):
    return [
        {
            "step": 10.0 * turn,
            "seconds": 60.0 * turn,
            "loss": 1 / turn,
            "learning_rate": 0.1,
            **scores,
        }
        for turn in (1, 2, 3)
    ]


def test_picture_has_ink_in_both_halves(tmp_path):
    draw_curves(tmp_path / "progress.png", rows(dice=0.5, **{"dice liver": 0.4}))

    pixels = np.asarray(Image.open(tmp_path / "progress.png").convert("L"))
    middle = pixels.shape[1] // 2
    assert (pixels[:, :middle] < 128).sum() > 500
    assert (pixels[:, middle:] < 128).sum() > 500


def test_run_without_validation_is_drawn_too(tmp_path):
    draw_curves(tmp_path / "progress.png", rows())

    assert (tmp_path / "progress.png").stat().st_size > 1000
