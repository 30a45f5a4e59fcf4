"""Pictures: PNG, JPEG, TIFF, WebP, GIF and BMP, as intensities or as labels.

Pillow and tifffile are imported when the first picture is opened, so that the table of
readers stays light.
"""

from pathlib import Path

from delineate.core.formats import Reader
from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable
from delineate.readers.content import Content


class RasterReader(Reader):
    """Reads pictures of 8 and 16 bits, grey or coloured, and pages of TIFF.

    An image comes as one channel ("grey",) or as ("red", "green", "blue"): palettes are looked
    up, and an alpha channel is dropped with a note. A mask keeps the indices of its palette.
    """

    suffixes = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".gif", ".bmp")

    def read_image(self, path: Path) -> Image:
        """Read size and colour mode now and the pixels when they are first touched.

        Args:
            path: The file.

        Returns:
            Image of shape (C, Y, X), or (C, Z, Y, X) for a TIFF of several pages.
        """
        return open_raster(path, as_mask=False).image()

    def read_mask(self, path: Path) -> Mask:
        """Read labels; values stay as stored, so that a mask of 0 and 255 has the id 255.

        Args:
            path: The file.

        Returns:
            Mask of ids (Y, X), or (Z, Y, X) for a TIFF of several pages.
        """
        return open_raster(path, as_mask=True).mask()

    def read_labels(self, path: Path) -> LabelTable | None:
        """Read the classes that our own writers leave in a comment.

        Args:
            path: The file.

        Returns:
            The table, or None if the file names no classes.
        """
        return open_raster(path, as_mask=True).labels


def open_raster(path: Path, *, as_mask: bool) -> Content:
    """Read size, colour mode and comment of a picture.

    Args:
        path: The file.
        as_mask: True to keep stored indices, False to look colours up.

    Returns:
        Its content, not loaded yet.
    """
    if path.name.lower().endswith((".tif", ".tiff")):
        from delineate.readers.tiff import open_tiff

        return open_tiff(path, as_mask=as_mask)
    from delineate.readers.picture import open_picture

    return open_picture(path, as_mask=as_mask)
