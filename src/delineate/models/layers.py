"""Convolutions that train on a CPU where torch's own write past their memory.

They compute what torch's do and hold the same weights.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.conv import _ConvNd

THIN = 16
"""Channels that fill a register of AVX-512; fewer of them are written out wrongly."""


class Careful(_ConvNd):
    """torch's convolution, trained in float32 where a CPU's bfloat16 is broken.

    With torch 2.13 (oneDNN 3.12) and AVX-512, the gradient of the weights is garbage, or is
    written past the end of its buffer, which corrupts the heap and ends the process, where an
    axis is shorter than the kernel (two planes under a kernel of three) and where each channel
    is convolved by itself with spread taps. Little work is in those; forward they are sound.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Run the convolution.

        Args:
            features: (N, C, *S).

        Returns:
            (N, out_channels, *S').
        """
        is_low = features.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        out: Tensor
        if not (is_low and torch.is_grad_enabled() and self._is_broken(features.shape[2:])):
            out = super().forward(features)
            return out
        with torch.autocast("cpu", enabled=False):
            out = super().forward(features.float())
        return out.to(torch.get_autocast_dtype("cpu"))

    def _is_broken(self, shape: Sequence[int]) -> bool:
        is_short = any(length < size for length, size in zip(shape, self.kernel_size, strict=True))
        return is_short or (self.groups > 1 and max(self.dilation) > 1)


class Convolution2d(Careful, nn.Conv2d):
    """Two axes, where a kernel of one pixel corrupts the heap as well.

    It does in any precision, with a stride, fewer than 16 channels and channels-last memory.
    The same pixels are picked first, then convolved without a stride.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Run the convolution.

        Args:
            features: (N, C, Y, X).

        Returns:
            (N, out_channels, Y', X').
        """
        is_point = max(self.kernel_size) == 1 and max(self.stride) > 1 and not any(self.padding)
        is_trained = features.device.type == "cpu" and torch.is_grad_enabled()
        if not (is_trained and is_point and self.in_channels < THIN):
            return super().forward(features)
        features = functional.avg_pool2d(features, 1, self.stride)
        return functional.conv2d(features, self.weight, self.bias, groups=self.groups)


class Convolution3d(Careful, nn.Conv3d):
    """Three axes."""
