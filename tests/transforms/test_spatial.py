"""Turning, resampling and warping: what comes back and what stays in place."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from delineate.transforms.spatial import (
    arrange_back,
    rearrange,
    resample,
    resample_labels,
    warp,
)


@given(st.permutations([0, 1, 2]), st.sets(st.integers(0, 2)), st.booleans())
def test_turning_back_is_the_identity(order, flips, has_channels):
    array = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    array = array if has_channels else array[0]

    turned = rearrange(array, order, sorted(flips))

    assert np.array_equal(arrange_back(turned, order, sorted(flips)), array)


def test_identity_warp_returns_the_source():
    image, labels = torch.randn(2, 5, 6, 7), torch.randint(0, 4, (1, 5, 6, 7))
    centre = (torch.tensor([5.0, 6.0, 7.0]) - 1) / 2

    patch, truth = warp(image, labels, torch.eye(3), centre, (5, 6, 7))

    assert torch.allclose(patch, image, atol=1e-4)
    assert torch.equal(truth.long(), labels)


def test_outside_of_the_source_is_ignored_and_continued():
    image, labels = torch.arange(4.0).expand(1, 4, 4), torch.ones(1, 4, 4)

    patch, truth = warp(image, labels, torch.eye(2), torch.tensor([1.5, 1.5]), (4, 8))

    assert truth[0, 0].tolist() == [-1, -1, 1, 1, 1, 1, -1, -1]
    assert patch[0, 0].tolist() == pytest.approx([0, 0, 0, 1, 2, 3, 3, 3], abs=1e-5)


def test_mirrored_warp_is_a_flip():
    image, labels = torch.randn(1, 4, 6), torch.randint(0, 3, (1, 4, 6))
    centre = torch.tensor([1.5, 2.5])

    patch, truth = warp(image, labels, torch.diag(torch.tensor([1.0, -1.0])), centre, (4, 6))

    assert torch.allclose(patch, image.flip(-1), atol=1e-4)
    assert torch.equal(truth.long(), labels.flip(-1))


def test_displacement_moves_the_source_point():
    image = torch.arange(9.0).expand(1, 9, 9)
    shift = torch.zeros(2, 3, 3)
    shift[1] = 2.0

    patch, _ = warp(
        image,
        torch.zeros(1, 9, 9),
        torch.eye(2),
        torch.tensor([4.0, 4.0]),
        (3, 3),
        displacement=shift,
    )

    assert patch[0, 1].tolist() == pytest.approx([5, 6, 7], abs=1e-4)


@pytest.mark.parametrize("shape", [(4, 10), (9, 3), (16, 16), (5, 7)])
def test_resampling_a_ramp_keeps_its_mean_and_direction(shape):
    ramp = torch.linspace(0, 1, 10)[None, None, :, None].expand(1, 1, 10, 10).contiguous()

    out = resample(ramp, shape)

    assert out.shape[2:] == shape
    assert float(out.mean()) == pytest.approx(0.5, abs=0.02)
    assert (out.diff(dim=2) >= -1e-6).all()


def test_shrinking_averages_instead_of_skipping():
    stripes = torch.tensor([0.0, 4.0] * 6)[None, None, None].expand(1, 1, 3, 12).contiguous()

    assert torch.allclose(resample(stripes, (3, 3)), torch.full((1, 1, 3, 3), 2.0))


def test_labels_are_never_mixed_and_doubling_repeats_them():
    labels = np.array([[1, 7], [7, 1]], dtype=np.int16)

    assert np.array_equal(resample_labels(labels, (4, 4)), labels.repeat(2, 0).repeat(2, 1))
    assert resample_labels(labels, (3, 5)).dtype == np.int16


def test_labels_and_images_agree_on_where_voxels_lie():
    blob = np.zeros((1, 20, 20), dtype=np.int16)
    blob[0, 6:14, 4:12] = 1

    small = resample(torch.from_numpy(blob[None]).float(), (10, 15))[0, 0].numpy() > 0.5

    overlap = (small & (resample_labels(blob, (10, 15))[0] == 1)).sum()
    assert overlap / small.sum() > 0.9
