"""How far a predicted border lies from the true one, place by place and with its sign."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.metrics.overlap import check_shapes


def border_error(
    prediction: NDArray[Any], truth: NDArray[Any], spacing_mm: tuple[float, ...]
) -> NDArray[np.float32]:
    """Measure from every voxel to the true border, negative where the truth reaches further.

    Read on the predicted border it says by how much the prediction is too large (above 0) or
    too small (below 0) there. The distance is the one to the nearest border voxel of the truth,
    as for HD95, through all three axes and not within a slice.

    Args:
        prediction: Mask, (*S), bool; its shape alone is checked.
        truth: Mask, (*S), bool.
        spacing_mm: Voxel size in array order, in mm.

    Returns:
        Signed distance in mm, (*S); inf everywhere if the truth is empty.
    """
    from scipy import ndimage  # the metrics' face stays light

    check_shapes(prediction, truth)
    inside = np.asarray(truth, dtype=bool)
    if not inside.any():
        return np.full(inside.shape, np.inf, dtype=np.float32)
    far = ndimage.distance_transform_edt(~rim(inside), sampling=spacing_mm)
    signed: NDArray[np.float32] = np.where(inside, -far, far).astype(np.float32)
    return signed


def rim(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find the voxels of a mask with a face-neighbour outside; beyond the array is outside.

    Args:
        mask: Mask, (*S), bool.

    Returns:
        Its border, (*S), bool.
    """
    from scipy import ndimage

    return np.asarray(mask & ~ndimage.binary_erosion(mask))
