"""How well vessels and other tubes keep together: overlap of centrelines with masks.

The centreline is what is left when voxels are peeled off that can go without joining, cutting
or piercing anything. Voxels are taken in subfields, every other voxel along each axis, so that no
two of a turn are neighbours and all of them may go at once (Németh, Kardos and Palágyi, 2010,
doi:10.1007/978-3-642-13772-3_14).
"""

from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import ShapeError
from delineate.metrics.overlap import check_shapes
from delineate.metrics.surface import bounding_box

Codes = NDArray[np.int64]


def centreline_dice(prediction: NDArray[Any], truth: NDArray[Any]) -> float:
    """Harmonic mean of how much of each centreline lies within the other mask (clDice).

    Args:
        prediction: Mask, (Y, X) or (Z, Y, X), bool.
        truth: Mask of the same shape, bool.

    Returns:
        clDice in [0, 1]; nan if both masks are empty, 0 if one is.

    Raises:
        ShapeError: If the shapes differ or have neither two nor three axes.

    Source:
        Shit et al., 2021, arXiv:2003.07311, equation 3.
    """
    check_shapes(prediction, truth)
    said, true = np.asarray(prediction, dtype=bool), np.asarray(truth, dtype=bool)
    box = bounding_box(said, true)
    if box is None:
        return float("nan")
    if not said.any() or not true.any():
        return 0.0
    said, true = said[box], true[box]
    ours, theirs = skeleton(said), skeleton(true)
    precision = np.count_nonzero(ours & true) / np.count_nonzero(ours)
    recall = np.count_nonzero(theirs & said) / np.count_nonzero(theirs)
    total = precision + recall
    return 2 * precision * recall / total if total else 0.0


def skeleton(mask: NDArray[Any]) -> NDArray[np.bool_]:
    """Thin a mask to its centreline; pieces, holes and cavities stay as many as they were.

    Args:
        mask: Mask, (Y, X) or (Z, Y, X), bool; corners join what is inside, faces what is not.

    Returns:
        Lines one voxel wide, (*S), bool; a cavity keeps a shell around it.

    Raises:
        ShapeError: If the mask has neither two nor three axes.
    """
    inside = np.asarray(mask, dtype=bool)
    if inside.ndim not in (2, 3):
        raise ShapeError(
            f"mask must have 2 or 3 axes, not {inside.ndim}. Pass one class of one case."
        )
    padded = np.pad(inside, 1)
    flat = padded.reshape(-1)
    offsets = _flat_offsets(padded.shape)
    field = sum(np.indices(padded.shape, np.int8)[axis] % 2 << axis for axis in range(mask.ndim))
    fields = np.asarray(field).reshape(-1)
    faces = [place for place, step in enumerate(_steps(mask.ndim)) if np.abs(step).sum() == 1]
    has_changed = True
    while has_changed:
        has_changed = False
        for face in faces:
            here = np.flatnonzero(flat)
            rim = here[~flat[here + offsets[face]]]
            # Ends are those of before the peeling, since what a turn leaves over looks like ends.
            rim = rim[flat[rim[:, None] + offsets].sum(axis=1) > 1]
            for turn in range(2**mask.ndim):
                if _peel(flat, rim[fields[rim] == turn], offsets, mask.ndim):
                    has_changed = True
    return padded[(slice(1, -1),) * mask.ndim]


def _peel(flat: NDArray[np.bool_], voxels: Codes, offsets: Codes, ndim: int) -> bool:
    """Take off those voxels that nothing depends on."""
    if not voxels.size:
        return False
    bits = 1 << np.arange(len(offsets))
    near = flat[voxels[:, None] + offsets]  # (V, 8 or 26)
    can_go = _is_simple(near @ bits, ndim)
    flat[voxels[can_go]] = False
    return bool(can_go.any())


def _is_simple(codes: Codes, ndim: int) -> NDArray[np.bool_]:
    """Say where the inside stays one piece, and the outside too, if the middle goes."""
    # The two counts that make a point simple: Malandain and Bertrand, 1992,
    # doi:10.1109/ICPR.1992.202011.
    by_corner, by_face, touching, within = _adjacency(ndim)
    inside, outside = codes, ~codes & within
    ends = outside & touching
    one_piece = _spread(inside & -inside, inside, by_corner) == inside
    one_outside = (_spread(ends & -ends, outside, by_face) & touching) == ends
    return np.asarray((inside != 0) & one_piece & (ends != 0) & one_outside)


def _spread(start: Codes, allowed: Codes, joined: tuple[int, ...]) -> Codes:
    """Grow sets of neighbours, each a number's bits, as far as they hang together."""
    reached, before = start, np.zeros_like(start)
    while (reached != before).any():
        before = reached
        for place, neighbours in enumerate(joined):
            reached = reached | np.where(reached >> place & 1, neighbours & allowed, 0)
    return reached


def _steps(ndim: int) -> Codes:
    every = np.array(list(product((-1, 0, 1), repeat=ndim)), dtype=np.int64)
    return np.asarray(every[np.abs(every).sum(axis=1) > 0])


def _flat_offsets(shape: tuple[int, ...]) -> Codes:
    strides = np.cumprod((1, *shape[:0:-1]))[::-1]
    return np.asarray(_steps(len(shape)) @ strides)


@cache
def _adjacency(ndim: int) -> tuple[tuple[int, ...], tuple[int, ...], int, int]:
    """Who touches whom around a voxel: by corners, by faces; who touches it, who is within."""
    steps = _steps(ndim)
    bits = 1 << np.arange(len(steps))
    # Outside counts within two steps: a path through a corner of the cube joins nothing.
    length = np.abs(steps).sum(axis=1)
    apart = np.abs(steps[:, None] - steps[None])
    by_corner = tuple(int(row @ bits) for row in apart.max(axis=2) == 1)
    by_face = tuple(int(row @ bits) for row in apart.sum(axis=2) == 1)
    return by_corner, by_face, int(bits[length == 1].sum()), int(bits[length <= 2].sum())
