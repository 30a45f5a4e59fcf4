"""What a scanner does to a picture: uneven coils, blur, noise, gain and whole numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from delineate.datasets.shapes import FloatArray, smooth_field


@dataclass(frozen=True, kw_only=True)
class Scanner:
    """One scanner's settings on one day."""

    bias: float
    """Deviation of the logarithm of the coils' sensitivity."""
    blur: tuple[float, float, float]
    """Deviation of the point spread in voxels, (Z, Y, X)."""
    noise: float
    """Deviation of the noise in each of two channels, where fluid is 1."""
    gain: float
    """Stored value of fluid."""

    @classmethod
    def of(cls, rng: np.random.Generator) -> "Scanner":
        """Draw a scanner.

        Args:
            rng: Source of chance.

        Returns:
            Its settings.
        """
        return cls(
            bias=rng.uniform(0.06, 0.16),
            blur=(0.3, rng.uniform(0.35, 0.5), rng.uniform(0.35, 0.5)),
            noise=rng.uniform(0.012, 0.035),
            gain=float(np.exp(rng.uniform(np.log(250), np.log(1800)))),
        )

    def scan(self, picture: FloatArray, rng: np.random.Generator) -> NDArray[np.uint16]:
        """Turn true signals into a stored image.

        The coils' sensitivity is smooth and multiplies; noise is complex, so that the
        magnitude is Rician: never negative, and of positive mean in air.

        Args:
            picture: Signal, (Z, Y, X), fluid about 1.
            rng: Source of chance.

        Returns:
            Stored values, (Z, Y, X).
        """
        coils = np.exp(np.float32(self.bias) * smooth_field(rng, picture.shape, (2, 2, 2)))
        field = gaussian_filter(picture, self.blur, mode="nearest") * coils
        real, imaginary = rng.standard_normal((2, *picture.shape), dtype=np.float32) * np.float32(
            self.noise
        )
        size = np.hypot(field + real, imaginary) * np.float32(self.gain)
        stored: NDArray[np.uint16] = np.rint(np.clip(size, 0, 65535)).astype(np.uint16)
        return stored
