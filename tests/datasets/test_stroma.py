"""What lies between nuclei: fibres along the stream, pale lumina, cytoplasm of its own shade."""

import numpy as np

from delineate.datasets.architecture import Ground, Style, lay_out
from delineate.datasets.population import populate
from delineate.datasets.stroma import fibres, paint_tissue


def painted(pattern, seed):
    rng = np.random.default_rng(seed)
    style = Style.of(rng, pattern)
    ground = lay_out(rng, style, (320, 320), 0.5)
    return ground, paint_tissue(rng, ground, style, populate(rng, ground, style))


def test_dyes_are_never_negative():
    for pattern in ("glands", "stroma"):
        assert painted(pattern, 0)[1].min() >= 0


def test_lumina_take_less_dye_than_epithelium():
    ground, dyes = painted("glands", 2)

    taken = dyes.sum(axis=0)

    assert taken[ground.lumen > 2].mean() < taken[(ground.depth > 3) & (ground.lumen < -3)].mean()


def test_epithelium_takes_more_haematoxylin_than_stroma():
    ground, dyes = painted("nests", 1)

    assert dyes[0][ground.depth > 2].mean() > dyes[0][ground.depth < -2].mean()


def test_fibres_run_along_the_stream():
    plane = np.zeros((120, 120), np.float32)
    y = plane + np.arange(120, dtype=np.float32)[:, None] / 4
    ground = Ground(
        mpp=0.25, depth=plane, lumen=plane, vessel=plane, stream=y, along=y.T, density=plane + 1
    )

    threads = fibres(np.random.default_rng(0), ground, width_um=1.5, length_um=40)
    across, along = (np.abs(np.diff(threads, axis=axis)).mean() for axis in (0, 1))

    assert across > 4 * along
    assert 0.4 < threads.std() < 1.5


def test_tissue_without_epithelium_can_be_painted():
    rng = np.random.default_rng(0)
    style = Style.of(rng, "stroma")
    ground = lay_out(rng, style, (64, 64), 0.25)

    dyes = paint_tissue(rng, ground, style, [])

    assert np.isfinite(dyes).all()
