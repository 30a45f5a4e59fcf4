"""What a batch of tissue goes through."""

import numpy as np
import torch

from delineate.learn.tissue import vary_tissue

RANGES = {
    "stain": {"gain": 0.35, "offset": 0.08, "hue": 0.06},
    "gamma": [0.8, 1.25],
    "brightness": 0.12,
    "contrast": [0.8, 1.2],
    "grey": 0.5,
    "blur": [0.0, 1.0],
    "lowres": 1.0,
    "noise": 0.04,
    "jpeg": [30.0, 95.0],
}


def batch():
    return torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_no_ranges_change_nothing():
    same = vary_tissue(batch(), {}, np.random.default_rng(0))

    assert torch.allclose(same, batch(), atol=1e-6)


def test_same_seed_gives_the_same_batch_and_another_seed_another():
    first, again, other = (
        vary_tissue(batch(), RANGES, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )

    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=0.01)


def test_colours_stay_in_range_and_samples_differ():
    image = batch()[:1].repeat(4, 1, 1, 1)

    for seed in range(5):
        changed = vary_tissue(image, RANGES, np.random.default_rng(seed))
        assert changed.min() >= 0
        assert changed.max() <= 1
        assert not torch.allclose(changed[0], changed[1], atol=0.01)


def test_grey_takes_all_colour_away():
    changed = vary_tissue(batch(), {"grey": 1.0}, np.random.default_rng(0))

    assert torch.allclose(changed[:, 0], changed[:, 2])
