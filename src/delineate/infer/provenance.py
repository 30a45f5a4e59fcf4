"""What made a prediction, for whoever finds it later."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from delineate.core.plan import Plan
from delineate.core.series import Series


def tell_provenance(
    name: str,
    plan: Plan,
    *,
    weights_hash: str,
    device: torch.device,
    flips: Sequence[int],
    seconds: float,
) -> dict[str, Any]:
    """Say what made a prediction.

    Args:
        name: What the model is called.
        plan: Its plan.
        weights_hash: Tells its weights from others.
        device: Where it ran.
        flips: Network axes whose mirror images were averaged.
        seconds: Time that it took.

    Returns:
        Facts by name, of plain types.
    """
    try:
        release = version("delineate")
    except PackageNotFoundError:
        release = "unknown"
    return {
        "model": name,
        "weights_hash": weights_hash,
        "plan_hash": plan.hash(),
        "delineate": release,
        "torch": torch.__version__,
        "device": str(device),
        "flips": list(flips),
        "seconds": round(seconds, 3),
    }


def tell_series(series: Series | None) -> dict[str, Any]:
    """Say which DICOM series a prediction is of, and what was found in it.

    Args:
        series: The series; None for other files.

    Returns:
        Under "series" its UID, its volume if it holds several, and codes of what was found;
        nothing for other files.
    """
    if series is None:
        return {}
    facts: dict[str, Any] = {"uid": series.series_uid}
    if series.volume:
        facts["volume"] = series.volume
    facts["findings"] = list(dict.fromkeys(finding.code for finding in series.findings))
    return {"series": facts}
