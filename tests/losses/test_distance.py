"""Distances to borders against brute force and against SimpleITK."""

import numpy as np
import pytest
import torch

from delineate.losses.distance import (
    border_distance,
    distance_to,
    signed_distance,
    signed_distances,
)


def brute(mask, spacing):
    places = np.argwhere(np.ones(mask.shape, bool)) * spacing
    there = np.argwhere(mask) * spacing
    gaps = np.linalg.norm(places[:, None] - there[None], axis=2)
    return gaps.min(1).reshape(mask.shape)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (3.0, 0.5)])
def test_distance_is_that_of_all_pairs(spacing):
    mask = np.random.default_rng(0).random((9, 7)) < 0.15

    assert np.allclose(distance_to(mask, spacing), brute(mask, np.array(spacing)))


def test_nothing_is_infinitely_far():
    assert np.isinf(distance_to(np.zeros((2, 3), bool))).all()


def test_inside_is_negative_and_ignored_voxels_are_no_other_side():
    mask = np.array([0, 0, 1, 1, 1, 0, 0], bool)
    known = np.array([1, 1, 1, 1, 1, 0, 1], bool)

    distances = signed_distance(mask, known)

    assert distances.tolist()[:5] == [2, 1, -1, -2, -2]
    assert distances[6] == 2


def test_signed_distance_is_simpleitk_s_beside_the_border():
    sitk = pytest.importorskip("SimpleITK", reason="SimpleITK is in the extra `dev`.")
    mask = np.zeros((20, 24), bool)
    mask[5:14, 6:19] = True
    mask[9:, 12:14] = False

    mine = signed_distance(mask, np.ones_like(mask))

    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    options = {"squaredDistance": False, "useImageSpacing": False}
    theirs = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(image, **options))
    # Theirs is measured to the outermost voxels inside, so inside it is one step less.
    assert np.allclose(mine[~mask], theirs[~mask], atol=1e-5)
    straight = (mine == -1) & mask
    assert (theirs[straight] == 0).all()


def test_fields_of_a_batch_are_those_of_its_images_and_classes():
    target = torch.randint(0, 3, (2, 5, 6), generator=torch.Generator().manual_seed(0))
    layers = torch.stack([target == k for k in range(3)], dim=1).long()

    of_ids, of_layers = signed_distances(target, 3), signed_distances(layers, 3, layers=True)

    assert of_ids.shape == (2, 3, 5, 6)
    assert torch.equal(of_ids, of_layers)
    one = (target[1] == 2).numpy()
    assert np.array_equal(of_ids[1, 2].numpy(), signed_distance(one, np.ones_like(one)))


def test_border_distance_is_to_the_nearest_other_label():
    ids = np.array([0, 0, 0, 1, 1, 2, -1, 0])

    assert border_distance(ids).tolist() == [3, 2, 1, 1, 1, 1, np.inf, 2]
    assert np.isinf(border_distance(np.zeros((3, 3), int))).all()
