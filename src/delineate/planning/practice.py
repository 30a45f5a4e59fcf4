"""How the network practises: where patches are cut, what is punished, what is varied."""

import re
from typing import Any

from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.planning.fingerprint import ClassShare, Fingerprint
from delineate.planning.machine import Machine

RARE = 5e-4
"""A class with a smaller share of the voxels than this is rare: Dice alone learns it late."""
SPARSE = 0.05
"""Below this share of labelled voxels, patches without any would be the rule."""
SIDES = re.compile(r"(?<![a-z])(left|right|lt|rt|l|r)(?![a-z])")
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
HURRY_S = 600.0
"""With less time than this, in seconds, on a CPU, strong augmentation costs more than it gives
(measured at 5 minutes: Dice 0.874 against 0.870)."""
FULL_TURN = 180.0
"""Turning by up to this many degrees either way leaves no position out."""
THICK = 3.0
"""Voxels this many times longer than wide are not turned or bent out of the plane."""


def choose_sampling(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Centre more patches on labels the rarer they are; none where a patch sees everything.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far; its patch and spacing count.
        machine: What the run may use.

    Returns:
        The plan with `foreground`.
    """
    steps = zip(fingerprint.extents.max, plan.spacing_mm, strict=True)
    largest = [max(1, round(extent / step)) for extent, step in steps][-plan.dims :]
    is_slice = fingerprint.is_volume and plan.dims == 2
    fits = [side >= length for side, length in zip(plan.patch, largest, strict=True)]
    if all(fits) and not is_slice:
        reason = "A patch holds even the largest image, so there is nothing to aim at."
        return plan.deciding(reason, foreground=0.0)
    size = fingerprint.size_at(plan.spacing_mm)[-plan.dims :]
    if all(a >= b for a, b in zip(plan.patch, size, strict=True)) and not is_slice:
        reason = "A patch holds the median image; only larger ones need aiming."
        return plan.deciding(reason, foreground=0.25)
    rarest = _rarest(fingerprint)
    facts = f"{rarest.name} fills {_share(rarest.voxel_share)} of all voxels"
    total = sum(entry.voxel_share for entry in fingerprint.classes)
    if rarest.voxel_share < RARE:
        return plan.deciding(f"{facts}, so most patches must aim at a label.", foreground=0.67)
    if total < SPARSE:
        reason = f"All labels together fill {_share(total)} of all voxels, so half aim at one."
        return plan.deciding(reason, foreground=0.5)
    reason = f"Labels are common ({facts}, the least), so a third aim at one and the rest roam."
    return plan.deciding(reason, foreground=0.33)


def choose_loss(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Dice with cross-entropy, or Tversky, which punishes misses, where a class is tiny.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `loss` and `loss_options`.
    """
    rarest = _rarest(fingerprint)
    facts = f"the rarest class, {rarest.name}, fills {_share(rarest.voxel_share)} of all voxels"
    if rarest.voxel_share < RARE:
        reason = f"Misses weigh more than false alarms, since {facts}."
        options = {"alpha": 0.3, "beta": 0.7}
        plan = plan.deciding("A false alarm weighs alpha, a miss beta.", loss_options=options)
        return plan.deciding(reason, loss="tversky_ce")
    reason = f"Overlap and every voxel's class count equally; {facts}, which Dice can learn."
    return plan.deciding(reason, loss="dice_ce")


def choose_augmentation(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Vary what differs between patients and scanners, and nothing that tells classes apart.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far; its orientation, patch, spacing and normalisation count.
        machine: What the run may use; little time makes the ranges narrower.

    Returns:
        The plan with `augmentation`.
    """
    kinds = {rule.get("kind") for rule in plan.normalisation}
    spatial, why_spatial = _spatial(fingerprint, plan)
    mirror, why_mirror = _mirror(fingerprint, plan)
    tones, why_tones = _tones(kinds, is_mr=fingerprint.is_physical and not fingerprint.is_rgb)
    values = {**spatial, "mirror_axes": mirror, **tones}
    reason = f"{why_spatial} {why_mirror} {why_tones}"
    if _is_hurried(machine):
        values = _milder(values)
        reason += " Ranges are narrower and nothing is bent: too little time to profit from more."
    return plan.deciding(reason, augmentation=values)


def _is_hurried(machine: Machine) -> bool:
    if machine.is_gpu or machine.num_steps is not None or machine.budget_s is None:
        return False
    return machine.budget_s < HURRY_S


def _milder(values: dict[str, Any]) -> dict[str, Any]:
    # Tones, size and turns go two fifths of the way to leaving the image as it is; nothing is
    # bent. Full turns stay full: they say that there is no upright position.
    milder = dict(values)
    for name in ("scale", "gamma", "contrast"):
        milder[name] = [round(edge**0.6, 3) for edge in values[name]]
    for name in ("brightness", "noise", "bias_field", "lowres"):
        milder[name] = round(values[name] * 0.6, 3)
    milder["rotate_degrees"] = [
        angle if angle >= FULL_TURN else round(0.6 * angle, 1) for angle in values["rotate_degrees"]
    ]
    milder["elastic"] = {**values["elastic"], "probability": 0.0}
    return milder


def has_sides(labels: LabelTable) -> bool:
    """Tell whether a mirrored image would have wrong labels.

    Args:
        labels: The classes.

    Returns:
        True if a name says left or right.

    Example:
        >>> has_sides(LabelTable.of_names({"kidney_left": 1}))
        True
    """
    return any(SIDES.search(HUMP.sub(" ", name).lower()) for name in labels.names)


def _spatial(fingerprint: Fingerprint, plan: Plan) -> tuple[dict[str, Any], str]:
    spacing = plan.spacing_mm[-plan.dims :]
    side = min(plan.patch[-2:])
    degrees, reason = [15.0], "Patients lie a little turned."
    scale, elastic = [0.85, 1.18], 0.2
    if fingerprint.is_rgb:
        degrees, scale = [FULL_TURN], [0.7, 1.4]
        reason = "Colour images are taken to have no upright position."
    elif plan.dims == 3:
        degrees = _turns(spacing)
        if min(degrees) < max(degrees):
            reason = "Patients lie a little turned; less where voxels have unequal sides."
        if min(degrees) == 0:
            elastic = 0.0
    magnitude = min(3.0, max(0.5, side / 40))
    values = {
        "rotate_degrees": degrees,
        "scale": scale,
        "translate": 0.05,
        "elastic": {
            "probability": elastic,
            "sigma": max(8.0, side / 4),
            "magnitude": round(magnitude, 2),
        },
    }
    return values, reason


def _turns(spacing: tuple[float, ...]) -> list[float]:
    # Turning happens in voxels, so a plane whose sides differ would shear instead.
    degrees = []
    for axis in range(3):
        first, second = (step for place, step in enumerate(spacing) if place != axis)
        ratio = max(first, second) / min(first, second)
        degrees.append(round(15 / ratio, 1) if ratio <= THICK else 0.0)
    return degrees


def _mirror(fingerprint: Fingerprint, plan: Plan) -> tuple[list[int], str]:
    every = list(range(plan.dims))
    if has_sides(plan.labels):
        names = [name for name in plan.labels.names if SIDES.search(HUMP.sub(" ", name).lower())]
        return [], f"Nothing is mirrored, since {names[0]!r} names a side."
    if fingerprint.is_rgb:
        return every, "Mirrored along both axes, since no label names a side."
    if fingerprint.is_volume and not plan.canonical:
        return every, "Mirrored along every axis, since nothing tells how the volumes lie."
    if fingerprint.is_volume:
        return [], "Nothing is mirrored, since bodies are not the same from left to right."
    return every[-1:], "Mirrored from left to right, since no label names a side."


def _tones(kinds: set[Any], *, is_mr: bool) -> tuple[dict[str, Any], str]:
    values = {
        "gamma": [0.7, 1.4],
        "brightness": 0.15,
        "contrast": [0.8, 1.25],
        "noise": 0.1,
        "blur": [0.0, 0.8],
        "lowres": 0.1,
        "bias_field": 0.0,
    }
    if kinds == {"range"}:
        tighter = {"brightness": 0.1, "noise": 0.03, "gamma": [0.8, 1.25]}
        return {**values, **tighter}, "Colours vary mildly, as staining and lamps do."
    if "window" in kinds:
        tighter = {"brightness": 0.1, "contrast": [0.85, 1.15], "gamma": [0.8, 1.25]}
        return {**values, **tighter}, "CT numbers are calibrated, so tones vary little."
    if is_mr:
        return {**values, "bias_field": 0.15}, (
            "Tones and a smooth bias field vary widely, as from one MR scanner to the next."
        )
    return values, "Tones vary widely, as from one device to the next."


def _rarest(fingerprint: Fingerprint) -> ClassShare:
    present = [entry for entry in fingerprint.classes if entry.voxel_share > 0]
    return min(present, key=lambda entry: entry.voxel_share)


def _share(value: float) -> str:
    return f"{value * 100:.2g} %"
