from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from delineate.core.labels import Label
from delineate.infer.preparation import prepare_mask
from delineate.learn.temperature import Voxels, calibration_error, fit_temperature


def honest(kind: str, voxels: int = 60_000, classes: int = 3):
    """Logits whose probabilities are exactly those of the truth, which is drawn from them."""
    rng = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(classes, voxels, generator=rng)
    if kind == "exclusive":
        truth = torch.multinomial(logits.softmax(0).T, 1, generator=rng).T
    else:
        truth = torch.bernoulli(logits.sigmoid(), generator=rng).long()
    return logits, truth


@pytest.mark.parametrize("kind", ["exclusive", "layers"])
@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_the_factor_by_which_logits_are_too_large_is_found(kind, factor):
    logits, truth = honest(kind)

    assert fit_temperature(logits * factor, truth, kind) == pytest.approx(factor, rel=0.03)


def test_the_temperature_is_the_one_that_scipy_finds():
    logits, truth = honest("exclusive", 3000)
    scores = 2 * logits.double().numpy()

    def cost(place):
        logs = log_softmax(scores / np.exp(place), axis=0)
        return -np.take_along_axis(logs, truth.numpy(), 0).mean()

    wanted = np.exp(minimize_scalar(cost, bounds=(-2.3, 2.3), options={"xatol": 1e-8}).x)

    assert fit_temperature(2 * logits, truth, "exclusive") == pytest.approx(wanted, rel=2e-3)


@pytest.mark.parametrize("kind", ["exclusive", "layers"])
def test_the_error_of_what_was_too_sure_falls(kind):
    logits, truth = honest(kind)
    loud = 4 * logits

    before = calibration_error(loud, truth, kind)
    after = calibration_error(loud / fit_temperature(loud, truth, kind), truth, kind)

    assert before > 0.1
    assert after < 0.01


def test_without_a_wrong_voxel_the_temperature_stays_one():
    logits = torch.tensor([[3.0, -1.0], [-1.0, 2.0]])

    assert fit_temperature(logits, torch.tensor([[0, 1]]), "exclusive") == 1.0


@pytest.mark.parametrize("thickness", [1, 5, 12])
def test_voxels_keep_logits_and_truth_of_the_same_places(plan, make_case, monkeypatch, thickness):
    monkeypatch.setattr("delineate.learn.temperature.MAX_VOXELS", 600)
    case = make_case(0)
    truth = prepare_mask(case.mask, plan.labels, plan)
    logits = torch.from_numpy(np.concatenate([-truth, truth]).astype(np.float32))
    voxels = Voxels(plan, 2)

    watch = voxels.watch(case)
    for first in range(0, 12, thickness):
        watch(first, logits[:, first : first + thickness])

    kept = torch.cat(voxels.logits, dim=1)
    assert kept.shape == (2, 300)
    assert torch.equal(kept[1].long(), torch.cat(voxels.truth, dim=1)[0])
    assert 0 < kept[1].mean() < 1
    assert voxels.calibrate().num_voxels == 300


def test_ignored_voxels_are_not_drawn(plan, make_case):
    plan = replace(plan, labels=replace(plan.labels, ignore=1, labels=(Label(id=2, name="x"),)))
    case = make_case(0)
    voxels = Voxels(plan, 1)

    voxels.watch(case)(0, torch.zeros(2, 12, 14, 16))

    assert torch.cat(voxels.truth, dim=1).unique().tolist() == [0]
    assert voxels.logits[0].shape[1] == int((case.mask.array == 0).sum())


def test_objects_are_not_gathered(tissue_plan, make_tissue):
    voxels = Voxels(tissue_plan, 1)

    assert voxels.watch(make_tissue(0)) is None
    assert voxels.calibrate() is None
