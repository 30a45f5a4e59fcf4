"""One picture through Pillow: grey or colour decided by its mode, labels by their indices."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from delineate.core.errors import FileError, LabelError
from delineate.core.geometry import Geometry
from delineate.core.tags import KEY, geometry_of_tag, labels_of_tag
from delineate.readers.content import AnyArray, Content, native
from delineate.readers.guard import guarded, present

GREY = {"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"}
COLOURS = ("red", "green", "blue")
LOSSY = (".jpg", ".jpeg")


def open_picture(path: Path, *, as_mask: bool) -> Content:
    """Read the header of a picture.

    Args:
        path: A file that Pillow knows.
        as_mask: True to keep stored indices, False to look colours up.

    Returns:
        Its content, (C, Y, X).

    Raises:
        FileError: If it is damaged, no picture, or an animation.
    """
    with opened(path) as picture:
        mode, (width, height) = picture.mode, picture.size
        has_one = as_mask or is_grey(picture)
        num_frames = getattr(picture, "n_frames", 1)
        tag = str(picture.info.get(KEY, ""))
        orientation = picture.getexif().get(0x0112, 1)
        has_alpha = "transparency" in picture.info or mode in ("RGBA", "LA", "PA", "La", "RGBa")
    if num_frames > 1:
        raise FileError(
            f"{path} has {num_frames} frames where one picture is needed. Save the frames singly."
        )
    notes = []
    if has_alpha:
        notes.append(f"The alpha channel of {path.name} was dropped.")
    if orientation != 1:
        notes.append(f"{path.name} asks viewers to turn it; its pixels were left as stored.")
    if _is_deep_colour(path):
        notes.append(f"The colours of {path.name} were reduced from 16 to 8 bits.")
    return Content(
        geometry=geometry_of_tag(tag, (height, width)) or Geometry.of_spacing((height, width)),
        load=lambda: _load_mask(path)[None] if as_mask else _load_image(path),
        source=str(path),
        num_channels=1 if has_one else 3,
        channels=("grey",) if has_one else COLOURS,
        notes=tuple(notes),
        labels=labels_of_tag(tag),
        comment=tag,
    )


@contextmanager
def opened(path: Path) -> Iterator[Picture.Image]:
    """Open a picture, and speak plainly of whatever goes wrong while it is open.

    Args:
        path: The file.

    Yields:
        The picture, not decoded yet.
    """
    with guarded(present(path), "picture"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large pictures and odd metadata
        with Picture.open(path) as picture:
            yield picture


def is_grey(picture: Picture.Image) -> bool:
    """Tell whether a picture has one channel of intensities.

    Args:
        picture: An open picture.

    Returns:
        True for grey modes, and for a palette of nothing but greys, as GIF writes them.
    """
    if picture.mode == "P":
        palette = np.array(picture.getpalette("RGB") or [0, 1, 2]).reshape(-1, 3)
        return bool((palette == palette[:, :1]).all())
    return picture.mode in GREY


def pixels(picture: Picture.Image) -> AnyArray:
    """Decode intensities.

    Args:
        picture: An open picture of any mode.

    Returns:
        Grey (Y, X) or colours (Y, X, 3), without alpha.
    """
    if picture.mode == "1" or (picture.mode == "P" and is_grey(picture)):
        return np.asarray(picture.convert("L"))
    if picture.mode in ("LA", "La"):
        return np.asarray(picture.getchannel(0))
    return np.asarray(picture if picture.mode in GREY else picture.convert("RGB"))


def indices(picture: Picture.Image, source: str) -> AnyArray:
    """Decode label ids: grey values, or the indices of a palette.

    Args:
        picture: An open picture of any mode.
        source: The file, for the message.

    Returns:
        Ids, (Y, X).

    Raises:
        LabelError: If it is truly coloured, so that nobody knows which colour is which id.
    """
    if picture.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        picture = picture.convert("RGB")
    return grey_of_colours(np.asarray(picture), source)


def grey_of_colours(array: AnyArray, source: str) -> AnyArray:
    """Reduce a mask with equal colour channels to one of them.

    Args:
        array: (Y, X) or (..., Y, X, S) with 1 to 4 samples, the last of 2 or 4 being alpha.
        source: The file, for the message.

    Returns:
        (..., Y, X).

    Raises:
        LabelError: If the colour channels differ.
    """
    if array.ndim == 2:
        return array
    colours = array[..., :3] if array.shape[-1] >= 3 else array[..., :1]
    if (colours != colours[..., :1]).any():
        raise LabelError(
            f"{source} is a coloured picture where label ids are expected. Save the mask as a grey "
            "or palette PNG whose values are the ids 0, 1, 2 ..."
        )
    return colours[..., 0]


def _load_image(path: Path) -> AnyArray:
    with opened(path) as picture:
        array = native(pixels(picture))
    return array[None] if array.ndim == 2 else np.ascontiguousarray(np.moveaxis(array, -1, 0))


def _load_mask(path: Path) -> AnyArray:
    with opened(path) as picture:
        array = native(indices(picture, str(path)))
    if path.name.lower().endswith(LOSSY) and not set(np.unique(array).tolist()) <= {0, 1, 255}:
        raise LabelError(
            f"{path} is a JPEG, whose compression has blurred the label values. Save masks as PNG."
        )
    return array


def _is_deep_colour(path: Path) -> bool:
    """Tell whether a PNG has colours or alpha of 16 bits, of which Pillow keeps 8."""
    with path.open("rb") as stream:
        head = stream.read(26)
    return head[:4] == b"\x89PNG" and head[24] == 16 and head[25] != 0
