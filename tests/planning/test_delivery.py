"""Prediction and scoring are planned for the machine and the number of patients."""

import pytest

from delineate.planning import Machine
from delineate.planning.delivery import choose_flips, choose_folds, choose_overlap

MIRRORED = {"mirror_axes": [2]}


@pytest.mark.parametrize(
    ("patch", "device", "overlap"),
    [
        ((144, 272, 272), "cpu", 0.5),
        ((96, 96, 96), "cpu", 0.5),
        ((32, 64, 64), "cpu", 0.25),
        ((32, 64, 64), "cuda", 0.5),
    ],
)
def test_many_tiles_overlap_less_on_a_cpu(bowel_mr, draft, patch, device, overlap):
    plan = choose_overlap(bowel_mr, draft(bowel_mr, patch=patch), Machine(device=device))

    assert plan.overlap == overlap


def test_slices_that_fit_in_a_tile_have_nothing_to_overlap(bowel_mr, draft):
    plan = choose_overlap(bowel_mr, draft(bowel_mr, dims=2, patch=(272, 272)), Machine())

    assert plan.overlap == 0.5


def test_mirror_images_are_averaged_where_that_is_cheap_and_trained(hippocampus, draft):
    mirrored, plain = draft(hippocampus, augmentation=MIRRORED), draft(hippocampus)
    gpu = Machine(device="cuda")

    assert choose_flips(hippocampus, mirrored, gpu).flips == (2,)
    assert choose_flips(hippocampus, plain, gpu).flips == ()
    assert choose_flips(hippocampus, mirrored, Machine()).flips == ()


@pytest.mark.parametrize(("patients", "folds"), [(1, 1), (2, 2), (4, 4), (5, 5), (260, 5)])
def test_there_are_never_more_folds_than_patients(make_fingerprint, draft, patients, folds):
    found = make_fingerprint([(64, 64)], [(1.0, 1.0)], num_patients=patients)

    plan = choose_folds(found, draft(found), Machine())

    assert plan.num_folds == folds
    assert "patient" in plan.reasons["num_folds"]
