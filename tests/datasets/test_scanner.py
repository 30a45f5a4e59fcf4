"""What the scanner adds."""

import numpy as np

from delineate.datasets.scanner import Scanner


def test_noise_in_air_is_rician_and_gain_scales():
    scanner = Scanner(bias=0.0, blur=(0, 0, 0), noise=0.02, gain=1000)

    image = scanner.scan(np.zeros((8, 64, 64), np.float32), np.random.default_rng(0))

    assert np.isclose(image.mean(), 1000 * 0.02 * np.sqrt(np.pi / 2), rtol=0.02)


def test_coils_brighten_smoothly():
    scanner = Scanner(bias=0.2, blur=(0, 0, 0), noise=0.0, gain=1000)

    image = scanner.scan(np.ones((8, 64, 64), np.float32), np.random.default_rng(0)).astype(float)

    assert image.std() > 20
    assert np.abs(np.diff(image, axis=2)).max() < 60


def test_settings_differ_by_chance():
    assert Scanner.of(np.random.default_rng(1)) != Scanner.of(np.random.default_rng(2))
