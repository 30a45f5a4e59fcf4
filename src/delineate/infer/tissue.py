"""What a picture of tissue must be before a network sees it: colours of 8 bits, known scale."""

import math
from dataclasses import replace

import numpy as np

from delineate.core.colours import in_colours
from delineate.core.errors import FileError, GeometryError
from delineate.core.geometry import Geometry
from delineate.core.image import Image
from delineate.core.plan import Plan

LARGEST_ZOOM = 4.0
"""An image that must be enlarged so much holds no detail that the network knows."""
NEARLY = 0.02
"""Resolutions that differ by less are taken as equal, so that pixels stay as they are."""


def ready_tissue(
    image: Image, plan: Plan, *, mpp: float | None = None, force: bool = False
) -> Image:
    """Bring a picture to the colours and, as far as its header goes, the scale of a plan.

    Args:
        image: A picture (C, Y, X) of 1 or 3 channels, of any depth.
        plan: A plan of objects.
        mpp: Micrometres to a pixel; None means what the file says.
        force: Whether to accept a picture that must be enlarged four times or more.

    Returns:
        The picture in red, green and blue of 8 bits, its pixels still its own.

    Raises:
        GeometryError: If its resolution is unknown, no positive number, or much too coarse.
        FileError: If it has pixels that are no numbers.
    """
    if mpp is not None:
        if not (math.isfinite(mpp) and mpp > 0):
            raise GeometryError(
                f"mpp must be a positive number of micrometres to a pixel, not {mpp:g}. "
                "A scan at 40x has 0.25, one at 20x 0.5."
            )
        grid = Geometry.of_spacing(image.geometry.shape, [mpp / 1000] * image.geometry.dims)
        image = replace(image, geometry=grid)
    if not image.geometry.is_physical:
        raise GeometryError(
            f"{image.source} does not say its resolution, but the model works at "
            f"{plan.spacing_mm[-1] * 1000:g} um to the pixel. Pass --mpp, such as 0.25 for a scan "
            "at 40x or 0.5 at 20x."
        )
    factor = zoom(image.geometry, plan)
    if max(factor) >= LARGEST_ZOOM * (1 - NEARLY) and not force:
        have, want = (1000 * grid[-1] for grid in (image.geometry.spacing_mm, plan.spacing_mm))
        raise GeometryError(
            f"{image.source} has {have:.3g} um to the pixel and would be enlarged "
            f"{max(factor):.3g} times to the model's {want:.3g}, where nuclei are guesses. "
            "Pass a finer scan, correct --mpp, or insist with --force."
        )
    return in_colours(_opened(image))


def zoom(geometry: Geometry, plan: Plan) -> tuple[float, ...]:
    """Say how much a grid is enlarged on its way to the working resolution.

    Args:
        geometry: The grid.
        plan: A plan of objects.

    Returns:
        Factor per axis; exactly 1 where resolutions nearly agree.
    """
    factors = [have / want for have, want in zip(geometry.spacing_mm, plan.spacing_mm, strict=True)]
    return tuple(1.0 if abs(factor - 1) <= NEARLY else factor for factor in factors)


def _opened(image: Image) -> Image:
    """Hold the pixels, so that no second look reads the file again, and say what will change."""
    array = image.array
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        count = int(array.size - np.isfinite(array).sum())
        raise FileError(
            f"{image.source} has {count} values that are NaN or infinite. "
            "Export the picture again, in 8 or 16 bits."
        )
    notes = list(image.notes)
    if len(array) == 1:
        notes.append("The picture is grey; all three colours were given its values.")
    if array.dtype != np.uint8:
        notes.append(f"The values of type {array.dtype} were brought to 8 bits.")
    return replace(image, load=lambda: array, notes=tuple(notes))
