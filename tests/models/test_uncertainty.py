"""How unsure logits are."""

import math

import pytest
import torch

from delineate.models.uncertainty import (
    MEASURES,
    evidential,
    measure,
    mutual_information,
    probabilities,
)

KINDS = ("exclusive", "layers", "instances")


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("kind", KINDS)
def test_flat_logits_are_unsure_and_steep_ones_are_not(name, kind):
    flat = torch.zeros(1, 5, 2, 2)
    steep = torch.zeros(1, 5, 2, 2)
    steep[:, 0] = 50.0
    if kind != "exclusive":
        steep = torch.full((1, 5, 2, 2), -50.0)

    unsure, sure = measure(name, flat, kind), measure(name, steep, kind)

    assert unsure.shape == (1, 2, 2)
    assert (unsure > sure + 0.3).all()
    assert (sure < 0.2).all()
    if name != "evidential":
        assert torch.allclose(unsure, torch.ones(1, 2, 2), atol=1e-6)


def test_entropy_is_a_share_of_the_largest():
    chances = torch.tensor([0.7, 0.2, 0.1])
    wanted = -(chances * chances.log()).sum() / math.log(3)

    found = measure("entropy", chances.log().reshape(1, 3, 1), "exclusive")

    assert float(found) == pytest.approx(float(wanted), abs=1e-6)


def test_margin_is_one_less_the_lead():
    found = measure("margin", torch.tensor([0.7, 0.2, 0.1]).log().reshape(1, 3, 1), "exclusive")

    assert float(found) == pytest.approx(0.5, abs=1e-6)


def test_evidence_makes_doubt_small():
    logits = torch.tensor([30.0, 0.0]).reshape(1, 2, 1)

    assert float(evidential(logits, "exclusive")) == pytest.approx(2 / (31 + 1 + math.log(2)))


def test_offsets_of_instances_stay_as_they_are():
    logits = torch.randn(1, 6, 3)

    found = probabilities(logits, "instances")

    assert torch.equal(found[:, 1:3], logits[:, 1:3])
    assert torch.allclose(found[:, 3:].sum(1), torch.ones(1, 3))


@pytest.mark.parametrize("kind", KINDS)
def test_passes_that_agree_tell_nothing_and_passes_that_do_not_tell_all(kind):
    one = torch.full((1, 3, 2), -40.0)
    one[:, 0] = 40.0
    other = -one if kind != "exclusive" else one.roll(1, dims=1)

    agree = mutual_information(torch.stack([one, one]), kind)
    differ = mutual_information(torch.stack([one, other]), kind)

    assert torch.allclose(agree, torch.zeros(1, 2), atol=1e-6)
    wanted = math.log(2) / math.log(3) if kind == "exclusive" else 1.0
    assert torch.allclose(differ, torch.full((1, 2), wanted), atol=1e-4)
