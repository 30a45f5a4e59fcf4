import numpy as np
import pytest
import torch

from delineate.core.errors import PlanError, UnknownNameError
from delineate.infer.decoders import DECODERS, OFFSET_SCALE, make_decoder, read_heads


@pytest.mark.parametrize("name", DECODERS)
def test_every_decoder_says_its_reach_and_finds_nothing_in_nothing(name):
    decoder = make_decoder(name)

    found = decoder.decode(read_heads(torch.full((5, 40, 30), -9.0)))

    assert 0 < decoder.reach < 128
    assert found.ids.shape == (40, 30)
    assert not found.ids.any()
    assert found.centres.shape == (0, 2)
    assert len(found.types) == len(found.confidence) == len(found.type_probability) == 0


def test_an_unknown_decoder_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="'voting'"):
        make_decoder("votng")


def test_an_option_that_a_decoder_does_not_take_names_the_plan():
    with pytest.raises(PlanError, match=r"does not take these decoder_options.*plan.yaml"):
        make_decoder("hv", ksize=21)


def test_heads_become_probabilities_and_pixels():
    logits = torch.zeros(5, 2, 2)
    logits[0, 0, 0] = 100
    logits[1:3] = torch.tensor([0.5, -2.0])[:, None, None]
    logits[4] = np.log(3)

    maps = read_heads(logits)

    np.testing.assert_allclose(maps.foreground, [[1, 0.5], [0.5, 0.5]])
    np.testing.assert_allclose(maps.vectors[:, 0, 0], [0.5 * OFFSET_SCALE, -2 * OFFSET_SCALE])
    np.testing.assert_allclose(maps.types[:, 1, 1], [0.25, 0.75], rtol=1e-6)


def test_one_type_needs_no_head():
    maps = read_heads(torch.zeros(3, 2, 2, dtype=torch.bfloat16))

    assert maps.types is None
    assert maps.foreground.dtype == maps.vectors.dtype == np.float32
