"""Dyes on glass: colours taken apart into stains, changed, and laid over each other again.

Stained tissue absorbs light by the law of Beer and Lambert, so what varies from one laboratory
to the next (amount and hue of each dye) is simple in optical density, not in colours.
"""

import torch
from torch import Tensor

HED = ((0.650, 0.704, 0.286), (0.072, 0.990, 0.105), (0.268, 0.570, 0.776))
"""Optical density of haematoxylin, eosin and DAB in red, green and blue.

Source: Ruifrok and Johnston, 2001, Analytical and Quantitative Cytology and Histology 23:291.
"""
DARKEST = 1 / 255
"""Transmitted light below which a camera of 8 bits tells nothing."""


def vary_stains(
    image: Tensor, *, gain: Tensor, offset: Tensor, hue: Tensor | None = None
) -> Tensor:
    """Change the amount, the base and the hue of each stain.

    Args:
        image: Red, green and blue, (N, 3, Y, X), in [0, 1].
        gain: Factor of each stain's amount, (N, 3); 1 leaves it.
        offset: Addend of each stain's amount in optical density, (N, 3); 0 leaves it.
        hue: Change of each stain's vector before normalising, (N, 3, 3): stain, colour; None
            keeps the vectors.

    Returns:
        Changed colours, (N, 3, Y, X), in [0, 1].
    """
    vectors = torch.tensor(HED, dtype=image.dtype, device=image.device)
    vectors = vectors / vectors.norm(dim=1, keepdim=True)
    to_stains = torch.linalg.inv(vectors)
    others = vectors.expand(len(image), 3, 3)
    if hue is not None:
        others = (others + hue).clamp_min(0.01)
        others = others / others.norm(dim=2, keepdim=True)
    # One matrix does it all: density to stains, gain, and back with the changed vectors.
    mixing = to_stains @ (gain[:, :, None] * others)  # (N, colour, colour)
    shift = (offset[:, :, None] * others).sum(1)  # (N, colour)
    density = -image.clamp_min(DARKEST).log().flatten(2)  # (N, colour, Y X)
    changed = torch.baddbmm(shift[:, :, None], mixing.transpose(1, 2), density)
    return changed.neg_().exp_().clamp_(0, 1).reshape(image.shape)


def compress(image: Tensor, quality: Tensor) -> Tensor:
    """Lose detail as JPEG does: blocks of 8 x 8 pixels, their cosines rounded.

    All channels are treated alike, without a change of colour space or coarser colours.

    Args:
        image: Batch, (N, C, Y, X), in [0, 1]; a rim beyond the last whole block stays as it is.
        quality: JPEG's quality of each sample, (N,), 1 to 100.

    Returns:
        Changed batch, (N, C, Y, X), in [0, 1].

    Source:
        ITU-T T.81, annex K.1, table of luminance; scaling as the Independent JPEG Group.
    """
    count, channels, height, width = image.shape
    rows, columns = height // 8, width // 8
    inner = image[:, :, : rows * 8, : columns * 8]
    blocks = inner.reshape(count, channels, rows, 8, columns, 8).transpose(3, 4)
    cosines = _cosines().to(image)
    table = torch.tensor(LUMINANCE, dtype=image.dtype, device=image.device)
    scale = torch.where(quality < 50, 5000 / quality.clamp_min(1), 200 - 2 * quality) / 100
    steps = (table * scale[:, None, None]).clamp_min(1).reshape(count, 1, 1, 1, 8, 8)
    waves = cosines @ (blocks * 255 - 128) @ cosines.T
    rounded = (waves / steps).round_() * steps
    back = ((cosines.T @ rounded @ cosines) + 128) / 255
    changed = image.clone()
    changed[:, :, : rows * 8, : columns * 8] = back.transpose(3, 4).reshape(inner.shape)
    return changed.clamp_(0, 1)


def _cosines() -> Tensor:
    places = torch.arange(8, dtype=torch.float32)
    waves = torch.cos((2 * places + 1) * places[:, None] * torch.pi / 16) / 2
    waves[0] /= 2**0.5
    return waves


LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""Steps that each cosine is rounded to at quality 50."""
