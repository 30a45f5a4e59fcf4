"""The rules that differ where objects are told apart: nuclei in tissue and cells in culture."""

from collections.abc import Callable
from typing import Any

import numpy as np

from delineate.core.errors import PlanError
from delineate.core.plan import Plan
from delineate.planning.families import FAMILIES, decide_options
from delineate.planning.fingerprint import Fingerprint
from delineate.planning.machine import Machine

USUAL_UM = 0.25
"""Micrometres to the pixel of a scan at 40x, which most data and models have."""
PATCH = (256, 256)
"""Patch that shows some dozens of nuclei and their surroundings."""
SMALL_PATCH = (128, 128)
"""Patch of a short run."""
SHORT_S = 300.0
"""A budget below this, in seconds, gets a network of half the width and small patches on a CPU."""
PEAK_RATE = 2e-3
"""Learning rate of AdamW for a batch of 8."""


def choose_scale(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Work at the cases' median resolution; one that is nearly 40x is taken as 40x.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `spacing_mm`.

    Raises:
        PlanError: If the files do not say how large a pixel is.
    """
    if not fingerprint.is_physical:
        raise PlanError(
            "mpp, the micrometres to a pixel, must be known to train on objects, but the files do "
            "not say it. Pass --mpp 0.25 (a scan at 40x) or --mpp 0.5 (20x)."
        )
    spread = fingerprint.spacings
    median = float(np.median(spread.median)) * 1000
    around = f"{spread.min[-1] * 1000:.3g} to {spread.max[-1] * 1000:.3g} um to the pixel"
    diameter = fingerprint.diameter_um
    size = "" if diameter is None else f"; the median object measures {diameter:.3g} um"
    scale = USUAL_UM if abs(median / USUAL_UM - 1) < 0.1 else float(f"{median:.3g}")
    reason = f"{scale:g} um to the pixel; the cases have {around}{size}."
    return plan.deciding(reason, spacing_mm=(scale / 1000, scale / 1000))


def choose_patch(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Show some dozens of objects at once.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `patch`.
    """
    if _is_short(machine):
        reason = "Many small steps teach more in so short a time than few large ones."
        return plan.deciding(reason, patch=SMALL_PATCH)
    reason = "Some dozens of nuclei with their surroundings; more patches teach more than larger."
    return plan.deciding(reason, patch=PATCH)


def choose_network(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Half resolution inside and full resolution out, four or five stages.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `model_options`; its own defaults for a model that has no family.
    """
    if plan.model in FAMILIES:
        options, reason = decide_options(FAMILIES[plan.model], plan, machine)
        return plan.deciding(reason, model_options=options)
    if plan.model != "unet":
        reason = f"Model {plan.model!r} is taken with its own defaults."
        return plan.deciding(reason, model_options={})
    features = [24, 48, 96, 128] if _is_short(machine) else [48, 96, 160, 192, 192]
    if machine.is_gpu:
        features = [64, 128, 256, 256, 256]
    options = {
        "features": features,
        "strides": [[2, 2]] * len(features),
        "fine": 16,
        "residual": False,
        "norm": "batch",
        "deep_supervision": False,
    }
    reason = (
        "Works at half the resolution, which costs a quarter, and comes back to the full grid by "
        f"a thin branch: of equal time, the better one. {features[0]} features suit "
        f"{machine.where}."
    )
    return plan.deciding(reason, model_options=options)


def choose_batch(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Eight patches, which batch norm needs and which mix several tissues in every step.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `batch_size`.
    """
    size = 32 if machine.is_gpu else 8
    return plan.deciding("Every step mixes several tissues and stains.", batch_size=size)


def choose_rate(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Take the rate that was found with this network and batch.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `learning_rate`.
    """
    if plan.model in FAMILIES:
        family = FAMILIES[plan.model]
        reason = f"{family.why_rate}."
        return plan.deciding(reason, learning_rate=family.rate, weight_decay=family.weight_decay)
    reason = f"Suits {plan.batch_size} patches a step with AdamW."
    return plan.deciding(reason, learning_rate=PEAK_RATE)


def choose_sampling(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Cut patches anywhere, images drawn by their area.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `foreground`.
    """
    reason = "Nuclei are everywhere; every pixel of the dataset comes equally often."
    return plan.deciding(reason, foreground=0.0)


def choose_loss(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Tversky and cross-entropy, offsets, and types weighed against their number of objects.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `loss` and `loss_options`.
    """
    counts = np.array([entry.num_objects or 0 for entry in fingerprint.classes], dtype=np.float64)
    options: dict[str, Any] = {"alpha": 0.5, "beta": 0.5}
    reason = "Foreground, way to the centre and type each have their terms."
    if len(counts) > 1:
        raw = 1 / np.sqrt(np.maximum(counts, 1))
        weights = raw * len(raw) / raw.sum()
        options["class_weights"] = [round(float(weight), 3) for weight in weights]
        told = ", ".join(f"{entry.name} {entry.num_objects}" for entry in fingerprint.classes)
        reason += f" Types weigh by the root of their rarity ({told})."
    plan = plan.deciding("Misses and false alarms weigh alike.", loss_options=options)
    return plan.deciding(reason, loss="nuclei")


def choose_augmentation(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Vary what differs between laboratories: stain, lamp, focus, noise, compression; any turn.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `augmentation`.
    """
    values: dict[str, Any] = {
        "quarter_turns": 0.4,
        "rotate_degrees": [180.0],
        "scale": [0.75, 1.35],
        "mirror_axes": [0],
        "elastic": {"probability": 0.1, "sigma": 40.0, "magnitude": 2.0},
        "stain": {"gain": 0.35, "offset": 0.08, "hue": 0.06},
        "gamma": [0.8, 1.25],
        "brightness": 0.12,
        "contrast": [0.8, 1.2],
        "grey": 0.05,
        "blur": [0.0, 1.0],
        "lowres": 0.15,
        "noise": 0.04,
        "jpeg": [30.0, 95.0],
    }
    reason = (
        "Tissue has no upright position; each laboratory has its own stain, lamp, focus and "
        "compression, and a model that knows one of them fails in the next."
    )
    return plan.deciding(reason, augmentation=values)


def choose_flips(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Answer once; mirrored answers are a choice at prediction.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `flips`.
    """
    reason = "Each mirrored axis doubles the time for a small gain; --flips 0 1 asks for it."
    return plan.deciding(reason, flips=())


def choose_overlap(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Say that tiles do not blend: every pixel comes from one tile, with a rim around it.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `overlap`.
    """
    reason = "Tiles have a rim of 64 pixels that only informs; nothing is blended."
    return plan.deciding(reason, overlap=0.0)


def _is_short(machine: Machine) -> bool:
    if machine.is_gpu or machine.num_steps is not None:
        return False
    return (machine.budget_s or SHORT_S) < SHORT_S


OBJECT_RULES: dict[str, Callable[[Fingerprint, Plan, Machine], Plan]] = {
    "spacing_mm": choose_scale,
    "patch": choose_patch,
    "model_options": choose_network,
    "batch_size": choose_batch,
    "learning_rate": choose_rate,
    "foreground": choose_sampling,
    "loss": choose_loss,
    "augmentation": choose_augmentation,
    "overlap": choose_overlap,
    "flips": choose_flips,
}
"""Rules that take the place of those of the same name."""
