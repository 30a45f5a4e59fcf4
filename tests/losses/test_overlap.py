"""Dice and Tversky against their definitions."""

import pytest
import torch

from delineate.losses.overlap import (
    dice_loss,
    focal_tversky_loss,
    soft_counts,
    tame_power,
    tversky_loss,
)


def sample():
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(2, 3, 6, 7, generator=generator)
    return logits, torch.randint(0, 3, (2, 6, 7), generator=generator)


def test_equal_weights_make_tversky_dice():
    logits, target = sample()

    half = tversky_loss(logits, target, alpha=0.5, beta=0.5, smooth=0.5)

    assert float(half) == pytest.approx(float(dice_loss(logits, target, smooth=1.0)), abs=1e-7)


def test_dice_follows_its_formula_written_in_loops():
    logits, target = sample()
    chances = logits.softmax(1)

    scores = []
    for place in (1, 2):
        chance, truth = chances[:, place], (target == place).float()
        scores.append((2 * (chance * truth).sum() + 1) / (chance.sum() + truth.sum() + 1))

    assert float(dice_loss(logits, target)) == pytest.approx(1 - float(sum(scores)) / 2, abs=1e-6)


def test_beta_punishes_misses():
    target = torch.ones(1, 4, 4, dtype=torch.long)
    target[:, :2] = 0
    silent = torch.stack([torch.full((1, 4, 4), 3.0), torch.full((1, 4, 4), -3.0)], dim=1)

    assert tversky_loss(silent, target, beta=0.9) > tversky_loss(silent, target, beta=0.1)


def test_counts_add_up_to_probabilities_and_truth():
    logits, target = sample()

    hit, extra, missed = soft_counts(logits, target)

    assert torch.allclose(hit + extra, logits.softmax(1).sum((0, 2, 3)))
    assert torch.allclose(hit + missed, torch.bincount(target.flatten(), minlength=3).float())


def test_unit_weights_make_tversky_jaccard():
    logits, target = sample()
    hit, extra, missed = soft_counts(logits, target)
    jaccard = (hit + 1) / (hit + extra + missed + 1)

    loss = tversky_loss(logits, target, alpha=1, beta=1)

    assert float(loss) == pytest.approx(1 - float(jaccard[1:].mean()), abs=1e-6)


def test_exponent_one_makes_focal_tversky_tversky():
    logits, target = sample()

    focal = focal_tversky_loss(logits, target, exponent=1)

    assert float(focal) == pytest.approx(float(tversky_loss(logits, target)), abs=1e-6)


def test_focal_tversky_follows_its_formula_class_by_class():
    logits, target = sample()
    costs = [
        float(tversky_loss(logits, target, class_weights=[0, place == 1, place == 2]))
        for place in (1, 2)
    ]

    focal = focal_tversky_loss(logits, target, exponent=0.75)

    assert float(focal) == pytest.approx(sum(cost**0.75 for cost in costs) / 2, abs=1e-6)


def test_squared_dice_follows_its_formula():
    logits, target = sample()
    chances, truth = logits.softmax(1)[:, 1:], torch.nn.functional.one_hot(target).movedim(-1, 1)
    truth = truth[:, 1:].float()
    axes = (0, 2, 3)
    hit, mine = (chances * truth).sum(axes), chances.square().sum(axes)
    scores = (2 * hit + 1) / (mine + truth.sum(axes) + 1)

    loss = dice_loss(logits, target, squared=True)

    assert float(loss) == pytest.approx(1 - float(scores.mean()), abs=1e-6)


def test_weights_of_false_positives_and_misses_go_class_by_class():
    logits, target = sample()

    mixed = tversky_loss(logits, target, alpha=[9, 0.2, 0.6], beta=torch.tensor([9, 0.8, 0.4]))

    first = tversky_loss(logits, target, alpha=0.2, beta=0.8, class_weights=[0, 1, 0])
    second = tversky_loss(logits, target, alpha=0.6, beta=0.4, class_weights=[0, 0, 1])
    assert float(mixed) == pytest.approx(float(first + second) / 2, abs=1e-6)


@pytest.mark.parametrize("loss", [dice_loss, tversky_loss, focal_tversky_loss])
def test_absent_class_is_pushed_away_or_left_out(loss):
    logits, target = sample()
    target[target == 2] = 0
    present = loss(logits, target, class_weights=[0, 1, 0])

    kept, skipped = loss(logits, target), loss(logits, target, absent="skip")

    assert float(skipped) == pytest.approx(float(present), abs=1e-6)
    assert float(kept) > float(skipped)


def test_background_counts_if_asked_for():
    logits, target = sample()
    hit, extra, missed = soft_counts(logits, target)

    loss = dice_loss(logits, target, background=True)

    scores = (2 * hit + 1) / (2 * hit + extra + missed + 1)
    assert float(loss) == pytest.approx(1 - float(scores.mean()), abs=1e-6)


def test_power_is_exact_above_its_line_and_tame_below():
    base = torch.tensor([0.0, 1e-6, 0.25], requires_grad=True)

    values = tame_power(base, 0.5)
    values.sum().backward()

    assert values.tolist() == pytest.approx([0, 1e-3, 0.5])
    assert base.grad.tolist() == pytest.approx([1000, 500, 1])


def test_sums_do_not_lose_digits_under_autocast():
    logits, target = torch.randn(1, 3, 128, 128), torch.randint(0, 3, (1, 128, 128))
    exact = float(dice_loss(logits, target))

    with torch.autocast("cpu", torch.bfloat16):
        rough = float(dice_loss(logits, target))

    assert rough == exact
