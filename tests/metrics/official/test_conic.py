import numpy as np
import pytest

from delineate.core.errors import ShapeError
from delineate.metrics.official.conic import CLASSES, CoNIC, fit_of_counts


def image(seed, side=20, num=8):
    rng = np.random.default_rng(seed)
    made = np.zeros((side, side, 2), np.int32)
    for number in range(1, num + 1):
        top, left = rng.integers(0, side - 5, 2)
        made[top : top + 5, left : left + 5] = 3 * number, rng.integers(1, 6)
    return made


def masks(made, kind):
    ids = np.where(made[..., 1] == kind, made[..., 0], 0) if kind else made[..., 0]
    return [ids == number for number in np.unique(ids) if number]


def tally(true, said):
    ious = [(one & two).sum() / (one | two).sum() for one in true for two in said]
    hits = [iou for iou in ious if iou > 0.5]
    return np.array([len(hits), len(said) - len(hits), len(true) - len(hits), sum(hits)])


def quality(counts):
    tp, fp, fn, iou = counts
    return tp / (tp + 0.5 * fp + 0.5 * fn + 1e-6) * iou / (tp + 1e-6)


def test_classes_are_pooled_over_images_and_binary_pq_is_not():
    truths = [*(image(seed) for seed in range(6)), np.zeros((20, 20, 2), int)]
    predictions = [np.roll(one, place % 3, axis=1) for place, one in enumerate(truths[:-1])]
    predictions.append(image(40))
    pooled, binary = np.zeros((6, 4)), []
    for said, true in zip(predictions, truths, strict=True):
        pooled += [tally(masks(true, kind), masks(said, kind)) for kind in range(1, 7)]
        binary.append(quality(tally(masks(true, 0), masks(said, 0))))
    scorer = CoNIC()

    for said, true in zip(predictions, truths, strict=True):
        scorer.add(said, true)

    found = scorer.result()
    assert found.scores["multi_pq_plus"] == pytest.approx(np.mean([quality(c) for c in pooled]))
    assert found.scores["pq"] == pytest.approx(np.mean(binary))
    assert found.scores["pq_plus_connective"] == 0.0
    assert found.counts == {"images": 7, "empty_truth": 1}


def test_fit_of_counts_is_the_coefficient_of_determination():
    true, said = np.array([3.0, -0.5, 2.0, 7.0]), np.array([2.5, 0.0, 2.0, 8.0])

    assert fit_of_counts(said, true) == pytest.approx(0.9486081370449679)
    assert fit_of_counts(np.ones(3), np.ones(3)) == 1.0
    assert fit_of_counts(np.zeros(3), np.ones(3)) == 0.0
    assert np.isnan(fit_of_counts(np.ones(1), np.ones(1)))


def test_given_counts_go_before_counted_ids():
    one, two = image(0), image(1)
    scorer = CoNIC()

    scorer.add(one, one, prediction_counts=[0] * 6, truth_counts=range(6))
    scorer.add(two, two, prediction_counts=[1] * 6, truth_counts=[1] * 6)

    fits = [scorer.result().scores[f"r2_{name}"] for name in CLASSES]
    # True counts 0 1 2 3 4 5 and 1 each; said 0 each and 1 each.
    assert fits == pytest.approx([1, 0, 1 - 4 / 0.5, 1 - 9 / 2, 1 - 16 / 4.5, 1 - 25 / 8])


def test_wrong_shapes_are_refused():
    with pytest.raises(ShapeError, match="classes last"):
        CoNIC().add(np.zeros((4, 4), int), np.zeros((4, 4), int))
    with pytest.raises(ShapeError, match="one a class"):
        CoNIC().add(image(0), image(0), truth_counts=[1, 2])
