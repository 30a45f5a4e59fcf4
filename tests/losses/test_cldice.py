"""Soft skeletons: where they lie, and what breaking a line costs."""

import torch

from delineate.losses.cldice import cldice_loss, soft_skeleton
from delineate.losses.overlap import dice_loss


def test_skeleton_of_a_bar_is_its_middle_line():
    bar = torch.zeros(1, 1, 9, 15)
    bar[..., 3:6, 2:13] = 1

    skeleton = soft_skeleton(bar, 3)[0, 0]

    assert (skeleton[4, 4:11] == 1).all()
    assert skeleton[3, 4:11].sum() == 0
    assert skeleton[5, 4:11].sum() == 0


def test_thin_line_in_a_volume_is_its_own_skeleton():
    line = torch.zeros(1, 1, 5, 5, 9)
    line[..., 2, 2, 1:8] = 1

    assert torch.equal(soft_skeleton(line, 2), line)


def test_broken_line_costs_more_than_a_thinner_one_of_better_dice():
    target = torch.zeros(1, 11, 31, dtype=torch.long)
    target[:, 4:7, 1:30] = 1
    broken, thin = target.clone(), target.clone()
    broken[:, :, 13:18] = 0
    thin[:, 4] = 0
    thin[:, 6] = 0
    costs = {}

    for name, answer in (("broken", broken), ("thin", thin)):
        logits = (torch.stack([1 - answer, answer], dim=1) * 2.0 - 1) * 20
        costs[name] = (float(cldice_loss(logits, target)), float(dice_loss(logits, target)))

    assert costs["broken"][0] > costs["thin"][0]
    assert costs["broken"][1] < costs["thin"][1]


def test_each_time_of_thinning_reaches_one_voxel_deeper():
    bar = torch.zeros(1, 1, 15, 25)
    bar[..., 4:11, 3:22] = 1  # its middle line lies 3 voxels below its border

    lines = [soft_skeleton(bar, iterations)[0, 0, 7, 9:16].tolist() for iterations in (2, 3)]

    assert lines == [[0.0] * 7, [1.0] * 7]
