"""What other libraries say of two masks: the installed ones, and published formulas restated.

MetricsReloaded is not on PyPI and MedPy is GPL-licensed: their formulas are written anew here from
their documentation, in the way that they compute them (scipy's erosion and distance transform of
the full volume for each metric), with nan where MedPy raises an error.
"""

import warnings
from collections.abc import Callable

import numpy as np
from scipy import ndimage

NAN = float("nan")
Scores = dict[str, float]


def monai(said: np.ndarray, true: np.ndarray, spacing: tuple, tolerance: float) -> Scores:
    """MONAI with its defaults, symmetric."""
    import torch
    from monai import metrics

    one, two = (torch.from_numpy(mask)[None, None] for mask in (said, true))
    given = {"include_background": True, "spacing": spacing}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = {
            "dice": metrics.DiceHelper(
                include_background=True, threshold=True, reduction="none", get_not_nans=False
            )(one, two),
            "iou": metrics.compute_iou(one.float(), two.float()),
            "hd": metrics.compute_hausdorff_distance(one, two, **given),
            "hd95": metrics.compute_hausdorff_distance(one, two, percentile=95, **given),
            "assd": metrics.compute_average_surface_distance(one, two, symmetric=True, **given),
            "nsd": metrics.compute_surface_dice(one, two, [tolerance], **given),
        }
    return {name: float(value) for name, value in scores.items()}


def deepmind(said: np.ndarray, true: np.ndarray, spacing: tuple, tolerance: float) -> Scores:
    """surface-distance; its names of numpy 1 and of old scipy are given back to it first."""
    import surface_distance as peer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.Inf, np.NaN = np.inf, np.nan
        found = peer.compute_surface_distances(true, said, spacing)
        return {
            "dice": float(peer.compute_dice_coefficient(true, said)),
            "hd": float(peer.compute_robust_hausdorff(found, 100)),
            "hd95": float(peer.compute_robust_hausdorff(found, 95)),
            "masd": float(np.mean(peer.compute_average_surface_distance(found))),
            "nsd": float(peer.compute_surface_dice_at_tolerance(found, tolerance)),
        }


def medpy_distances(one: np.ndarray, two: np.ndarray, spacing: tuple) -> np.ndarray:
    """From each border voxel of one mask to the border of the other, on the full volume."""
    borders = [mask ^ ndimage.binary_erosion(mask) for mask in (one, two)]
    return ndimage.distance_transform_edt(~borders[1], sampling=spacing)[borders[0]]


def medpy(said: np.ndarray, true: np.ndarray, spacing: tuple, tolerance: float) -> Scores:
    """MedPy 0.5 by its published formulas."""
    shared, total = np.count_nonzero(said & true), np.count_nonzero(said) + np.count_nonzero(true)
    names = ("hd", "hd95", "assd")
    scores = {
        "dice": 2 * shared / total if total else NAN,
        "iou": shared / (total - shared) if total else NAN,
    }
    if not said.any() or not true.any():
        return scores | dict.fromkeys(names, NAN)
    return scores | {name: MEDPY[name](said, true, spacing) for name in names}


def _both(said: np.ndarray, true: np.ndarray, spacing: tuple) -> np.ndarray:
    there, back = medpy_distances(said, true, spacing), medpy_distances(true, said, spacing)
    return np.hstack((there, back))


MEDPY: dict[str, Callable[[np.ndarray, np.ndarray, tuple], float]] = {
    "hd": lambda *given: float(_both(*given).max()),
    "hd95": lambda *given: float(np.percentile(_both(*given), 95)),
    "assd": lambda *given: float(_both(*given).mean()),
    "nsd1": lambda *given: float((_both(*given) <= 1.0).mean()),
}
"""The last is no metric of MedPy's, but what its distances give: for equal work in timing."""


def metrics_reloaded(
    said: np.ndarray, true: np.ndarray, spacing: tuple, tolerance: float
) -> Scores:
    """MetricsReloaded (2025) by its published formulas."""
    edges = [ndimage.binary_erosion(mask) ^ mask for mask in (said, true)]
    to_said, to_true = (ndimage.distance_transform_edt(~edge, sampling=spacing) for edge in edges)
    there, back = to_true[edges[0]], to_said[edges[1]]
    shared, total = np.count_nonzero(said & true), np.count_nonzero(said) + np.count_nonzero(true)
    scores = {
        "dice": 2 * shared / total if total else 1.0,
        "iou": shared / (total - shared) if total else NAN,
        "nsd": float(np.mean(np.hstack((there, back)) <= tolerance)) if total else 1.0,
    }
    if not said.any() or not true.any():
        return scores | dict.fromkeys(("hd", "hd95", "assd", "masd"), NAN if total else 0.0)
    return scores | {
        "hd": float(max(there.max(), back.max())),
        "hd95": float(max(np.percentile(there, 95), np.percentile(back, 95))),
        "assd": float((there.sum() + back.sum()) / (there.size + back.size)),
        "masd": float((there.mean() + back.mean()) / 2),
    }


def nnunet(said: np.ndarray, true: np.ndarray, spacing: tuple, tolerance: float) -> Scores:
    """nnU-Net v2's evaluator, which has overlap alone."""
    hits, false, missed = (
        int(np.count_nonzero(found)) for found in (said & true, said & ~true, ~said & true)
    )
    if not hits + false + missed:
        return {"dice": NAN, "iou": NAN}
    return {
        "dice": 2 * hits / (2 * hits + false + missed),
        "iou": hits / (hits + false + missed),
    }


PEERS = {
    "monai": (monai, "installed"),
    "deepmind": (deepmind, "installed"),
    "medpy": (medpy, "formulas restated"),
    "metrics_reloaded": (metrics_reloaded, "formulas restated"),
    "nnunet": (nnunet, "formulas restated"),
}
"""Convention to what it answers, and whether the library itself was run."""
