import torch
from torch import nn

from delineate.infer.device import has_bf16
from delineate.infer.latency import Latency, measure_latency, precisions

CPU = torch.device("cpu")


class Recorder(nn.Module):
    """Notes how it is called."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 1)
        self.calls = []

    def forward(self, image):
        out = self.conv(image)
        last = image.is_contiguous(memory_format=torch.channels_last)
        self.calls.append((out.dtype, self.training, out.requires_grad, last))
        return [out]


def test_precisions_take_turns_and_only_rounds_after_warming_up_count():
    network = Recorder()

    found = measure_latency(network, torch.randn(1, 2, 4, 4), ("bf16", "fp32"), rounds=3, warm_up=2)

    assert [dtype for dtype, *_ in network.calls] == [torch.bfloat16, torch.float32] * 5
    assert {tuple(rest) for _, *rest in network.calls} == {(False, False, True)}
    assert {kind: len(latency.seconds) for kind, latency in found.items()} == {"bf16": 3, "fp32": 3}
    assert all(latency.median_s > 0 for latency in found.values())


def test_the_median_is_not_moved_by_one_slow_pass():
    latency = Latency(seconds=(0.1, 9.0, 0.2))

    assert latency.median_s == 0.2


def test_bfloat16_is_measured_where_the_device_computes_in_it():
    assert precisions(CPU) == (("bf16", "fp32") if has_bf16(CPU) else ("fp32",))
