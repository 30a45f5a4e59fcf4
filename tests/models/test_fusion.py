"""Joining two kinds of attention, and skipping branches."""

import pytest
import torch

from delineate.models.fusion import FUSIONS, GateFusion, PathDrop, ScalarFusion, SumFusion


@pytest.mark.parametrize("name", FUSIONS)
def test_fusion_keeps_the_shape(name):
    tokens = torch.randn(2, 3, 4, 5, 16)

    assert FUSIONS[name](16)(tokens, 2 * tokens).shape == tokens.shape


def test_gate_gives_a_mean_of_the_two_with_one_share_a_channel():
    torch.manual_seed(0)
    spatial, channel = torch.zeros(2, 3, 4, 8), torch.ones(2, 3, 4, 8)

    joined = GateFusion(8)(spatial, channel)

    assert ((joined > 0) & (joined < 1)).all()
    assert torch.equal(joined, joined[:, :1, :1].expand_as(joined))


def test_equal_branches_pass_through_gate_and_scalar():
    tokens = torch.randn(2, 3, 4, 8)

    for fusion in (GateFusion(8), ScalarFusion(8)):
        assert torch.allclose(fusion(tokens, tokens), tokens, atol=1e-6)
    assert torch.equal(SumFusion(8)(tokens, tokens), 2 * tokens)


def test_dropped_paths_keep_the_mean_and_prediction_drops_none():
    torch.manual_seed(0)
    drop, branch = PathDrop(0.25), torch.ones(4000, 2)

    kept = drop(branch)

    assert torch.equal(kept[:, 0], kept[:, 1])
    assert torch.allclose(kept.unique(), torch.tensor([0, 4 / 3]))
    assert kept.mean() == pytest.approx(1, abs=0.03)
    assert drop.eval()(branch) is branch
