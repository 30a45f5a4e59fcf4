"""What a nuclei network learns: foreground, way to the centre and type of every pixel.

They are made of the id map after augmentation, so that they fit the patch as it is seen: the
centre of a nucleus that the patch cuts is that of its visible part.
"""

import torch
from torch import Tensor
from torch.nn import functional

from delineate.infer.decoders import OFFSET_SCALE
from delineate.models.base import Points
from delineate.models.points import gather

IGNORED = -1.0
UNKNOWN = -1.0
"""Type of a pixel outside objects, or of an object that nobody typed."""


def make_targets(ids: Tensor, types: Tensor) -> Tensor:
    """Turn an id map and a type map into the four maps that the loss compares with.

    Args:
        ids: Object of each pixel, (N, Y, X), whole numbers, 0 outside, -1 ignored.
        types: Place of the type of each pixel's object, (N, Y, X), from 1; 0 outside, -1 where
            it is unknown.

    Returns:
        (N, 4, Y, X), float32: foreground (0, 1, or -1 where ignored), offset to the centre
        along y and x in units of `OFFSET_SCALE` pixels, and the type's place from 0, or -1.
    """
    count, height, width = ids.shape
    whole = ids.long()
    inside = whole > 0
    stride = int(whole.max().clamp_min(0)) + 1
    numbered = whole.clamp_min(0) + stride * torch.arange(count).reshape(-1, 1, 1)
    known, flat = torch.unique(numbered[inside], return_inverse=True)
    places = torch.nonzero(inside)
    sizes = torch.bincount(flat, minlength=len(known)).clamp_min(1)
    target = torch.zeros((count, 4, height, width), dtype=torch.float32)
    target[:, 0] = inside.float()
    target[:, 0][whole < 0] = IGNORED
    for axis in (1, 2):
        along = places[:, axis].double()
        centre = torch.bincount(flat, weights=along, minlength=len(known)) / sizes
        target[:, axis][inside] = ((centre[flat] - along) / OFFSET_SCALE).float()
    target[:, 3] = torch.where(inside & (types > 0), types - 1, torch.full_like(types, UNKNOWN))
    return target


def at_points(target: Tensor, points: Points) -> Tensor:
    """Take a target at chosen voxels of a grid; what lies beyond the image is ignored.

    Args:
        target: (N, *S) or (N, K, *S), on the image's grid.
        points: Chosen voxels of that grid or a coarser one.

    Returns:
        (N, P) or (N, K, P): what stands nearest to the middle of each voxel.
    """
    dims = len(points.size)
    layered = target if target.ndim == dims + 2 else target[:, None]
    steps = [-(-a // b) for a, b in zip(layered.shape[2:], points.size, strict=True)]
    missing = [
        grid * step - have
        for grid, step, have in zip(points.size, steps, layered.shape[2:], strict=True)
    ]
    pads = [pad for extra in reversed(missing) for pad in (0, extra)]
    layered = functional.pad(layered, pads, value=-1)
    for axis, (grid, step) in enumerate(zip(points.size, steps, strict=True)):
        middle = torch.arange(grid, device=target.device) * step + step // 2
        layered = layered.index_select(2 + axis, middle)
    chosen = gather(layered, points.places)
    return chosen if target.ndim == dims + 2 else chosen[:, 0]
