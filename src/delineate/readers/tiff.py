"""TIFF with pages, planes and any depth: tifffile first, Pillow for what it cannot unpack.

tifffile understands more of TIFF, but unpacks LZW, PackBits and JPEG only with a package of
30 MB; Pillow has those three built in.
"""

from pathlib import Path

import numpy as np
import tifffile
from PIL import ImageSequence

from delineate.core.errors import FileError
from delineate.core.geometry import Geometry
from delineate.core.tags import geometry_of_tag, labels_of_tag
from delineate.readers.content import AnyArray, Content, native
from delineate.readers.guard import guarded, present
from delineate.readers.picture import COLOURS, grey_of_colours, indices, opened, pixels
from delineate.readers.resolution import find_resolution

PALETTE = 3
MIN_IS_WHITE = 0
COLOUR_KINDS = {2, 5, 6, 8}  # RGB, CMYK, YCbCr, Lab


def open_tiff(path: Path, *, as_mask: bool) -> Content:
    """Read the tags of a TIFF.

    Args:
        path: A .tif or .tiff file.
        as_mask: True to keep stored indices, False to look colours up.

    Returns:
        Its content: (C, Y, X), or (C, Z, Y, X) if it has several pages.

    Raises:
        FileError: If it is damaged, or has more axes than that.
    """
    with guarded(present(path), "TIFF"), tifffile.TiffFile(path) as tiff:
        series = tiff.series[0]
        kind, num_series = int(series.keyframe.photometric), len(tiff.series)
        sizes = [(axis, n) for axis, n in zip(series.axes, series.shape, strict=True)]
        tag = str(series.keyframe.description or "")
        first = tiff.pages.first
        across, down = (first.tags.valueof(name) for name in ("XResolution", "YResolution"))
        unit = int(first.tags.valueof("ResolutionUnit", default=0) or 0)
    by_axis = dict(sizes)
    stack = [(axis, n) for axis, n in sizes if axis not in "YXSC" and n > 1]
    samples = [n for axis, n in sizes if axis in "SC" and n > 1]
    if len(stack) > 1 or len(samples) > 1 or not by_axis.keys() >= {"Y", "X"}:
        axes = ", ".join(f"{axis} {size}" for axis, size in sizes)
        raise FileError(f"{path} has the axes {axes}. Save one picture or one stack per file.")
    shape = (*(size for _, size in stack), by_axis["Y"], by_axis["X"])
    told = geometry_of_tag(tag, shape) or find_resolution(tag, across, down, unit, shape)
    geometry = told or Geometry.of_spacing(shape)
    if len(shape) == 2:  # our own volume of one slice says so in its tag
        geometry = geometry_of_tag(tag, (1, *shape)) or geometry
    num_samples = (samples or [1])[0]
    is_colour = kind in COLOUR_KINDS or kind == PALETTE
    notes = []
    if (is_colour and num_samples > 3) or (num_samples == 2 and "S" in by_axis):
        notes.append(f"The alpha channel of {path.name} was dropped.")
        num_samples = 3 if num_samples > 3 else 1
    if num_series > 1:
        notes.append(f"{path.name} holds pictures of {num_series} sizes; the first was taken.")
    num_channels = 1 if as_mask else 3 if is_colour else num_samples
    known = {1: ("grey",), 3: COLOURS if is_colour else ()}
    return Content(
        geometry=geometry,
        load=lambda: _load(path, num_channels, geometry.shape, as_mask=as_mask),
        source=str(path),
        num_channels=num_channels,
        channels=known.get(num_channels, ()),
        notes=tuple(notes),
        labels=labels_of_tag(tag),
        comment=tag,
    )


def _load(path: Path, num_channels: int, shape: tuple[int, ...], *, as_mask: bool) -> AnyArray:
    with guarded(path, "TIFF"):
        array = _unpack(path, as_mask=as_mask)
        if array is None:
            array = _unpack_with_pillow(path, as_mask=as_mask)
        if as_mask:
            array = grey_of_colours(array, str(path)) if array.size != np.prod(shape) else array
            return native(array.reshape(1, *shape))
        array = array.reshape(*shape, -1)[..., :num_channels]
        return native(np.ascontiguousarray(np.moveaxis(array, -1, 0)))


def _unpack(path: Path, *, as_mask: bool) -> AnyArray | None:
    """Read with tifffile, samples last; None if Pillow has to do it."""
    with tifffile.TiffFile(path) as tiff:
        series = tiff.series[0]
        page = series.keyframe
        if page.compression not in (1, 8, 32946) or int(page.photometric) in (5, 6, 8):
            return None
        array = series.asarray()
        for axis in "SC":
            if axis in series.axes:
                array = np.moveaxis(array, series.axes.index(axis), -1)
        if int(page.photometric) == PALETTE and not as_mask:
            return np.moveaxis(np.asarray(page.colormap)[:, array], 0, -1) >> 8
        if int(page.photometric) == MIN_IS_WHITE and not as_mask:  # ids are what is stored
            return ~array if array.dtype == np.bool_ else np.iinfo(array.dtype).max - array
        return array.astype(np.uint8) if array.dtype == np.bool_ else array


def _unpack_with_pillow(path: Path, *, as_mask: bool) -> AnyArray:
    with opened(path) as picture:
        frames = [
            indices(frame, str(path)) if as_mask else pixels(frame)
            for frame in ImageSequence.Iterator(picture)
        ]
    first = frames[0].shape
    return np.stack([frame for frame in frames if frame.shape == first])
