"""Which voxels are chosen, and how their features are fetched."""

import pytest
import torch

from delineate.models.base import resize
from delineate.models.points import Choice, choose, gather, highest, sample


def test_prediction_takes_the_most_unsure_above_the_threshold():
    unsure = torch.tensor([[0.9, 0.01, 0.5, 0.7, 0.02, 0.0]])

    places, kept = choose(unsure, Choice(), 4, is_training=False)

    assert sorted(places[kept].tolist()) == [0, 2, 3]


def test_an_image_that_is_sure_nearly_everywhere_is_left_alone():
    unsure = torch.zeros(2, 1000)
    unsure[0, :4] = 0.9  # 0.4 % of the image
    unsure[1, :6] = 0.9

    _, kept = choose(unsure, Choice(), 10, is_training=False)

    assert kept.sum(1).tolist() == [0, 6]


@pytest.mark.parametrize("has_priority", [False, True])
def test_training_draws_no_place_twice(has_priority):
    torch.manual_seed(0)
    unsure = torch.rand(3, 8, 8)
    priority = torch.rand(3, 8, 8) if has_priority else None

    places, kept = choose(unsure, Choice(), 20, priority, is_training=True)

    assert places.shape == (3, 20)
    assert kept.all()
    assert all(len(set(row.tolist())) == 20 for row in places)


def test_training_prefers_unsure_places_but_goes_anywhere():
    torch.manual_seed(0)
    unsure = torch.zeros(1, 1000)
    unsure[0, :200] = 1.0

    drawn = torch.cat([choose(unsure, Choice(), 100, is_training=True)[0] for _ in range(20)])
    share = (drawn < 200).float().mean()

    assert 0.45 < share < 0.9  # 20 % if drawn evenly
    assert (drawn >= 200).any()


def test_priority_brings_a_rare_class_into_the_draw():
    torch.manual_seed(0)
    unsure = torch.rand(1, 1000)
    priority = torch.ones(1, 1000)
    priority[0, :10] = 1000.0

    def found(weights):
        return sum(
            int((choose(unsure, Choice(), 50, weights, is_training=True)[0] < 10).sum())
            for _ in range(20)
        )

    assert found(priority) > 3 * found(None)


@pytest.mark.parametrize("size", [(8, 12), (4, 6, 10)])
def test_sampling_equals_interpolation(size):
    torch.manual_seed(0)
    coarse = torch.randn(2, 3, *[-(-length // 2) for length in size])
    whole = resize(coarse, size)
    places = torch.randint(0, whole[0, 0].numel(), (2, 30))

    assert torch.allclose(sample(coarse, places, size), gather(whole, places), atol=1e-5)


@pytest.mark.parametrize("threshold", [0.05, 0.99, 2.0])
def test_halving_finds_what_sorting_finds(threshold):
    torch.manual_seed(0)
    unsure = torch.rand(3, 4096)

    places, kept = highest(unsure, threshold, 512)

    for row, found, counts in zip(unsure, places, kept, strict=True):
        best = row.topk(512)
        wanted = set(best.indices[best.values > threshold].tolist())
        assert len(found) == 512
        assert set(found[counts].tolist()) <= wanted
        assert counts.sum() >= len(wanted) - 1


def test_halving_chooses_no_more_than_wanted_among_equals():
    places, kept = highest(torch.full((1, 64), 0.5), 0.05, 8)

    assert places.shape == (1, 8)
    assert not kept.any()
