"""Dice beside losses of shape: stated sums."""

import pytest
import torch

from delineate.losses import get_loss

PARTS = {
    "dice_boundary": (0.75, "boundary", 0.25, {"share": 0.25}),
    "dice_cldice": (0.75, "cldice", 0.25, {"share": 0.25}),
    "dice_hausdorff": (1.0, "hausdorff_dt", 7.0, {"hausdorff_weight": 7.0}),
}


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("kind", ["classes", "layers"])
def test_loss_is_its_stated_sum(name, kind):
    logits = torch.randn(2, 3, 8, 9)
    target = torch.randint(0, 2, (2, 8, 9) if kind == "classes" else (2, 3, 8, 9))
    share, other, weight, options = PARTS[name]

    loss = get_loss(name, **options)(logits, target)

    total = share * get_loss("dice")(logits, target) + weight * get_loss(other)(logits, target)
    assert float(loss) == pytest.approx(float(total), abs=1e-6)


def test_options_reach_both_terms():
    logits, target = torch.randn(1, 3, 8, 9), torch.zeros(1, 8, 9, dtype=torch.long)
    target[:, 2:5, 2:5] = 1
    options = {"spacing": [2.0, 1.0], "clip": 3.0, "absent": "skip"}

    loss = get_loss("dice_boundary", share=0.5, **options)(logits, target)

    halves = get_loss("dice", absent="skip")(logits, target) + get_loss("boundary", **options)(
        logits, target
    )
    assert float(loss) == pytest.approx(float(halves) / 2, abs=1e-6)
