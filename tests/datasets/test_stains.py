"""Kinds of picture, told by pixels."""

import numpy as np
import pytest

from delineate.datasets.stains import KINDS, kind_of


@pytest.mark.parametrize(
    ("colours", "kind"),
    [((200, 120, 180), "he"), ((230, 225, 235), "gray"), ((8, 8, 8), "fluo"), ((0, 0, 90), "fluo")],
)
def test_dark_is_fluorescence_and_colour_is_stain(colours, kind):
    pixels = np.broadcast_to(np.array(colours, np.uint8)[:, None, None], (3, 8, 8))

    assert kind_of(pixels) == kind
    assert kind in KINDS
