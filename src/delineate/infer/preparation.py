"""From the native grid to the network's: turn, normalise, resample; and the way back.

Training and prediction share this one path, so that a network never sees at work what it
did not see in training.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from delineate.core.geometry import Geometry
from delineate.core.image import Image, Mask
from delineate.core.instances import Instances
from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.transforms.intensity import normalise
from delineate.transforms.spatial import arrange_back, rearrange, resample, resample_labels


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """An image as the network sees it, and what is needed to come back."""

    array: NDArray[np.float32]
    """Normalised intensities in working space, (C, *S)."""
    native: Geometry
    """The grid that the image came on."""
    order: tuple[int, ...]
    """Permutation of the spatial axes that was applied first."""
    flips: tuple[int, ...]
    """Axes reversed after the permutation."""
    canonical_shape: tuple[int, ...]
    """Spatial shape after turning and before resampling."""


def prepare_image(image: Image, plan: Plan) -> Prepared:
    """Turn, normalise and resample an image as the plan says.

    Args:
        image: The image, (C, *S).
        plan: The plan.

    Returns:
        The image in working space.
    """
    order, flips = _turn(image.geometry, plan)
    turned = rearrange(image.array, order, flips)
    shape = working_shape(image.geometry, plan)
    array = normalise(turned, plan.normalisation)
    if shape != turned.shape[1:]:
        array = resample(torch.from_numpy(array)[None], shape)[0].numpy()
    return Prepared(
        array=np.ascontiguousarray(array),
        native=image.geometry,
        order=order,
        flips=flips,
        canonical_shape=turned.shape[1:],
    )


def prepare_mask(mask: Mask, labels: LabelTable, plan: Plan) -> NDArray[Any]:
    """Turn and resample a mask as the plan says.

    Args:
        mask: Truth on the native grid.
        labels: What its numbers mean.
        plan: The plan.

    Returns:
        Class indices (1, *S), int16, -1 where ignored; or, where labels overlap or nest, a
        stack of layers (L, *S) of 0, 1 and -1.
    """
    order, flips = _turn(mask.geometry, plan)
    if labels.is_exclusive:
        layers = _class_indices(mask.array, labels)[None]
    else:
        layers = np.stack([mask.region(label, labels) for label in labels.labels]).astype(np.int16)
        if labels.ignore is not None and mask.num_layers is None:
            layers[:, mask.array == labels.ignore] = -1
    shape = working_shape(mask.geometry, plan)
    return np.ascontiguousarray(resample_labels(rearrange(layers, order, flips), shape))


def prepare_objects(objects: Instances, geometry: Geometry, plan: Plan) -> NDArray[np.int32]:
    """Resample objects as the plan says.

    Args:
        objects: Truth on the native grid.
        geometry: That grid.
        plan: The plan.

    Returns:
        Two maps (2, Y, X): the object of each pixel, and the place of its type from 1; 0
        outside, and -1 in the second map where the type is unknown.
    """
    places = {label.id: place + 1 for place, label in enumerate(plan.labels.labels)}
    found = [places.get(int(kind), -1) for kind in objects.types]
    table = np.array([0, *found], dtype=np.int32)
    ids = resample_labels(objects.ids, working_shape(geometry, plan))
    return np.stack([ids, table[ids]])


def restore_labels(array: NDArray[Any], prepared: Prepared) -> NDArray[Any]:
    """Bring labels of canonical shape back to the native axis order.

    Args:
        array: Anything of shape (..., *canonical_shape).
        prepared: What `prepare_image` returned.

    Returns:
        The same values on the native grid, (..., *native.shape).
    """
    return np.ascontiguousarray(arrange_back(array, prepared.order, prepared.flips))


def working_shape(geometry: Geometry, plan: Plan) -> tuple[int, ...]:
    """Tell how many voxels a grid has at the plan's resolution.

    Args:
        geometry: The native grid.
        plan: The plan.

    Returns:
        Spatial shape after turning and resampling; a grid without millimetres keeps its own.
    """
    order, flips = _turn(geometry, plan)
    turned = geometry.rearranged(order, flips)
    if not geometry.is_physical or len(plan.spacing_mm) != geometry.dims:
        return turned.shape
    return tuple(
        max(1, math.floor(size * have / want + 0.5))
        for size, have, want in zip(turned.shape, turned.spacing_mm, plan.spacing_mm, strict=True)
    )


def _turn(geometry: Geometry, plan: Plan) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if plan.canonical and geometry.is_physical and geometry.dims == 3:
        return geometry.canonical_axes()
    return tuple(range(geometry.dims)), ()


def _class_indices(array: NDArray[Any], labels: LabelTable) -> NDArray[np.int16]:
    highest = max(int(array.max(initial=0)), *labels.values)
    table = np.zeros(highest + 1, dtype=np.int16)
    for place, label in enumerate(labels.labels):
        table[list(label.ids)] = place + 1
    if labels.ignore is not None:
        table[labels.ignore] = -1
    indices: NDArray[np.int16] = table[array]
    return indices
