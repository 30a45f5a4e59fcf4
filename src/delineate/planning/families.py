"""Families of networks: how each halves its grid, how large a run may have it, how fast it learns.

Planning knows networks by these few facts alone, written down here: a row of `MODELS` without
a row here is taken with its own defaults. The U-Net has rules of its own in `network`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log2, prod
from typing import Any

from delineate.core.errors import PlanError
from delineate.core.plan import Plan
from delineate.planning.machine import COST_OF_WIDTH, Machine
from delineate.planning.stages import COARSEST, Rows, divide

BRIEF_S = {2: 3600.0, 3: 7200.0}
"""A budget below this, in seconds, gets the smallest size on a CPU, by number of axes."""
SMALL_PX = 96
"""Side of a 2-D patch below which structures are taken to be few pixels wide."""
SUITED_PX = 256
"""Size of the images that the dilations of ResUNet++ were published for."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large a network is, and what a training step then costs."""

    options: Mapping[str, Any]
    """Arguments of the network that make this size."""
    cost: float
    """Time of a step to that of a plain U-Net of width 32: measured in 2-D on a CPU (128 x 128,
    bfloat16, one thread of a busy machine), by multiplications for what suits a card."""
    said: str
    """The size in words."""

    @property
    def width(self) -> int:
        """Features of the U-Net whose step takes as long."""
        return max(4, int(32 * self.cost ** (1 / COST_OF_WIDTH) + 0.5))


@dataclass(frozen=True, kw_only=True)
class Family:
    """What planning must know of a network other than the U-Net."""

    strides: tuple[int, ...]
    """Usual stride of each stage, powers of two; an axis takes less where it is thin or short."""
    brief: Size
    """For little time on a CPU."""
    usual: Size
    """For more."""
    card: Size
    """For a graphics card."""
    rate: float
    """Peak learning rate of AdamW for four patches a step or more."""
    why_rate: str
    """What that rate is known for."""
    weight_decay: float = 1e-2
    """Decoupled weight decay."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of every size."""
    closer: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """Arguments besides, for volumes and small patches, whose structures are few voxels wide."""
    closer_strides: tuple[int, ...] = ()
    """Usual strides for these; the same if empty."""
    dilations: str = ""
    """Option that dilations are given by: "size" takes the patch, "rates" the dilations."""
    has_outputs: bool = False
    """Whether the network must be told what its outputs are."""


_SCRATCH = "Suits transformers that begin from scratch, with AdamW"
_CONVOLUTIONS = "Is usual for residual networks that begin from scratch, with AdamW"


def _encoder(width: float, cost: float, **options: Any) -> Size:  # noqa: ANN401
    said = f"a ResNet-18 of {width:g} times the published width"
    return Size(options={"encoder": "resnet18", "width": width, **options}, cost=cost, said=said)


def _resnet(depth: int, cost: float, **options: Any) -> Size:  # noqa: ANN401
    return Size(options={"encoder": f"resnet{depth}", **options}, cost=cost, said=f"ResNet-{depth}")


def _named(name: str, cost: float) -> Size:
    return Size(options={"size": name}, cost=cost, said=f"size {name}")


def _features(cost: float, *features: int) -> Size:
    return Size(options={"features": list(features)}, cost=cost, said=f"{features[0]} features")


_ATROUS: dict[str, Any] = {
    "strides": (2,) * 5, "rate": 1e-3, "why_rate": _CONVOLUTIONS, "dilations": "size",
    "options": {"output_stride": 16, "norm": "batch"},
}  # fmt: skip
_PYRAMID: dict[str, Any] = {
    "strides": (2,) * 5, "rate": 1e-3, "why_rate": _CONVOLUTIONS, "options": {"norm": "batch"},
}  # fmt: skip
_STAGES: dict[str, Any] = {
    "strides": (1, 2, 2, 2, 2), "rate": 1e-3, "why_rate": "Is usual for U-Nets, with AdamW",
    "options": {"norm": "batch"},
}  # fmt: skip
_TRANSFORMER: dict[str, Any] = {
    "strides": (4, 2, 2, 2), "rate": 1e-3, "why_rate": _SCRATCH, "weight_decay": 0.05,
    "options": {"norm": "batch"},
}  # fmt: skip

