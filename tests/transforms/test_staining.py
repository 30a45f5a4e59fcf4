"""Stains taken apart and laid over each other, and JPEG's loss of detail."""

import io

import numpy as np
import pytest
import torch
from PIL import Image as Picture

from delineate.transforms.staining import HED, compress, vary_stains


def colours(count=2):
    return torch.rand(count, 3, 24, 32, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.1


def test_unit_gain_and_no_offset_change_nothing():
    image = colours()

    same = vary_stains(image, gain=torch.ones(2, 3), offset=torch.zeros(2, 3))

    assert torch.allclose(same, image, atol=1e-5)


def test_gain_of_one_stain_moves_along_its_vector_only():
    vectors = torch.tensor(HED)
    vectors = vectors / vectors.norm(dim=1, keepdim=True)
    density = 0.5 * vectors[0] + 0.4 * vectors[1]
    image = (-density).exp().reshape(1, 3, 1, 1)

    darker = vary_stains(image, gain=torch.tensor([[2.0, 1, 1]]), offset=torch.zeros(1, 3))

    expected = (-(1.0 * vectors[0] + 0.4 * vectors[1])).exp()
    assert torch.allclose(darker.flatten(), expected, atol=1e-4)


def test_offset_darkens_and_hue_turns_colours():
    image = colours()

    darker = vary_stains(image, gain=torch.ones(2, 3), offset=torch.full((2, 3), 0.1))
    turned = vary_stains(
        image, gain=torch.ones(2, 3), offset=torch.zeros(2, 3), hue=torch.full((2, 3, 3), 0.2)
    )

    assert (darker < image).all()
    assert not torch.allclose(turned, image, atol=0.02)
    assert turned.min() >= 0
    assert turned.max() <= 1


def test_each_sample_has_its_own_amount():
    image = colours(1).repeat(2, 1, 1, 1)

    changed = vary_stains(
        image, gain=torch.tensor([[1.0, 1, 1], [1.5, 1, 1]]), offset=torch.zeros(2, 3)
    )

    assert torch.allclose(changed[0], image[0], atol=1e-5)
    assert not torch.allclose(changed[1], image[1], atol=0.01)


@pytest.mark.parametrize("quality", [20, 50, 90])
def test_compression_agrees_with_the_jpeg_of_a_library_on_grey_images(quality):
    smooth = torch.nn.functional.interpolate(
        torch.rand(1, 1, 9, 12, generator=torch.Generator().manual_seed(1)),
        (72, 96),
        mode="bicubic",
    ).clamp(0, 1)
    pixels = (smooth[0, 0].numpy() * 255).round().astype(np.uint8)
    stream = io.BytesIO()
    Picture.fromarray(pixels).save(stream, format="JPEG", quality=quality)
    judge = np.asarray(Picture.open(stream), dtype=np.float64)

    ours = compress(torch.from_numpy(pixels / 255.0)[None, None].float(), torch.tensor([quality]))

    gap = np.abs(ours[0, 0].numpy() * 255 - judge)
    assert gap.mean() < 0.6
    assert gap.max() < 12  # a cosine half way between two steps may go either way


def test_rim_beyond_whole_blocks_stays():
    image = colours(1)[:, :, :21, :30]

    changed = compress(image, torch.tensor([10.0]))

    assert torch.equal(changed[:, :, 16:], image[:, :, 16:])
    assert torch.equal(changed[:, :, :, 24:], image[:, :, :, 24:])
    assert not torch.allclose(changed[:, :, :16, :24], image[:, :, :16, :24], atol=0.02)
