"""Which images are drawn more often: those that hold rare classes or come from rare tissues."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from delineate.core.plan import Plan
from delineate.learn.objective import read_objective
from delineate.learn.store import Store, Stored

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def find_presence(cases: Sequence[Stored], num_classes: int, *, objects: bool = False) -> BoolArray:
    """Tell which classes each case holds.

    Args:
        cases: Prepared cases.
        num_classes: Classes without background, or types of objects.
        objects: True if the cases tell objects apart.

    Returns:
        (I, C); a row of False is an image of background, or of objects without known type.
    """
    held = np.zeros((len(cases), num_classes), bool)
    for row, case in zip(held, cases, strict=True):
        if objects:
            types = np.unique(case.labels[1][case.labels[0] > 0])
            row[types[(types >= 0) & (types < num_classes)]] = True
        else:
            row[:] = [len(points) > 0 for points in case.points]
    return held


def take_presence(plan: Plan, store: Store, ids: Sequence[str]) -> BoolArray | None:
    """Tell which classes the training cases hold, where a plan's objective asks for it.

    Args:
        plan: The plan.
        store: Prepared cases.
        ids: Training cases.

    Returns:
        (I, C), or None where all classes and images weigh alike.
    """
    asked = read_objective(plan)
    weighs = asked["balance"] != "none" or asked["adaptive_tversky"]
    if not weighs and asked["sampler"] == "uniform":
        return None
    objects = plan.task == "instances"
    cases = [store.get(case_id) for case_id in ids]
    return find_presence(cases, len(plan.labels.labels), objects=objects)


def take_chances(plan: Plan, presence: BoolArray | None) -> FloatArray | None:
    """Tell how often each training case is drawn under a plan's objective.

    Args:
        plan: The plan.
        presence: What `take_presence` found.

    Returns:
        Chances, (I,), sum 1, or None where all are drawn alike.
    """
    if presence is None or read_objective(plan)["sampler"] != "weighted":
        return None
    return image_chances(presence)


def image_chances(
    presence: BoolArray,
    *,
    groups: Sequence[str] | None = None,
    gamma: float = 0.85,
    cap: float = 10.0,
) -> FloatArray:
    """Weigh images by the rarity of what they hold.

    With presence b, N_c images holding class c and k = sum N: w = (1 - g) max_c b_c + g sum_c b_c
    k / (g N_c + (1 - g) k). An image without any class gets the least weight of the others. A
    group of n among m images adds m / (g n + (1 - g) m). Both are divided by their largest.

    Args:
        presence: Which image holds which class, (I, C).
        groups: Tissue (or site) of each image, (I,); None leaves that part out.
        gamma: The g, in [0, 1]; 0 draws all images that hold anything alike.
        cap: Largest expected number of times that an image is drawn in an epoch of I draws, >= 1.

    Returns:
        Chances, (I,), sum 1.

    Source:
        Hörst et al., 2024, doi:10.1016/j.media.2024.103143, section on sampling.
    """
    counts = presence.sum(0)
    weights = np.zeros(len(presence))
    if counts.sum():
        rarity = counts.sum() / (gamma * counts + (1 - gamma) * counts.sum())
        weights = (1 - gamma) * presence.any(1) + gamma * (presence * rarity).sum(1)
        weights = np.where(weights > 0, weights, weights[weights > 0].min(initial=np.inf))
        weights = weights / weights.max()
    if groups is not None:
        sizes = Counter(groups)
        own = np.array([sizes[name] for name in groups], dtype=np.float64)
        extra = len(own) / (gamma * own + (1 - gamma) * len(own))
        weights = weights + extra / extra.max()
    if not weights.any():
        weights = np.ones(len(presence))
    return limit_chances(weights / weights.sum(), cap / len(weights))


def limit_chances(chances: FloatArray, most: float) -> FloatArray:
    """Cut chances, and share what was cut among the others as they stand.

    Args:
        chances: (I,), sum 1.
        most: Largest chance; below 1 / I nothing can be done, and all become equal.

    Returns:
        (I,), sum 1.
    """
    most = max(most, 1 / len(chances))
    full = np.zeros(len(chances), bool)
    for _ in range(len(chances)):
        rest = chances[~full].sum()
        scale = (1 - most * full.sum()) / rest if rest > 0 else 0.0
        over = ~full & (chances * scale > most * (1 + 1e-12))
        if not over.any():
            break
        full |= over
    limited: FloatArray = np.where(full, most, chances * scale)
    limited /= limited.sum()
    return limited


def draw_round(chances: FloatArray, rng: Generator) -> NDArray[np.int64]:
    """Draw an epoch's images in one go, each as often as its chance says, give or take one.

    Args:
        chances: (I,), sum 1.
        rng: Where randomness comes from.

    Returns:
        I places in random order; place i comes floor(I p_i) or ceil(I p_i) times.

    Source:
        Systematic resampling, after Kitagawa, 1996, doi:10.2307/1390750.
    """
    size = len(chances)
    edges = np.cumsum(chances)
    marks = (np.arange(size) + rng.random()) / size
    places = np.searchsorted(edges / edges[-1], marks, side="right")
    order: NDArray[np.int64] = rng.permutation(np.minimum(places, size - 1))
    return order
