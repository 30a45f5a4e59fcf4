"""Cells find the tissue that they belong to."""

import numpy as np
import pytest

from delineate.datasets.architecture import Style, lay_out
from delineate.datasets.population import (
    CONNECTIVE,
    EPITHELIAL,
    INFLAMMATORY,
    MARGIN_UM,
    populate,
)


@pytest.fixture(scope="module")
def settled():
    rng = np.random.default_rng(1)
    style = Style.of(rng, "inflamed")
    ground = lay_out(rng, style, (400, 400), 0.5)
    return ground, populate(rng, ground, style)


def places(cells, type):
    return np.array([cell.shape.centre for cell in cells if cell.type == type])


def test_every_type_settles_in_its_own_tissue(settled):
    ground, cells = settled

    epithelial, connective = places(cells, EPITHELIAL), places(cells, CONNECTIVE)
    lymphocytes = places(cells, INFLAMMATORY)

    assert (ground.at(ground.depth, epithelial) > 0).all()
    assert (ground.at(ground.depth, connective) < 0).mean() > 0.9
    assert (ground.at(ground.depth, lymphocytes) < 0).mean() > 0.9
    assert (ground.at(ground.lumen, lymphocytes) < 0).all()


def test_types_have_their_shapes(settled):
    axes = {
        type: np.array([cell.shape.axes for cell in settled[1] if cell.type == type])
        for type in (EPITHELIAL, INFLAMMATORY, CONNECTIVE)
    }

    stretch = {type: np.median(both[:, 0] / both[:, 1]) for type, both in axes.items()}

    assert stretch[INFLAMMATORY] < 1.2 < stretch[EPITHELIAL] < 2.2 < stretch[CONNECTIVE]
    assert axes[INFLAMMATORY].mean() < axes[EPITHELIAL].mean()


def test_cells_are_cut_by_the_picture_on_all_sides(settled):
    ground, cells = settled
    size = np.array(ground.shape) * ground.mpp

    centres = np.array([cell.shape.centre for cell in cells])

    assert (centres.min(axis=0) < 0).all()
    assert (centres.max(axis=0) > size - 1).all()
    assert ((centres >= -MARGIN_UM) & (centres <= size + MARGIN_UM)).all()
