import numpy as np
import pytest

from delineate.core.errors import LabelError, ShapeError, UnknownNameError
from delineate.metrics.official.pannuke import (
    CLASSES,
    TISSUES,
    PanNuke,
    binarise,
    mean_of_splits,
    tissue_named,
)


def planes(seed, side=24, num=9):
    """Random, partly overlapping rectangles in five planes, ids with gaps."""
    rng = np.random.default_rng(seed)
    made = np.zeros((side, side, 6), np.uint16)
    for number in range(1, num + 1):
        top, left = rng.integers(0, side - 6, 2)
        height, width = rng.integers(3, 7, 2)
        made[top : top + height, left : left + width, rng.integers(0, 4)] = 7 * number
    made[..., 5] = made[..., :5].sum(axis=-1) == 0
    return made


def slow_quality(true, said):
    """Masks pair by pair; true and said are lists of masks."""
    tp, total = 0, 0.0
    for one in true:
        for two in said:
            iou = (one & two).sum() / (one | two).sum()
            if iou > 0.5:
                tp, total = tp + 1, total + iou
    below = tp + 0.5 * (len(said) - tp) + 0.5 * (len(true) - tp)
    return (tp / below) * (total / (tp + 1e-6)) if below else 0.0


def split(ids):
    return [ids == number for number in np.unique(ids) if number]


def painted(made):
    masks = []
    for plane in range(5):
        for mask in split(made[..., plane]):
            masks = [old & ~mask for old in masks] + [mask]
    return [mask for mask in masks if mask.any()]


def slow_scores(predictions, truths, tissues, *, strict):
    table, by_class = {}, [[] for _ in CLASSES]
    for said, true, tissue in zip(predictions, truths, tissues, strict=True):
        two, one = painted(said), painted(true)
        binary = slow_quality(one, two) if one or (strict and two) else np.nan
        many = []
        for k in range(5):
            one, two = split(true[..., k]), split(said[..., k])
            many.append(slow_quality(one, two) if one or (strict and two) else np.nan)
            by_class[k].append(many[-1])
        table.setdefault(tissue, []).append((binary, many))

    def mean(values):
        values = [value for value in values if not np.isnan(value)]
        return sum(values) / len(values) if values else np.nan

    return {
        "bpq": mean([mean([row[0] for row in rows]) for rows in table.values()]),
        "mpq": mean([mean([mean(row[1]) for row in rows]) for rows in table.values()]),
        **{f"pq_{name}": mean(by_class[k]) for k, name in enumerate(CLASSES)},
    }


@pytest.mark.parametrize("variant", ["official", "strict"])
def test_scores_equal_masks_compared_pair_by_pair(variant):
    truths = [planes(seed) for seed in range(12)]
    predictions = [
        np.where(np.arange(6) < 5, np.roll(one, seed % 3, axis=0), 0)
        for seed, one in enumerate(truths)
    ]
    truths[3] = np.zeros_like(truths[3])
    predictions[4] = np.zeros_like(truths[4])
    predictions[5] = planes(50)
    tissues = [TISSUES[place % 3] for place in range(12)]
    scorer = PanNuke(variant)

    for said, true, tissue in zip(predictions, truths, tissues, strict=True):
        scorer.add(said.astype(np.float64), true, tissue)

    found = scorer.result()
    wanted = slow_scores(predictions, truths, tissues, strict=variant == "strict")
    assert {key: found.scores[key] for key in wanted} == pytest.approx(wanted, nan_ok=True)
    assert np.isnan(found.scores["pq_epithelial"])
    assert found.counts == {"images": 12, "empty_truth": 1, "spurious_only": 1, "tissues": 3}


