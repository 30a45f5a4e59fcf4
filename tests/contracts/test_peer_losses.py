"""Losses beside MONAI's of the same formula; MONAI is in the extra `bench`."""

import pytest
import torch

from delineate.losses import get_loss

monai = pytest.importorskip("monai.losses", reason="MONAI is in the extra `bench` only.")


def sample(*, kind="classes", count=3, shape=(7, 8), seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, count, *shape, generator=generator)
    if kind == "layers":
        return logits, torch.randint(0, 2, (2, count, *shape), generator=generator)
    return logits, torch.randint(0, count, (2, *shape), generator=generator)


def ones(target, count=3):
    return torch.nn.functional.one_hot(target, count).movedim(-1, 1).float()


def theirs_of(loss, logits, target, kind):
    return float(loss(logits, ones(target) if kind == "classes" else target.float()))


def activation(kind):
    word = "softmax" if kind == "classes" else "sigmoid"
    return {word: True, "include_background": kind == "layers", "batch": True}


@pytest.mark.parametrize("kind", ["classes", "layers"])
@pytest.mark.parametrize("shape", [(7, 8), (4, 5, 6)])
@pytest.mark.parametrize("squared", [False, True])
def test_dice_is_theirs(kind, shape, squared):
    logits, target = sample(kind=kind, shape=shape)
    peer = monai.DiceLoss(**activation(kind), squared_pred=squared, smooth_nr=1.0, smooth_dr=1.0)

    mine = get_loss("dice", squared=squared)(logits, target)

    assert float(mine) == pytest.approx(theirs_of(peer, logits, target, kind), abs=1e-5)


@pytest.mark.parametrize("kind", ["classes", "layers"])
def test_tversky_is_theirs(kind):
    logits, target = sample(kind=kind)
    peer = monai.TverskyLoss(**activation(kind), alpha=0.2, beta=0.9, smooth_nr=1.0, smooth_dr=1.0)

    mine = get_loss("tversky", alpha=0.2, beta=0.9)(logits, target)

    assert float(mine) == pytest.approx(theirs_of(peer, logits, target, kind), abs=1e-5)


@pytest.mark.parametrize("weighting", ["square", "simple", "uniform"])
@pytest.mark.parametrize("lacking", [False, True])
def test_generalised_dice_is_theirs(weighting, lacking):
    logits, target = sample()
    if lacking:
        target[target == 2] = 0
    peer = monai.GeneralizedDiceLoss(
        softmax=True, w_type=weighting, batch=True, smooth_nr=0.0, smooth_dr=1e-12
    )

    mine = get_loss("generalised_dice", weighting=weighting, smooth=1e-12)(logits, target)

    assert float(mine) == pytest.approx(theirs_of(peer, logits, target, "classes"), abs=1e-5)


@pytest.mark.parametrize("kind", ["classes", "layers"])
@pytest.mark.parametrize("gamma", [0.0, 2.0, 3.5])
def test_focal_is_theirs(kind, gamma):
    logits, target = sample(kind=kind)
    peer = monai.FocalLoss(use_softmax=kind == "classes", gamma=gamma)
    # Theirs averages over the channels of one-hot truth, of which one is never 0.
    scale = 3 if kind == "classes" else 1

    mine = get_loss("focal", gamma=gamma)(logits, target)

    assert float(mine) == pytest.approx(scale * theirs_of(peer, logits, target, kind), abs=1e-5)


def test_binary_focal_with_alpha_is_theirs():
    logits, target = sample(kind="layers", count=1)
    peer = monai.FocalLoss(gamma=2.0, alpha=0.25)

    mine = get_loss("focal", gamma=2.0, alpha=0.25)(logits, target)

    assert float(mine) == pytest.approx(float(peer(logits, target.float())), abs=1e-5)


@pytest.mark.parametrize("shape", [(12, 13), (6, 7, 8)])
@pytest.mark.parametrize("iterations", [1, 3])
def test_cldice_is_theirs(shape, iterations):
    logits, target = sample(count=2, shape=shape)
    peer = monai.SoftclDiceLoss(iter_=iterations, smooth=1.0)

    mine = get_loss("cldice", iterations=iterations)(logits, target)

    theirs = peer(ones(target, 2), logits.softmax(1))
    assert float(mine) == pytest.approx(float(theirs), abs=1e-5)


@pytest.mark.parametrize("kind", ["classes", "layers"])
@pytest.mark.parametrize("shape", [(9, 8), (4, 5, 6)])
def test_hausdorff_is_theirs_over_the_squared_diagonal(kind, shape):
    logits, target = sample(kind=kind, shape=shape)
    peer = monai.HausdorffDTLoss(**activation(kind))
    diagonal = sum(side**2 for side in shape)

    mine = get_loss("hausdorff_dt")(logits, target)

    theirs = theirs_of(peer, logits, target, kind) / diagonal
    assert float(mine) == pytest.approx(theirs, abs=1e-5)


def test_unified_focal_is_theirs_for_one_image_of_two_classes():
    logits, target = (part[:1] for part in sample(count=2))
    peer = monai.AsymmetricUnifiedFocalLoss(gamma=0.4, delta=0.7, weight=0.3)

    options = {"gamma": 0.4, "delta": 0.7, "balance": 0.3, "smooth": 1e-7}
    mine = get_loss("unified_focal", **options)(logits, target)

    assert float(mine) == pytest.approx(float(peer(logits.softmax(1), ones(target, 2))), abs=1e-5)
