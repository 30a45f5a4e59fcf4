"""What may not enter a network: images that it cannot answer for, each with the reason.

A network answers anything that has the right number of axes; only a look at the image
before keeps a CT from an MR model and a file of NaN from an empty mask.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from delineate.core.errors import FileError, PlanError, ShapeError
from delineate.core.image import Image
from delineate.core.plan import Plan

FAMILIES: dict[str, frozenset[str]] = {
    "CT": frozenset({"ct", "cbct", "hu"}),
    "MR": frozenset(
        {"mr", "mri", "t1", "t1w", "t1c", "t1ce", "t1gd", "t2", "t2w", "t2f", "flair", "adc",
         "dwi", "pd", "swi"}
    ),
    "PET": frozenset({"pet", "pt", "suv", "fdg"}),
    "X-ray": frozenset({"cr", "dx", "mg", "rf", "xa", "xray", "cxr"}),
    "ultrasound": frozenset({"us", "ultrasound"}),
    "colour": frozenset({"red", "green", "blue", "rgb"}),
}  # fmt: skip
"""Modalities that exclude each other, and the words by which channel names tell them."""
AIR_HU = -500.0
"""Hounsfield units below which only air and lung lie, and no MR intensity."""


def check_image(image: Image, plan: Plan, facts: Mapping[str, Any] | None = None) -> None:
    """Refuse an image that the plan's network cannot answer for.

    Args:
        image: The image.
        plan: The network's plan.
        facts: What else is known of the case; "modality" counts.

    Raises:
        ShapeError: If axes or channels do not fit, or there is but one voxel.
        FileError: If values are not finite or all the same.
        PlanError: If the image is of another modality.
    """
    check_kind(image, plan, facts)
    lows = [float(channel.min()) for channel in image.array]
    highs = [float(channel.max()) for channel in image.array]
    if not np.isfinite([*lows, *highs]).all():
        count = int(image.array.size - np.isfinite(image.array).sum())
        raise FileError(
            f"{image.source} has {count} voxels that are NaN or infinite. "
            "Replace them with the value of air, or export the image again."
        )
    if lows == highs and plan.task == "regions":  # glass without tissue is a slide, too
        raise FileError(
            f"{image.source} is constant ({lows[0]:g} everywhere), so there is nothing to "
            "segment. Check that the right file was exported."
        )
    _check_units(image, plan, lows)


def check_kind(image: Image, plan: Plan, facts: Mapping[str, Any] | None = None) -> None:
    """Refuse an image of another kind than the plan's, without a look at its pixels.

    Args:
        image: The image.
        plan: The network's plan.
        facts: What else is known of the case; "modality" counts.
    """
    _check_grid(image, plan)
    _check_names(image, plan, facts or {})


def is_foreign(modality: str, plan: Plan) -> bool:
    """Tell whether a modality is certainly none that the plan's network was trained on.

    Args:
        modality: Such as "CT", as DICOM says it.
        plan: The network's plan.

    Returns:
        True if both are known and exclude each other.
    """
    known = [family for name in plan.channels if (family := _family(name))]
    return bool(known) and _family(modality) not in (None, *known)


def _check_grid(image: Image, plan: Plan) -> None:
    shape = image.geometry.shape
    if len(shape) < (3 if plan.slices > 1 else plan.dims):
        raise ShapeError(
            f"{image.source} is 2-D ({shape[0]} x {shape[1]}), but the model works on volumes. "
            "Pass the whole volume, or use a 2-D model."
        )
    if len(image.channels) != len(plan.channels):
        raise ShapeError(
            f"{image.source} has {len(image.channels)} channels ({', '.join(image.channels)}), "
            f"but the model wants {len(plan.channels)} ({', '.join(plan.channels)}). "
            "Pass an image with these channels, or files named ID_0000, ID_0001 and so on."
        )
    if int(np.prod(shape)) == 1:
        raise ShapeError(
            f"{image.source} is a single voxel; there must be at least two. "
            "Check that the right file was exported."
        )


def _check_names(image: Image, plan: Plan, facts: Mapping[str, Any]) -> None:
    if image.channels != plan.channels and sorted(image.channels) == sorted(plan.channels):
        raise ShapeError(
            f"{image.source} has its channels in the order {', '.join(image.channels)}, but the "
            f"model wants {', '.join(plan.channels)}. Bring them into that order."
        )
    told = _family(str(facts.get("modality", "")))
    for have, want in zip(image.channels, plan.channels, strict=True):
        found, wanted = told or _family(have), _family(want)
        if found and wanted and found != wanted:
            raise PlanError(
                f"{image.source} is {found}, but the model was trained on {wanted} "
                f"(channel {want!r}). Choose a model for {found}."
            )


def _check_units(image: Image, plan: Plan, lows: list[float]) -> None:
    for low, name, rule in zip(lows, plan.channels, plan.normalisation, strict=True):
        family = _family(name)
        if family == "MR" and low < AIR_HU:
            raise PlanError(
                f"{image.source} goes down to {low:g} as Hounsfield units do, but the model was "
                f"trained on MR (channel {name!r}). Choose a model for CT."
            )
        if family == "CT" and rule.get("low", 0.0) < 0 <= low:
            raise PlanError(
                f"{image.source} has no value below 0, but the model was trained on CT in "
                f"Hounsfield units from {rule['low']:g}. Apply the rescale slope and intercept, "
                "or choose a model for this modality."
            )


def _family(text: str) -> str | None:
    words = set(re.findall(r"[a-z0-9]+", text.lower()))
    return next((name for name, known in FAMILIES.items() if words & known), None)
