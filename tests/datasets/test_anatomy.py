"""The painted frame of the body."""

import numpy as np

from delineate.datasets import anatomy
from delineate.datasets.shapes import Space


def canvas():
    up, back, left = np.meshgrid(
        np.linspace(-90, 90, 10, dtype=np.float32),
        np.linspace(-130, 130, 52, dtype=np.float32),
        np.linspace(-180, 180, 72, dtype=np.float32),
        indexing="ij",
    )
    space = Space(left=left, back=back, up=up, step_mm=5.0)
    chance = [np.random.default_rng(place) for place in range(2)]
    return anatomy.Canvas(space=space, signal=anatomy.SIGNAL, anatomy=chance[0], today=chance[1])


def test_cavity_lies_inside_the_body_and_air_outside():
    paper = canvas()

    cavity = anatomy.paint_frame(paper, fatness=1.0)

    assert cavity[5, 26, 36] < 0 < cavity[5, 0, 36]
    assert paper.picture[:, 0].max() < 0.05
    assert (paper.picture[cavity < 0] > 0.05).mean() > 0.9


def test_liver_is_on_the_right_and_organs_stay_inside():
    paper = canvas()
    cavity = anatomy.paint_frame(paper, fatness=1.0)

    organs = anatomy.paint_organs(paper, cavity)

    assert organs[8, 24, 20] < 0 < organs[8, 12, 56]


def test_later_paint_covers_earlier():
    paper = canvas()
    everywhere = np.full(paper.picture.shape, -50, np.float32)

    paper.paint(everywhere, 0.5)
    paper.paint(everywhere, 1.0, opacity=0.5)

    np.testing.assert_allclose(paper.picture, 0.75)
