"""MedSegFormer: what its switches do, and that it begins as its unrefined self."""

import pytest
import torch

from delineate.core.errors import PlanError, UnknownNameError
from delineate.models.base import Answer
from delineate.models.medsegformer import SIZES, MedSegFormer

TINY = {"size": "nano", "depths": (1, 1, 1, 1)}
WITHIN = {"nano": 0.81e6, "tiny": 2.56e6, "b0": 4.52e6, "b1": 17.9e6, "b2": 32.5e6}
"""Parameters of the design, which may differ by 3 %."""


@pytest.mark.parametrize("size", SIZES)
def test_parameters_are_those_of_the_design(size):
    with torch.device("meta"):
        network = MedSegFormer(3, 6, 2, size=size, aleatoric=True)

    count = sum(value.numel() for value in network.parameters())

    assert count == pytest.approx(WITHIN[size], rel=0.03)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("size", [(37, 50, 33), (8, 8, 8)])
def test_it_begins_as_its_unrefined_self(dims, size):
    torch.manual_seed(0)
    refined = MedSegFormer(1, 3, dims, **TINY).eval()
    plain = MedSegFormer(1, 3, dims, refine=0, **TINY).eval()
    plain.load_state_dict(refined.state_dict(), strict=False)
    image = torch.randn(2, 1, *size[-dims:])

    assert torch.equal(refined(image)[0], plain(image)[0])


@pytest.mark.parametrize("refine", [0, 1, 2])
def test_training_answers_on_every_grid(refine):
    network = MedSegFormer(1, 3, 2, refine=refine, aleatoric=True, **TINY).train()

    answer = network(torch.randn(2, 1, 34, 32), torch.ones(2, 34, 32))

    assert isinstance(answer, Answer)
    sizes = [(34, 32), (17, 16), (9, 8)][2 - refine :]
    if refine == 1:
        sizes = [(17, 16), (9, 8)]
    assert [tuple(entry.shape[2:]) for entry in answer.logits] == sizes
    assert len(answer.points) == refine
    assert answer.log_variance.min() >= -7


@pytest.mark.parametrize("uncertainty", ["entropy", "margin", "evidential", "aleatoric", "mc"])
@pytest.mark.parametrize("outputs", ["exclusive", "layers", "instances"])
def test_every_measure_of_doubt_serves_every_kind_of_output(uncertainty, outputs):
    torch.manual_seed(0)
    options = {"uncertainty": uncertainty, "outputs": outputs, **TINY}
    network = MedSegFormer(1, 5, 2, **options)

    answer = network(torch.randn(2, 1, 32, 32))
    logits = network.eval()(torch.randn(2, 1, 32, 32))[0]

    assert all(torch.isfinite(entry).all() for entry in answer.logits)
    assert torch.isfinite(logits).all()


def test_wrong_options_are_named():
    with pytest.raises(UnknownNameError, match="Did you mean 'entropy'"):
        MedSegFormer(1, 2, 2, uncertainty="entropie")
    with pytest.raises(UnknownNameError, match="nano"):
        MedSegFormer(1, 2, 2, size="nana")
    with pytest.raises(PlanError, match="refine"):
        MedSegFormer(1, 2, 2, refine=-1)


def test_a_new_network_begins_with_small_logits():
    torch.manual_seed(0)
    network = MedSegFormer(1, 3, 2, **TINY).eval()

    assert network(torch.randn(2, 1, 64, 64))[0].abs().max() < 1.0


def test_a_shared_stem_is_what_the_encoder_sees():
    torch.manual_seed(0)
    shared = MedSegFormer(1, 3, 2, stem_width=8, stem_depth=2, **TINY).eval()
    apart = MedSegFormer(1, 3, 2, stem="apart", **TINY).eval()
    image = torch.randn(1, 1, 32, 32)
    before = shared(image)[0], apart(image)[0]

    for network in (shared, apart):
        torch.nn.init.zeros_(network.stem.grids[0][0][0].weight)
    after = shared(image)[0], apart(image)[0]

    assert shared.encoder.embeddings[0].conv.in_channels == 8
    assert apart.encoder.embeddings[0].conv.in_channels == 1
    assert shared.encoder.strides == apart.encoder.strides
    assert not torch.equal(before[0], after[0])
    assert torch.equal(before[1], after[1])


@pytest.mark.parametrize("options", [{"stem_depth": 0}, {"strides": [[4, 4]]}])
def test_wrong_numbers_about_the_stem_are_named(options):
    with pytest.raises(PlanError, match=next(iter(options))):
        MedSegFormer(1, 3, 2, **options)
    with pytest.raises(UnknownNameError, match="apart"):
        MedSegFormer(1, 3, 2, stem="appart")
