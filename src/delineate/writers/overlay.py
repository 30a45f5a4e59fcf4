"""The format that people look at: a prediction drawn over its image.

It shares the ending .png with label pictures, so its files are NAME.overlay.png.
"""

from pathlib import Path

from delineate.core.case import Prediction
from delineate.core.files import whole
from delineate.core.formats import Writer
from delineate.core.image import Image


class OverlayWriter(Writer):
    """Writes a PNG to look at: three planes of a volume, or the picture itself."""

    suffix = ".overlay.png"

    def write(self, prediction: Prediction, path: Path, *, image: Image | None = None) -> None:
        """Draw and write.

        Args:
            prediction: The labels.
            path: A file that ends in .png.
            image: What lies under them; None shows labels on black.
        """
        from delineate.writers.drawing import draw_overlay

        with whole(path) as draft:
            # Level 6 would take four times as long to save a tenth of the bytes.
            draw_overlay(prediction, image).save(draft, format="PNG", compress_level=2)
