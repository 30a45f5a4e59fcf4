"""Foreground, offsets and types of an id map."""

import pytest
import torch

from delineate.infer.decoders import OFFSET_SCALE
from delineate.learn.targets import make_targets


def two_objects():
    ids = torch.zeros(2, 9, 9)
    ids[0, 1:4, 1:6] = 3
    ids[0, 4:8, 2:4] = 9  # touches the first
    ids[1, 2:5, 2:5] = 3  # the same id in another patch is another object
    ids[1, :, -1] = -1
    types = torch.where(ids == 3, 2.0, torch.where(ids == 9, -1.0, 0.0))
    return ids, types


def test_every_pixel_points_at_the_centre_of_its_own_object():
    ids, types = two_objects()

    target = make_targets(ids, types)

    rows, columns = torch.meshgrid(torch.arange(9.0), torch.arange(9.0), indexing="ij")
    for patch, number, centre in ((0, 3, (2.0, 3.0)), (0, 9, (5.5, 2.5)), (1, 3, (3.0, 3.0))):
        inside = ids[patch] == number
        y = rows + OFFSET_SCALE * target[patch, 1]
        x = columns + OFFSET_SCALE * target[patch, 2]
        assert torch.allclose(y[inside], torch.tensor(centre[0]), atol=1e-5)
        assert torch.allclose(x[inside], torch.tensor(centre[1]), atol=1e-5)


def test_foreground_knows_objects_background_and_what_is_ignored():
    ids, types = two_objects()

    target = make_targets(ids, types)

    assert torch.equal(target[:, 0], ids.clamp(-1, 1))


def test_types_count_from_zero_and_are_minus_one_where_unknown():
    ids, types = two_objects()

    target = make_targets(ids, types)

    assert set(target[:, 3][ids == 3].tolist()) == {1.0}
    assert set(target[:, 3][ids != 3].tolist()) == {-1.0}


def test_patch_without_objects_is_all_background():
    target = make_targets(torch.zeros(1, 4, 4), torch.zeros(1, 4, 4))

    assert torch.equal(target[:, :3], torch.zeros(1, 3, 4, 4))
    assert torch.equal(target[:, 3], torch.full((1, 4, 4), -1.0))


def test_large_ids_stay_apart():
    ids = torch.zeros(1, 2, 4)
    ids[0, :, :2] = 2.0**24 - 2
    ids[0, :, 2:] = 2.0**24 - 1

    target = make_targets(ids, torch.ones(1, 2, 4))

    assert float(target[0, 2, 0, 0]) * OFFSET_SCALE == pytest.approx(0.5)
    assert float(target[0, 2, 0, 3]) * OFFSET_SCALE == pytest.approx(-0.5)
