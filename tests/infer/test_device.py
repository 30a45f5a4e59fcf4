"""Devices by name."""

import pytest
import torch

from delineate.core.errors import DelineateError
from delineate.infer.device import choose_device, has_bf16


def test_auto_takes_what_is_there():
    kind = "cuda" if torch.cuda.is_available() else "cpu"

    assert choose_device("auto").type == kind
    assert choose_device("cpu").type == "cpu"


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "cuda:x"])
def test_a_device_that_is_not_there_is_refused(name):
    with pytest.raises(DelineateError, match="device must be"):
        choose_device(name)


def test_the_cpu_says_whether_it_computes_in_bfloat16():
    assert has_bf16(torch.device("cpu")) in (True, False)
