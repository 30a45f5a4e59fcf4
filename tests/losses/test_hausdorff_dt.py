"""The Hausdorff estimate, by hand on a line of voxels."""

import pytest
import torch

from delineate.losses.hausdorff_dt import hausdorff_dt_loss

BIG = 40.0


def line(*values):
    return torch.tensor(values).reshape(1, 1, -1)


def scores(*values):
    return (line(*values) * 2.0 - 1) * BIG


def test_errors_weigh_the_squares_of_their_distances():
    truth, answer = line(1, 0, 0, 0), scores(1, 0, 0, 1)

    loss = hausdorff_dt_loss(answer, truth)

    # The last voxel is wrong: 3 from the truth, 1 from the border of the answer; diagonal 4.
    assert float(loss) == pytest.approx((3**2 + 1**2) / 4**2 / 4, abs=1e-6)


def test_farther_errors_cost_more():
    truth = line(1, 0, 0, 0, 0, 0)

    near = hausdorff_dt_loss(scores(1, 0, 1, 0, 0, 0), truth)
    far = hausdorff_dt_loss(scores(1, 0, 0, 0, 0, 1), truth)

    assert far > 3 * near


def test_size_of_the_image_does_not_matter():
    small = torch.zeros(1, 1, 8, 8, dtype=torch.long)
    small[..., 2:6, 2:6] = 1
    answer = (small.roll(1, -1) * 2.0 - 1) * BIG

    units = hausdorff_dt_loss(answer, small)
    halves = hausdorff_dt_loss(answer, small, spacing=[0.5, 0.5])

    assert float(units) == pytest.approx(float(halves))


def test_truth_without_border_weighs_nothing_or_all():
    logits, truth = torch.zeros(1, 1, 4), line(0, 0, 0, 0)  # half is not above a half

    assert float(hausdorff_dt_loss(logits, truth)) == 0
    assert float(hausdorff_dt_loss(logits, truth, absent="keep")) == pytest.approx(0.25 * 2)
