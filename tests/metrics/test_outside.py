"""Figures that others published, from the same masks."""

import numpy as np
import pytest
from PIL import Image as Picture

from delineate.metrics import (
    average_surface_distance,
    dice,
    hausdorff,
    surface_distances,
    volume_difference_percent,
)

SPACING_MM = (2.0, 0.7266, 0.7266)
"""Distance of the slices' positions, not the header's SliceThickness of 3.2, and pixel sides."""


def stack(folder):
    pictures = [np.array(Picture.open(path)) > 0 for path in sorted(folder.glob("*.png"))]
    return np.stack(pictures)


@pytest.fixture(scope="module")
def liver(shared_data):
    """The challenge's example result beside its truth, (Z, Y, X) each."""
    root = shared_data / "radiology" / "chaos"
    said, true = root / "metric_check" / "Data_3D_Segmentation", root / "CT" / "3" / "Ground"
    return stack(said), stack(true)


def test_the_chaos_challenge_publishes_these_figures_for_its_example(liver):
    said, true = liver

    distances = surface_distances(said, true, SPACING_MM, edge_is_border=False)

    assert dice(said, true) == pytest.approx(0.978, abs=5e-4)
    assert abs(volume_difference_percent(said, true)) == pytest.approx(0.665, abs=5e-4)
    assert average_surface_distance(distances) == pytest.approx(0.734, abs=5e-4)
    assert hausdorff(distances) == pytest.approx(14.0, abs=1e-9)
