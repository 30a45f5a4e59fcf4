"""How a picture of cells was made, told by its pixels: stain, fluorescence or bright field."""

import numpy as np

from delineate.core.image import AnyArray

KINDS = {"he": "purple stain", "fluo": "fluorescence", "gray": "bright field and other greys"}
"""What an image may be, and what that means."""
DARK = 100
"""Half of a fluorescence image's pixels are darker than this, of 255."""
PURPLE = 21
"""Mean difference between an image's strongest and weakest colour above which it is stained."""


def kind_of(colours: AnyArray) -> str:
    """Tell by its pixels how an image was made.

    Args:
        colours: (3, Y, X) uint8.

    Returns:
        One of `KINDS`: dark images are fluorescence, light ones with colour are stained.
    """
    if np.median(colours) < DARK:
        return "fluo"
    return "he" if float(np.ptp(colours, axis=0).mean()) > PURPLE else "gray"
