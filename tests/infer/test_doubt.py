import numpy as np
import pytest
import torch
from scipy import ndimage

from delineate.infer.doubt import boundary_score


@pytest.mark.parametrize("space", [(20, 22), (12, 10, 14)])
@pytest.mark.parametrize("width", [1, 3])
def test_the_score_of_an_image_is_the_mean_within_a_band_around_the_border(space, width):
    rng = np.random.default_rng(0)
    found = ndimage.gaussian_filter(rng.normal(size=space), 2) > 0
    doubt = rng.random(space, dtype=np.float32)

    box = np.ones([3] * len(space))
    grown = ndimage.binary_dilation(found, box, iterations=width)
    shrunk = ndimage.binary_erosion(found, box, iterations=width, border_value=1)
    wanted = doubt[grown & ~shrunk].mean()
    score = boundary_score(
        torch.from_numpy(doubt)[None], torch.from_numpy(found)[None], width=width
    )

    assert score.item() == pytest.approx(wanted, abs=1e-5)


def test_an_image_without_a_border_has_no_score():
    empty = torch.zeros(2, 4, 4, dtype=torch.bool)
    empty[1] = True

    assert boundary_score(torch.ones(2, 4, 4), empty).isnan().all()
