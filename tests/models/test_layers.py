"""Convolutions that neither end the process nor learn garbage."""

import json
import os
import subprocess
import sys

import pytest
import torch

from delineate.models.blocks import CONVOLUTIONS


@pytest.mark.parametrize("size", [(1, 3, 2), (2, 3, 2), (2, 8, 8), (3, 4, 4)])
@pytest.mark.parametrize("groups", [1, 64])
def test_gradients_in_bfloat16_are_those_in_float32_however_short_the_input(size, groups):
    torch.manual_seed(0)
    layer = CONVOLUTIONS[3](64, 64, 3, padding=1, groups=groups)
    layer.to(memory_format=torch.channels_last_3d)
    image = torch.randn(4, 64, *size).contiguous(memory_format=torch.channels_last_3d)

    gradients = []
    for is_low in (False, True):
        layer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=is_low):
            out = layer(image)
        (out.float() * torch.arange(out.numel()).reshape(out.shape).cos()).sum().backward()
        gradients.append(layer.weight.grad.clone())

    assert out.dtype == torch.bfloat16
    assert (gradients[0] - gradients[1]).abs().max() < 0.05 * gradients[0].abs().max()


BROKEN = {
    "short": {"dims": 2, "out": 8, "kernel_size": 3, "stride": 2, "padding": 1, "side": 1},
    "spread": {"dims": 2, "out": 8, "kernel_size": 3, "padding": 9, "dilation": 9, "groups": 8},
    "spread in three": {
        "dims": 3,
        "out": 8,
        "kernel_size": 3,
        "padding": (1, 3, 3),
        "dilation": (1, 3, 3),
        "groups": 8,
        "side": 32,
    },
    "point": {"dims": 2, "out": 16, "kernel_size": 1, "stride": 2},
    "point along one axis": {"dims": 2, "out": 8, "kernel_size": 1, "stride": (1, 2)},
}
"""Convolutions of eight channels whose training ended the process, or was garbage."""

TRAIN = """
import json, sys, torch
from delineate.models.blocks import CONVOLUTIONS

options = json.loads(sys.argv[1])
dims, out, side = options.pop("dims"), options.pop("out"), options.pop("side", 128)
layout = torch.channels_last if dims == 2 else torch.channels_last_3d
torch.manual_seed(0)
layer = CONVOLUTIONS[dims](8, out, **options).to(memory_format=layout)
image = torch.randn(8, 8, *[side] * dims).contiguous(memory_format=layout)
gradients = []
for is_low in (False, False, True, True):
    layer.zero_grad()
    low = image.bfloat16() if is_low else image
    with torch.autocast("cpu", torch.bfloat16, enabled=is_low):
        scores = layer(low)
    (scores.float() * torch.arange(scores.numel()).reshape(scores.shape).cos()).sum().backward()
    gradients.append(layer.weight.grad.clone())
whole, *others = gradients
far = max(float((other - whole).abs().max() / whole.abs().max()) for other in others)
sys.stdout.write(json.dumps([str(scores.dtype), far]))
"""


@pytest.mark.parametrize("case", BROKEN)
def test_training_neither_ends_the_process_nor_learns_garbage(case):
    garble = {**os.environ, "MALLOC_PERTURB_": "165", "OMP_NUM_THREADS": "1"}

    told = subprocess.run(
        [sys.executable, "-c", TRAIN, json.dumps(BROKEN[case])],
        env=garble,
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stderr
    dtype, far = json.loads(told.stdout)
    assert dtype == "torch.bfloat16"
    assert far < 0.05


@pytest.mark.parametrize("case", BROKEN)
def test_a_careful_convolution_can_be_compiled_whole(case):
    options = {"stride": 1, **BROKEN[case], "padding": 0}
    dims, out = options.pop("dims"), options.pop("out")
    options.pop("side", None)
    layer = CONVOLUTIONS[dims](8, out, **options)
    image = torch.randn(1, 8, *[20] * dims)

    with torch.autocast("cpu", torch.bfloat16):
        compiled = torch.compile(layer, backend="eager", fullgraph=True)(image)
        plain = layer(image)

    assert torch.equal(compiled, plain)


def test_thin_points_with_a_stride_are_what_torch_makes_of_them():
    torch.manual_seed(0)
    layer = CONVOLUTIONS[2](6, 4, 1, stride=(2, 3), groups=2)
    image = torch.randn(2, 6, 9, 10)

    out = layer(image)

    with torch.no_grad():
        assert torch.allclose(out, torch.nn.Conv2d.forward(layer, image), atol=1e-6)
