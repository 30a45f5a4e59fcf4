"""One synthetic patient on one day: a body, its place, its contrast and the scanner."""

import numpy as np
from numpy.typing import NDArray

from delineate.datasets import anatomy, bowel
from delineate.datasets.scanner import Scanner
from delineate.datasets.shapes import Space, smooth_field

WIDTH_MM = 364.0
"""Width of the picture in the anatomy's own millimetres, those of an average adult."""


def paint_patient(
    seed: int, scan: int, shape: tuple[int, ...], spacing_mm: tuple[float, ...]
) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Paint one scan of one patient, and take the truth from the same surfaces.

    Args:
        seed: The patient.
        scan: Which scan of that patient.
        shape: Voxels (Z, Y, X).
        spacing_mm: Millimetres between voxels, (Z, Y, X).

    Returns:
        Stored image and label ids (0 outside, 1 stomach, 2 small, 3 large bowel), (Z, Y, X).
    """
    body = np.random.default_rng([seed, 0])
    today = np.random.default_rng([seed, 1, scan])
    space = _space(body, today, shape, spacing_mm)
    signal = _contrast(today, anatomy.SIGNAL)
    canvas = anatomy.Canvas(space=space, signal=signal, anatomy=body, today=today)
    cavity = anatomy.paint_frame(canvas, fatness=float(np.exp(body.normal(0, 0.35))))
    organs = anatomy.paint_organs(canvas, cavity)
    stomach = bowel.paint_stomach(canvas, cavity)
    colon = bowel.paint_colon(canvas, cavity, np.minimum(organs, stomach))
    others = np.minimum(np.minimum(organs, stomach), colon)
    small = bowel.paint_small_bowel(canvas, cavity, others)
    truth = np.zeros(shape, dtype=np.uint8)
    for value, distance in ((2, small), (3, colon), (1, stomach)):
        truth[distance < 0] = value
    return Scanner.of(today).scan(canvas.picture, today), truth


def _space(
    body: np.random.Generator,
    today: np.random.Generator,
    shape: tuple[int, ...],
    spacing_mm: tuple[float, ...],
) -> Space:
    # A voxel's place in the average body: scaled, moved, and bent by a smooth field.

    scale = WIDTH_MM / (max(shape[1], shape[2]) * spacing_mm[2])
    girth = body.uniform(0.90, 1.10)
    size = np.array([body.uniform(0.94, 1.06), girth * body.uniform(0.94, 1.06), girth])
    moved = today.normal((4, 2, 0), (5, 4, 4))
    axes = [
        ((np.arange(number) - (number - 1) / 2) * step * scale / stretch + shift).astype(np.float32)
        for number, step, stretch, shift in zip(shape, spacing_mm, size, moved, strict=True)
    ]
    up, back, left = np.meshgrid(*axes, indexing="ij")
    bend = [np.float32(amount) * smooth_field(body, shape, (2, 3, 3)) for amount in (4.0, 4.0, 4.0)]
    breath = [np.float32(1.5) * smooth_field(today, shape, (2, 3, 3)) for _ in range(3)]
    step = scale * (spacing_mm[1] + spacing_mm[2]) / 2
    return Space(
        left=left + bend[0] + breath[0],
        back=back + bend[1] + breath[1],
        up=up + bend[2] + breath[2],
        step_mm=float(step),
    )


def _contrast(rng: np.random.Generator, signal: dict[str, float]) -> dict[str, float]:
    power = rng.uniform(0.8, 1.2)
    own = {name: value**power * np.exp(rng.normal(0, 0.06)) for name, value in signal.items()}
    own["fat"] *= rng.uniform(0.82, 1.1)
    return own
