"""Batches as a pure function of seed and step: patches cut, warped and varied.

Since batch t depends on nothing but the seed, the rank and t, a resumed run continues with
exactly the batches that it would have seen, and prefetching cannot change a result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from delineate.core.plan import Plan
from delineate.core.slices import neighbours, slice_offsets
from delineate.learn.sampling import draw_round
from delineate.learn.store import Shelf, Stored
from delineate.learn.targets import make_targets
from delineate.learn.tissue import vary_tissue
from delineate.transforms import intensity
from delineate.transforms.spatial import warp

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """What one step of one process trains on."""

    image: Tensor
    """Augmented patches, (N, C, *S), float32; several slices as in `core.slices`."""
    target: Tensor
    """Class ids (N, *S), int64, or layers (N, L, *S); -1 is ignored. Of objects: what
    `targets.make_targets` makes, (N, 4, Y, X), float32."""


class Batches:
    """Draws the batch of any step."""

    def __init__(
        self,
        store: Shelf,
        ids: Sequence[str],
        *,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        chances: FloatArray | None = None,
    ) -> None:
        """Open the training cases.

        Args:
            store: Prepared cases.
            ids: Ids of the training cases.
            seed: Seed of everything that is drawn.
            rank: This process's number.
            world_size: Number of processes; each draws other patches.
            chances: How often each case is drawn, (I,), sum 1, as `sampling.image_chances`;
                None draws all alike (of objects: by area, which chances multiply).
        """
        self.plan: Plan = store.plan
        self.offsets = slice_offsets(store.plan)
        self.cases = [store.get(case_id) for case_id in ids]
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        areas = np.array([np.prod(case.image.shape[1:]) for case in self.cases], dtype=np.float64)
        self.chances = chances
        areas = areas if chances is None else areas * chances
        self.shares: FloatArray = areas / areas.sum()

    def draw(self, step: int) -> Batch:
        """Make the batch of a step.

        Args:
            step: Number of the step, from 0.

        Returns:
            The batch, on the CPU.
        """
        rng = np.random.default_rng([self.seed, self.rank, step])
        patches, truths = [], []
        for place in range(self.plan.batch_size):
            number = (step * self.plan.batch_size + place) * self.world_size + self.rank
            case = self._by_area(rng) if self.has_objects else self._case(number)
            patch, truth = self._cut(case, number, rng)
            patches.append(patch)
            truths.append(truth)
        image, target = torch.stack(patches), torch.stack(truths)
        if self.has_objects:
            image = vary_tissue(image, self.plan.augmentation, rng)
            return Batch(image=image, target=make_targets(target[:, 0], target[:, 1]))
        image = vary(image, self.plan.augmentation, rng, slices=self.plan.slices)
        if self.plan.labels.is_exclusive:
            target = target[:, 0]
        return Batch(image=image, target=target.long())

    @property
    def has_objects(self) -> bool:
        """True if objects are told apart."""
        return self.plan.task == "instances"

    def _by_area(self, rng: Generator) -> Stored:
        # Datasets mix tiles of a hundred and of a thousand pixels; each pixel counts alike.
        return self.cases[int(rng.choice(len(self.cases), p=self.shares))]

    def _case(self, number: int) -> Stored:
        # Every case comes once (or as its chance says) in each round of len(cases) patches.
        turn, place = divmod(number, len(self.cases))
        rng = np.random.default_rng([self.seed, turn, 7])
        if self.chances is None:
            return self.cases[int(rng.permutation(len(self.cases))[place])]
        return self.cases[int(draw_round(self.chances, rng)[place])]

    def _cut(self, case: Stored, number: int, rng: Generator) -> tuple[Tensor, Tensor]:
        shape = np.array(case.image.shape[1:], dtype=np.float64)
        centre = (shape - 1) * rng.random(len(shape))
        if rng.random() < self.plan.foreground:
            present = [points for points in case.points if len(points)]
            if present:
                points = present[number % len(present)]
                centre = points[rng.integers(len(points))].astype(np.float64)
        image, labels = np.asarray(case.image), np.asarray(case.labels)
        seen = [image]
        if self.plan.dims < len(shape):
            level = round(float(centre[0]))
            seen = [image[:, place] for place in neighbours(level, self.offsets, image.shape[1])]
            labels, shape, centre = labels[:, level], shape[1:], centre[1:]
        patch = np.array(self.plan.patch, dtype=np.float64)
        centre = _keep_inside(
            centre, shape, patch, float(self.plan.augmentation.get("translate", 0)), rng
        )
        matrix, displacement = draw_warp(self.plan.patch, self.plan.augmentation, rng)
        if displacement is None and (matrix == np.rint(matrix)).all():
            centre = np.floor(centre) + (patch % 2 == 0) / 2  # pixels are copied, not blended
        box = _source_box(matrix, displacement, centre, shape, patch)
        cut = np.concatenate([part[(slice(None), *box)] for part in seen])
        return warp(
            torch.from_numpy(cut.astype(np.float32)),
            torch.from_numpy(labels[(slice(None), *box)].astype(np.int32)),
            torch.from_numpy(matrix).float(),
            torch.from_numpy(centre - [side.start for side in box]).float(),
            self.plan.patch,
            displacement=displacement,
        )


def _keep_inside(
    centre: FloatArray,
    shape: FloatArray,
    patch: FloatArray,
    translate: float,
    rng: Generator,
) -> FloatArray:
    """Move the centre so that the patch wastes nothing, then jitter it a little."""
    half = np.minimum(patch, shape) / 2
    inside: FloatArray = np.clip(centre, half - 0.5, shape - half - 0.5)
    return inside + rng.uniform(-translate, translate, len(shape)) * patch


def _source_box(
    matrix: FloatArray,
    displacement: Tensor | None,
    centre: FloatArray,
    shape: FloatArray,
    patch: FloatArray,
) -> tuple[slice, ...]:
    """Bound the source voxels that a warp can touch, so that only they leave the disk."""
    reach = np.abs(matrix) @ (patch / 2) + 2
    if displacement is not None:
        reach = reach + float(displacement.abs().max())
    low = np.clip(np.floor(centre - reach), 0, shape - 1).astype(int)
    high = np.clip(np.ceil(centre + reach) + 1, low + 1, shape).astype(int)
    return tuple(slice(int(start), int(stop)) for start, stop in zip(low, high, strict=True))


def draw_warp(
    patch: Sequence[int], ranges: Mapping[str, Any], rng: Generator
) -> tuple[FloatArray, Tensor | None]:
    """Draw rotation, scale, mirror and elastic shift of one patch.

    Args:
        patch: Spatial shape, 2 or 3 numbers.
        ranges: The plan's augmentation: "rotate_degrees" (one number per axis, or one),
            "scale" [low, high], "mirror_axes", "elastic" {"probability", "sigma", "magnitude"},
            "quarter_turns", the chance of one of the eight turns that need no interpolation.
        rng: Where randomness comes from.

    Returns:
        Patch offset to source offset, (D, D), and a displacement (D, *T) in voxels or None.
    """
    dims = len(patch)
    if dims == 2 and rng.random() < float(ranges.get("quarter_turns", 0)):
        return _quarter_turn(rng), None
    degrees = np.atleast_1d(np.asarray(ranges.get("rotate_degrees", 0.0), dtype=np.float64))
    matrix = np.eye(dims)
    planes = [(0, 1)] if dims == 2 else [(1, 2), (0, 2), (0, 1)]
    for axis, (first, second) in enumerate(planes):
        angle = np.deg2rad(rng.uniform(-1, 1) * degrees[min(axis, len(degrees) - 1)])
        turn = np.eye(dims)
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ turn
    low, high = ranges.get("scale", (1.0, 1.0))
    matrix = matrix / np.exp(rng.uniform(np.log(low), np.log(high)))
    for axis in ranges.get("mirror_axes", ()):
        if rng.random() < 0.5:
            matrix[:, int(axis)] *= -1
    elastic = ranges.get("elastic") or {}
    if rng.random() < elastic.get("probability", 0.0):
        knots = [max(3, round(size / float(elastic["sigma"]))) for size in patch]
        shift = rng.normal(0, float(elastic["magnitude"]), (dims, *knots))
        return matrix, torch.from_numpy(shift).float()
    return matrix, None


def _quarter_turn(rng: Generator) -> FloatArray:
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    turn: FloatArray = np.linalg.matrix_power(quarter, int(rng.integers(4)))
    return turn @ np.diag([1.0, rng.choice([-1.0, 1.0])])


def vary(image: Tensor, ranges: Mapping[str, Any], rng: Generator, *, slices: int = 1) -> Tensor:
    """Change intensities as scanners do; each part with its own chance.

    Args:
        image: Batch, (N, C, *S), float.
        ranges: The plan's augmentation: "brightness", "contrast" [low, high], "gamma"
            [low, high], "noise", "blur" [low, high], "lowres", "bias_field".
        rng: Where randomness comes from.
        slices: Slices of one volume among the channels, in the order of `core.slices`; they
            all change alike, and only the grains of noise are their own.

    Returns:
        Changed batch, (N, C, *S).
    """
    shape = (image.shape[0], image.shape[1] // slices)

    def spread(low: float, high: float) -> Tensor:
        return torch.from_numpy(rng.uniform(low, high, shape)).float()

    def each(values: Tensor) -> Tensor:
        return values.repeat(1, slices).reshape(*image.shape[:2], *[1] * (image.ndim - 2))

    strength = float(ranges.get("bias_field", 0))
    if strength > 0 and rng.random() < 0.5:
        knots = rng.normal(0, strength, (shape[0], 1, *[3] * (image.ndim - 2)))
        image = intensity.bias_field(image, torch.from_numpy(knots).float())
    image = _together(image, slices)
    if "gamma" in ranges and rng.random() < 0.5:
        image = intensity.gamma(image, spread(*np.log(ranges["gamma"])).exp())
    bright = float(ranges.get("brightness", 0))
    image = intensity.adjust(
        image,
        gain=spread(1 - bright, 1 + bright),
        offset=spread(-bright, bright),
        contrast=spread(*ranges.get("contrast", (1.0, 1.0))),
    )
    image = _apart(image, slices)
    if rng.random() < float(ranges.get("lowres", 0)):
        coarse = intensity.coarsen(image, rng.uniform(0.5, 1))
        image = torch.lerp(image, coarse, each(_coin(shape, rng)))
    if "blur" in ranges:
        low, high = ranges["blur"]
        image = intensity.blur(image, spread(low, high)[:, 0] * (rng.random() < 0.3))
    if (noise := float(ranges.get("noise", 0))) > 0:
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        grain = torch.randn(image.shape, generator=generator)
        image = image + grain * each(spread(0, noise) * _coin(shape, rng))
    return image


def _together(image: Tensor, slices: int) -> Tensor:
    """Give the slices an axis of their own, so that they share minimum, maximum and mean."""
    if slices == 1:
        return image
    return image.reshape(len(image), slices, -1, *image.shape[2:]).transpose(1, 2)


def _apart(image: Tensor, slices: int) -> Tensor:
    return image if slices == 1 else image.transpose(1, 2).flatten(1, 2)


def _coin(shape: tuple[int, ...], rng: Generator) -> Tensor:
    return torch.from_numpy((rng.random(shape) < 0.5).astype(np.float32))
