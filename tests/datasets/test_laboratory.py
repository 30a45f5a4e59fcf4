"""Laboratory and scanner: light through dyes, and what a camera loses."""

import numpy as np
import pytest

from delineate.datasets.laboratory import Laboratory, compress


def amounts(blue=0.0, pink=0.0, blood=0.0, size=48):
    ones = np.ones((size, size), np.float32)
    return np.stack([blue * ones, pink * ones, blood * ones])


def shot(seed, **dyes):
    laboratory = Laboratory.of(np.random.default_rng(seed))
    return laboratory.photograph(amounts(**dyes), 0.25, np.random.default_rng(9)).astype(float)


@pytest.mark.parametrize("seed", range(5))
def test_glass_is_white_nuclei_blue_and_fibres_pink(seed):
    glass, nucleus, fibre = shot(seed), shot(seed, blue=0.6), shot(seed, pink=0.3)

    assert glass.mean() > 225
    assert nucleus[2].mean() > nucleus[1].mean()
    assert fibre[0].mean() > fibre[2].mean() > fibre[1].mean()
    assert nucleus.mean() < fibre.mean() < glass.mean()


def test_laboratories_differ():
    pictures = np.array([shot(seed, blue=0.5).mean(axis=(1, 2)) for seed in range(8)])

    assert pictures.std(axis=0).min() > 5


def test_lens_blurs_edges():
    dyes = amounts()
    dyes[0, :, 24:] = 0.8

    row = Laboratory.of(np.random.default_rng(0)).photograph(dyes, 0.25, np.random.default_rng(0))
    step = np.abs(np.diff(row[1].astype(float).mean(axis=0)))

    assert 0.15 < step.max() / step.sum() < 0.75


def test_compression_leaves_flat_colours_and_loses_fine_ones():
    rng = np.random.default_rng(0)
    flat = np.full((3, 37, 50), 120, np.float32)
    noisy = flat + rng.normal(0, 20, flat.shape).astype(np.float32)

    assert compress(noisy, 0.0) is noisy
    np.testing.assert_allclose(compress(flat, 4.0), flat, atol=3)
    assert compress(noisy, 4.0).shape == noisy.shape
    assert 1 < np.abs(compress(noisy, 4.0) - noisy).mean() < 20
