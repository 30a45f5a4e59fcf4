import numpy as np
import pytest
import torch
from scipy import ndimage

from delineate.infer.doubt import boundary_score, image_score, tell_doubts


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


@pytest.mark.parametrize("space", [(40, 52), (30, 26, 24)])
def test_one_image_has_the_score_of_its_whole_grid(space):
    rng = np.random.default_rng(1)
    found = np.zeros(space, bool)
    found[tuple(slice(2, 9) for _ in space)] = True
    found[tuple(slice(5, 14) for _ in space)] = True
    doubt = rng.random(space).astype(np.float16)
    whole = boundary_score(torch.from_numpy(doubt)[None], torch.from_numpy(found)[None])

    labels = image_score(doubt, found.astype(np.uint8) * 4)
    layers = image_score(doubt, np.stack([found, np.zeros_like(found)]))

    assert labels == pytest.approx(whole.item(), rel=1e-5)
    assert layers == labels


@pytest.mark.parametrize("value", [0, 1])
def test_one_image_without_a_border_has_no_score(value):
    assert image_score(np.ones((9, 9)), np.full((9, 9), value)) is None


def test_the_least_sure_are_named_first_and_the_mean_is_told():
    text = tell_doubts({"a": 0.1, "b": 0.4, "c": None, "d": 0.25})

    assert text == (
        " Mean uncertainty near borders 0.250; the least sure: b (0.400), d (0.250), a (0.100)."
    )
    assert tell_doubts({}) == ""
    assert "No border" in tell_doubts({"c": None})
