"""Normalisation and batched changes of intensity."""

import numpy as np
import pytest
import torch

from delineate.core.errors import PlanError
from delineate.transforms import intensity


def test_zscore_has_mean_zero_and_deviation_one():
    array = np.random.default_rng(0).normal(300, 40, (1, 9, 9)).astype(np.float32)

    out = intensity.normalise(array, [{"kind": "zscore"}])

    assert out.dtype == np.float32
    assert (float(out.mean()), float(out.std())) == pytest.approx((0, 1), abs=1e-4)


def test_window_clips_before_it_scales():
    array = np.array([[-1000.0, 0.0, 50.0, 3000.0]])

    out = intensity.normalise(
        array, [{"kind": "window", "low": -100, "high": 100, "mean": 0, "std": 50}]
    )

    assert out[0].tolist() == pytest.approx([-2, 0, 1, 2])


def test_range_maps_bytes_to_one():
    out = intensity.normalise(
        np.array([[0, 255]], np.uint8), [{"kind": "range", "low": 0, "high": 255}]
    )

    assert out[0].tolist() == pytest.approx([0, 1])


def test_constant_image_stays_finite():
    out = intensity.normalise(np.full((1, 3, 3), 7), [{"kind": "zscore"}])

    assert np.array_equal(out, np.zeros((1, 3, 3)))


def test_unknown_kind_and_wrong_count_are_refused():
    with pytest.raises(PlanError, match="zscore, window or range"):
        intensity.normalise(np.zeros((1, 2)), [{"kind": "magic"}])
    with pytest.raises(PlanError, match="one rule per channel"):
        intensity.normalise(np.zeros((2, 2)), [{"kind": "zscore"}])


def batch(dims=2):
    return torch.randn(3, 2, *[8] * dims, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dims", [2, 3])
def test_neutral_parameters_change_nothing(dims):
    image, ones = batch(dims), torch.ones(3, 2)

    same = [
        intensity.adjust(image, gain=ones, offset=0 * ones, contrast=ones),
        intensity.gamma(image, ones),
        intensity.bias_field(image, torch.zeros(3, 1, *[3] * dims)),
        intensity.blur(image, torch.zeros(3)),
        intensity.coarsen(image, 1.0),
    ]

    assert all(torch.allclose(entry, image, atol=1e-5) for entry in same)


def test_gamma_keeps_each_channel_in_its_range():
    image = batch()

    out = intensity.gamma(image, torch.full((3, 2), 2.0))

    assert torch.allclose(out.amin((2, 3)), image.amin((2, 3)), atol=1e-5)
    assert torch.allclose(out.amax((2, 3)), image.amax((2, 3)), atol=1e-5)
    assert out.mean() < image.mean()


def test_contrast_keeps_the_mean():
    image = batch()

    out = intensity.adjust(
        image, gain=torch.ones(3, 2), offset=torch.zeros(3, 2), contrast=torch.full((3, 2), 0.5)
    )

    assert torch.allclose(out.mean((2, 3)), image.mean((2, 3)), atol=1e-5)
    assert float(out.std() / image.std()) == pytest.approx(0.5, abs=0.05)


def test_blur_of_an_impulse_is_binomial():
    image = torch.zeros(1, 1, 5, 5)
    image[0, 0, 2, 2] = 1

    out = intensity.blur(image, torch.ones(1))

    assert out[0, 0, 2].tolist() == pytest.approx([0, 1 / 8, 1 / 4, 1 / 8, 0])


def test_each_sample_has_its_own_amount():
    image = batch()

    out = intensity.blur(image, torch.tensor([0.0, 1.0, 0.0]))

    assert torch.equal(out[0], image[0])
    assert not torch.allclose(out[1], image[1])


def test_losing_resolution_moves_nothing():
    ramp = torch.arange(60.0).reshape(1, 1, 1, 60).repeat(1, 1, 8, 1)

    for factor in (0.4, 0.5, 0.7):
        coarse = intensity.coarsen(ramp, factor)
        assert abs(float((coarse - ramp)[..., 6:-6].mean())) < 0.1