def test_false_positives_of_an_absent_class_are_free_unless_strict():
    truth, prediction = np.zeros((2, 16, 16, 6), int)
    truth[:8, :8, 0] = prediction[:8, :8, 0] = 1
    prediction[10:, 10:, 3] = 5
    official, strict = PanNuke(), PanNuke("strict")

    for scorer in (official, strict):
        scorer.add(prediction, truth, "Breast")

    assert official.result().scores["mpq"] == pytest.approx(1, abs=1e-5)
    assert strict.result().scores["mpq"] == pytest.approx(0.5, abs=1e-5)
    assert np.isnan(official.result().scores["pq_dead"])
    assert strict.result().scores["pq_dead"] == 0.0


def test_tissues_weigh_the_same_however_many_images_they_have():
    good = np.zeros((8, 8, 6), int)
    good[:4, :4, 0] = 1
    scorer = PanNuke()

    for _ in range(3):
        scorer.add(good, good, "Colon")
    scorer.add(np.zeros_like(good), good, "Liver")

    assert scorer.result().scores["bpq"] == pytest.approx(0.5, abs=1e-5)
    assert scorer.result().scores["pq_neoplastic"] == pytest.approx(0.75, abs=1e-5)


def test_what_breaks_the_official_script_is_scored():
    whole = np.ones((8, 8, 5), int)  # no background, and each plane covers the one before
    scorer = PanNuke()

    scorer.add(whole, whole, "Skin")

    assert scorer.result().scores["bpq"] == pytest.approx(1, abs=1e-5)
    assert len(np.unique(binarise(whole))) == 1


def test_one_id_in_two_planes_is_two_nuclei():
    truth = np.zeros((8, 8, 6), int)
    truth[:4, :, 0] = truth[4:, :, 2] = 1
    merged = np.zeros_like(truth)
    merged[..., 0] = 1
    scorer = PanNuke()

    scorer.add(merged, truth, "Lung")

    assert len(np.unique(binarise(truth))) == 2
    assert scorer.result().scores["bpq"] == 0.0


@pytest.mark.parametrize(
    ("said", "meant"),
    [("Head & Neck", "HeadNeck"), ("Bile Duct", "Bile-duct"), ("adrenal gland", "Adrenal_gland"),
     ("bile-duct", "Bile-duct"), ("Head and Neck", "HeadNeck"), ("Adrenal", "Adrenal_gland")],
)  # fmt: skip
def test_tissues_are_known_in_other_spellings(said, meant):
    assert tissue_named(said) == meant


def test_every_official_name_is_itself():
    assert [tissue_named(name) for name in TISSUES] == list(TISSUES)
    assert len(set(TISSUES)) == 19


def test_parts_joined_equal_the_whole():
    images = [(planes(seed), planes(seed + 1), TISSUES[seed % 2]) for seed in range(6)]
    whole, one, other = PanNuke(), PanNuke(), PanNuke()

    for place, image in enumerate(images):
        whole.add(*image)
        (one if place < 2 else other).add(*image)
    one.join(other)

    assert one.result().scores == pytest.approx(whole.result().scores, nan_ok=True)
    assert one.result().counts == whole.result().counts


def test_three_splits_are_averaged_and_nothing_else():
    good = np.zeros((8, 8, 6), int)
    good[:4, :4, 0] = 1
    outcomes = []
    for said in (good, good, np.zeros_like(good)):
        scorer = PanNuke()
        scorer.add(said, good, "Lung")
        outcomes.append(scorer.result())

    assert mean_of_splits(outcomes).scores["bpq"] == pytest.approx(2 / 3, abs=1e-5)
    assert mean_of_splits(outcomes).counts["images"] == 3
    with pytest.raises(LabelError, match="3 outcomes"):
        mean_of_splits(outcomes[:2])


def test_wrong_words_and_shapes_are_refused():
    good = np.zeros((8, 8, 6), int)

    with pytest.raises(UnknownNameError, match="tissue"):
        PanNuke().add(good, good, "Brain")
    with pytest.raises(UnknownNameError, match="strict"):
        PanNuke("stricter")
    with pytest.raises(ShapeError, match="Put the classes last"):
        PanNuke().add(good[..., :4], good, "Lung")
    with pytest.raises(LabelError, match="variant"):
        PanNuke().join(PanNuke("strict"))
