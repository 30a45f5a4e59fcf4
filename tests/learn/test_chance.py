"""Where the random generators stand."""

import pytest
import torch

from delineate.learn.chance import chance_states, restore_chance

CPU = torch.device("cpu")


def test_dropout_goes_on_as_if_nothing_had_been_drawn_between():
    drop, ones = torch.nn.Dropout(0.5), torch.ones(64)
    states = chance_states(CPU)
    wanted = drop(ones)
    torch.rand(7)

    restore_chance(states, CPU)

    assert torch.equal(drop(ones), wanted)


def test_state_of_an_older_run_changes_nothing():
    before = torch.get_rng_state()

    restore_chance({}, CPU)

    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.gpu
def test_dropout_on_a_gpu_goes_on_too():
    if not torch.cuda.is_available():
        pytest.skip("There is no GPU.")
    device = torch.device("cuda")
    drop, ones = torch.nn.Dropout(0.5), torch.ones(64, device=device)
    states = chance_states(device)
    wanted = drop(ones)
    torch.rand(7, device=device)

    restore_chance(states, device)

    assert torch.equal(drop(ones), wanted)
