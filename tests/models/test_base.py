"""Padding, cropping and joining levels, as every network does."""

import torch

from delineate.models.base import crop, join, pad_to, resize


def test_padding_continues_the_far_edges_and_cropping_takes_it_away():
    image = torch.arange(6.0).reshape(1, 1, 2, 3)

    padded = pad_to(image, (4, 2))

    assert padded.shape == (1, 1, 4, 4)
    assert padded[0, 0, 3].tolist() == [3, 4, 5, 5]
    assert torch.equal(crop(padded, (2, 3)), image)


def test_what_needs_no_padding_is_not_copied():
    image = torch.zeros(1, 1, 4, 6)

    assert pad_to(image, (2, 3)) is image
    assert resize(image, (4, 6)) is image


def test_joined_levels_stand_over_the_same_places():
    fine = torch.zeros(1, 1, 4, 4)
    coarse = torch.tensor([[[[0.0, 4.0], [0.0, 4.0]]]])

    joined = join([fine, coarse])

    assert joined.shape == (1, 2, 4, 4)
    assert joined[0, 1, 0].tolist() == [0, 1, 3, 4]
