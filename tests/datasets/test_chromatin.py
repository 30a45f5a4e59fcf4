"""Nuclei as they are painted: darker than around, rims and nucleoli where they belong."""

import math

import numpy as np

from delineate.datasets.chromatin import Brush, Look, Manner, grain
from delineate.datasets.nuclei_shapes import Shape
from delineate.datasets.population import CONNECTIVE, EPITHELIAL, INFLAMMATORY, Cell

PLAIN = Look(
    dense=0.6, pale=0.0, rim=0.0, clump=0.0, coarse=0.5, nucleoli=0, soft_um=0.5, halo=0.0, body=0.0
)
MPP = 0.25


def painted(look, *cells):
    brush = Brush(np.random.default_rng(0), (80, 80), MPP)
    dyes = np.zeros((3, 80, 80), np.float32)
    for cell in cells:
        brush.paint(dyes, cell, look)
    return dyes


def at(y, x, radius=4.0):
    return Cell(shape=Shape(centre=(y, x), axes=(radius, radius)), type=EPITHELIAL)


def test_dye_fills_the_outline_and_nothing_else():
    blue = painted(PLAIN, at(10, 10))[0]

    assert math.isclose(blue[40, 40], 0.6, rel_tol=1e-4)
    assert blue[:20].max() == 0
    assert abs((blue > 0.3).sum() * MPP**2 / (math.pi * 16) - 1) < 0.1


def test_pale_nuclei_have_a_dark_rim():
    look = Look(**{**vars(PLAIN), "pale": 0.6, "rim": 0.5})

    blue = painted(look, at(10, 10))[0]

    assert blue[40, 40] < 0.6 * blue[40, 24:32].max()


def test_overlap_is_darker_than_either():
    blue = painted(PLAIN, at(10, 8), at(10, 12))[0]

    assert blue[40, 40] > 1.3 * blue[40, 25]


def test_nucleus_beyond_the_border_changes_nothing():
    assert not painted(PLAIN, at(-30, 5)).any()


def test_lymphocytes_are_darker_and_fibroblasts_without_nucleoli():
    rng = np.random.default_rng(0)
    manner = Manner.of(rng, 0.8)

    looks = {
        type: [manner.look(rng, type) for _ in range(100)]
        for type in (EPITHELIAL, INFLAMMATORY, CONNECTIVE)
    }
    dense = {type: np.mean([look.dense for look in drawn]) for type, drawn in looks.items()}

    assert dense[INFLAMMATORY] > 1.2 * dense[EPITHELIAL]
    assert not any(look.nucleoli for look in looks[CONNECTIVE])


def test_grain_has_unit_deviation():
    assert math.isclose(grain(np.random.default_rng(0), (64, 64), 2.0).std(), 1, rel_tol=1e-4)