FAMILIES: dict[str, Family] = {
    "segformer": Family(
        brief=_named("b0", 0.25), usual=_named("b0", 0.25), card=_named("b2", 2.0), **_TRANSFORMER
    ),
    "medsegformer": Family(
        brief=_named("nano", 0.45),
        usual=_named("tiny", 0.7),
        card=_named("b1", 3.0),
        has_outputs=True,
        **{
            **_TRANSFORMER,
            "rate": 6e-3,
            "why_rate": "Was the best of 1e-3, 2e-3 and 6e-3 in trials of 300 steps, on volumes "
            "and on nuclei",
        },
        closer={
            2: {"decoder": "unet", "stem_width": 32, "stem_depth": 2},
            3: {"decoder": "unet", "stem": "apart", "fusion": "sum"},
        },
        closer_strides=(2, 2, 2, 2),
    ),
    "deeplabv3plus": Family(
        brief=_encoder(0.25, 0.15, features=64, early=24),
        usual=_encoder(0.5, 0.25, features=128),
        card=_resnet(50, 2.0),
        **_ATROUS,
    ),
    "deeplabv3": Family(
        brief=_encoder(0.25, 0.15, features=64),
        usual=_encoder(0.5, 0.2, features=128),
        card=_resnet(50, 2.0),
        **_ATROUS,
    ),
    "fpn": Family(
        brief=_encoder(0.25, 0.15, pyramid=64, features=64),
        usual=_encoder(0.5, 0.3, pyramid=128, features=128),
        card=_resnet(34, 1.5),
        **_PYRAMID,
    ),
    "unet_encoder": Family(
        brief=_encoder(0.25, 0.2, features=[64, 48, 32, 24, 16]),
        usual=_encoder(0.5, 0.35, features=[128, 96, 64, 32, 16]),
        card=_resnet(34, 1.5),
        **_PYRAMID,
    ),
    "unet_original": Family(
        brief=_features(0.5, 16, 32, 64, 128, 256),
        usual=_features(1.7, 32, 64, 128, 256, 512),
        card=_features(5.5, 64, 128, 256, 512, 1024),
        **_STAGES,
    ),
    "unetpp": Family(
        brief=_features(0.7, 8, 16, 32, 64, 128),
        usual=_features(1.7, 16, 32, 64, 128, 256),
        card=_features(5.0, 32, 64, 128, 256, 512),
        **_STAGES,
    ),
    "resunetpp": Family(
        strides=(1, 2, 2, 2),
        brief=_features(0.8, 8, 16, 32, 64, 128),
        usual=_features(1.8, 16, 32, 64, 128, 256),
        card=_features(1.8, 16, 32, 64, 128, 256),
        rate=1e-3,
        why_rate=_CONVOLUTIONS,
        options={"norm": "batch"},
        dilations="rates",
    ),
}
"""Families by row of `MODELS`."""


def size_for(family: Family, dims: int, machine: Machine) -> Size:
    """Choose how large a network is.

    Args:
        family: The network's family.
        dims: Axes that it sees.
        machine: What the run may use; a number of steps is no short budget.

    Returns:
        The size.
    """
    if machine.is_gpu:
        return family.card
    if machine.num_steps is not None or machine.budget_s is None:
        return family.usual
    return family.brief if machine.budget_s < BRIEF_S[dims] else family.usual


def is_close(patch: Sequence[int]) -> bool:
    """Tell patches that a first stride of 4 would blur: volumes, and pictures below `SMALL_PX`.

    Args:
        patch: Patch in voxels.

    Returns:
        True if the network should look closer.
    """
    return len(patch) == 3 or min(patch) < SMALL_PX


def fit_strides(family: Family, patch: Sequence[int], spacing: Sequence[float]) -> Rows:
    """Give each stage its stride per axis, so that thin axes stay whole and short ones long enough.

    Axes are halved in the order that makes voxels cubes (`stages.divide`), at most as often as
    the family does, and each stage takes as many of these halvings as its usual stride has.

    Args:
        family: The network's family.
        patch: Patch in voxels.
        spacing: Length of a voxel per axis.

    Returns:
        One row a stage, finest first.

    Raises:
        PlanError: If not even the first halving leaves `COARSEST` voxels.
    """
    halvings = list(divide(patch, spacing, exact=False).strides[1:])
    rows = []
    looks_close = bool(family.closer_strides) and is_close(patch)
    for usual in family.closer_strides if looks_close else family.strides:
        row = [1] * len(patch)
        for _ in range(round(log2(usual))):
            taken = halvings.pop(0) if halvings else row
            if taken is not row:
                row = [step * more for step, more in zip(row, taken, strict=True)]
        rows.append(tuple(row))
    if prod(prod(row) for row in rows) == 1:
        raise PlanError(
            f"patch {' x '.join(map(str, patch))} is too small for a network that works on a "
            f"coarser grid: no axis can be halved and keep {COARSEST} voxels. "
            f"Pass --patch with at least {2 * COARSEST} voxels along an axis."
        )
    return tuple(rows)


def decide_options(family: Family, plan: Plan, machine: Machine) -> tuple[dict[str, Any], str]:
    """Decide a network's options and say why.

    Args:
        family: The network's family.
        plan: The plan so far; its patch, spacing, labels and task count.
        machine: What the run may use.

    Returns:
        Options of the network, and the reason.

    Raises:
        PlanError: If the patch is too small.
    """
    size = size_for(family, plan.dims, machine)
    rows = fit_strides(family, plan.patch, plan.spacing_mm[-plan.dims :])
    options = {**family.options, **size.options, "strides": [list(row) for row in rows]}
    if is_close(plan.patch):
        options |= family.closer.get(plan.dims, {})
    totals = [prod(axis) for axis in zip(*rows, strict=True)]
    grid = [-(-side // total) for side, total in zip(plan.patch, totals, strict=True)]
    reason = f"Of {plan.model}, {size.said} suits {machine.where}"
    if machine.budget_s is not None and machine.num_steps is None:
        reason += f" and {machine.budget_s / 60:.3g} minutes"
    reason += f"; its strides leave {' x '.join(map(str, grid))} cells of the patch."
    if len(set(totals)) > 1:
        reason += " Axes with fewer or longer voxels are halved less."
    if family.dilations == "size":
        options["size"] = list(plan.patch)
        reason += " Its dilations shrink with the patch, beyond which they would see nothing."
    if family.dilations == "rates":
        options["rates"] = _rates(plan.patch)
        reason += " Its dilations shrink with the patch, beyond which they would see nothing."
    if family.has_outputs:
        options["outputs"] = _outputs(plan)
    return options, reason


def _rates(patch: Sequence[int]) -> list[int]:
    share = min(1.0, max(patch) / SUITED_PX)
    return [1, *(max(2, round(rate * share)) for rate in (6, 12, 18))]


def _outputs(plan: Plan) -> str:
    if plan.task == "instances":
        return "instances"
    return "exclusive" if plan.labels.is_exclusive else "layers"
