"""How unsure a network is of an image as a whole: its doubt where what it found ends.

Inside an organ or nucleus, and far from it, nearly every voxel is certain, whatever the
outline is worth; so the mean over the image says how much border there is, not how good.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

WIDTH = 3
"""Voxels to either side of a border that belong to it."""
NUM_NAMED = 5
"""Cases that are named as the least sure."""


def image_score(doubt: NDArray[Any], labels: NDArray[Any]) -> float | None:
    """Mean doubt near the border of what was found in one image.

    Args:
        doubt: In [0, 1], (*S).
        labels: 0 for background, (*S); or layers, (K, *S).

    Returns:
        In [0, 1]; None where nothing or everything is foreground, as there is no border.
    """
    present: NDArray[np.bool_] = np.asarray(labels != 0)
    found: NDArray[np.bool_] = present.max(axis=0) if present.ndim > doubt.ndim else present
    near = []
    for axis in range(found.ndim):
        others = tuple(other for other in range(found.ndim) if other != axis)
        places = np.flatnonzero(found.max(axis=others))
        if not len(places):
            return None
        near.append(slice(max(0, places[0] - WIDTH), places[-1] + 1 + WIDTH))
    parts = (np.ascontiguousarray(array[tuple(near)]) for array in (doubt, found))
    near_doubt, near_found = (torch.from_numpy(part)[None] for part in parts)
    score = float(boundary_score(near_doubt, near_found, width=WIDTH))
    return None if np.isnan(score) else score


def boundary_score(doubt: Tensor, foreground: Tensor, *, width: int = WIDTH) -> Tensor:
    """Mean doubt near the border of what was found: one number an image.

    Args:
        doubt: In [0, 1], (N, *S).
        foreground: What was found, (N, *S), bool.
        width: Voxels to either side of a border that belong to it, at least 1.

    Returns:
        (N,), float32; nan for an image without a border.
    """
    dims = foreground.ndim - 1
    pool: Callable[..., Tensor] = functional.max_pool2d if dims == 2 else functional.max_pool3d
    inside = foreground[:, None].float()

    def widened(mask: Tensor) -> Tensor:
        for _ in range(width):
            mask = pool(mask, 3, stride=1, padding=1)
        return mask

    band = ((widened(inside) > 0) & (widened(1 - inside) > 0))[:, 0]
    axes = tuple(range(1, foreground.ndim))
    total = torch.where(band, doubt.float(), 0).sum(axes)
    return total / band.sum(axes)


def tell_doubts(scores: Mapping[str, float | None]) -> str:
    """Say how unsure a model was of its outlines, and of whose most.

    Args:
        scores: Mean doubt near borders by case, None for one without a border.

    Returns:
        A sentence that begins with a space; nothing where nothing was asked for.
    """
    known = {case: score for case, score in scores.items() if score is not None}
    if not known:
        return " No border was found whose uncertainty could be told." if scores else ""
    mean = sum(known.values()) / len(known)
    least = sorted(known, key=lambda case: -known[case])[:NUM_NAMED]
    named = ", ".join(f"{case} ({known[case]:.3f})" for case in least)
    return f" Mean uncertainty near borders {mean:.3f}; the least sure: {named}."
