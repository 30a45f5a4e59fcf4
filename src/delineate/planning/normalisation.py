"""How intensities are brought to one scale, channel by channel."""

import re
from typing import Any

from delineate.core.plan import Plan
from delineate.planning.fingerprint import Fingerprint
from delineate.planning.machine import Machine
from delineate.planning.spread import Intensity, tidy

CT_NAME = re.compile(r"(?<![a-z])(ct|cta|cect|ncct|cbct|hu|hounsfield)(?![a-z])", re.IGNORECASE)
AIR_HU = -500.0
"""Only Hounsfield units reach this low: air is near -1000."""


def choose_normalisation(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Window for CT, fixed range for colour, and each image's own mean and spread otherwise.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `normalisation`, one entry per channel.
    """
    if fingerprint.is_rgb:
        top = max(channel.max for channel in fingerprint.whole)
        high = next((step for step in (1.0, 255.0, 4095.0, 65535.0) if top <= step), tidy(top))
        reason = f"Colours keep their meaning: 0 to {high:g} is the range that holds {top:g}."
        rule = {"kind": "range", "low": 0.0, "high": high}
        return plan.deciding(reason, normalisation=(rule,) * 3)
    rules, reasons = [], []
    channels = zip(fingerprint.channels, fingerprint.foreground, fingerprint.whole, strict=True)
    for name, inside, whole in channels:
        rule, reason = _of_channel(fingerprint, name, inside, whole)
        rules.append(rule)
        if reason not in reasons:
            reasons.append(reason)
    return plan.deciding(" ".join(reasons), normalisation=tuple(rules))


def _of_channel(
    fingerprint: Fingerprint, name: str, inside: Intensity, whole: Intensity
) -> tuple[dict[str, Any], str]:
    is_named = CT_NAME.search(name) is not None and whole.min < 0
    is_like = fingerprint.is_physical and whole.p0_5 <= AIR_HU
    if (is_named or is_like) and inside.p99_5 > inside.p0_5:
        rule = {
            "kind": "window",
            "low": tidy(inside.p0_5),
            "high": tidy(inside.p99_5),
            "mean": tidy(inside.mean),
            "std": tidy(inside.std),
        }
        sign = f"is called {name!r}" if is_named else f"falls to {whole.min:.0f}, as air does in CT"
        return rule, (
            f"The channel {sign}, so values are Hounsfield units and mean the same in every "
            f"case; labelled voxels lie between {inside.p0_5:.4g} and {inside.p99_5:.4g} "
            "(percentiles 0.5 and 99.5)."
        )
    return {"kind": "zscore"}, (
        "Values have no fixed scale from scan to scan "
        f"(here {whole.p0_5:.4g} to {whole.p99_5:.4g}), "
        "so each image is centred on its own mean and divided by its own standard deviation."
    )
