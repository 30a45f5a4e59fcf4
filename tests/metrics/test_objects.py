import nibabel
import numpy as np
import pytest

from delineate import metrics
from delineate.core.errors import GeometryError, LabelError
from delineate.metrics.instance import pair_up
from delineate.metrics.objects import pairing_of_class

MEASURES = {
    "pq": lambda said, true: metrics.panoptic_quality(said, true).pq,
    "aji": metrics.aggregated_jaccard,
    "aji_plus": metrics.aggregated_jaccard_plus,
    "dice": metrics.ensemble_dice,
    "f1": metrics.detection_f1_at_iou,
    "near": lambda said, true: metrics.detection_at_distance(said, true, 3.0).f1,
}


def blocks(shape, *corners, side=4, ids=None):
    painted = np.zeros(shape, np.int64)
    for number, corner in zip(ids or range(1, len(corners) + 1), corners, strict=True):
        painted[tuple(slice(start, start + side) for start in corner)] = number
    return painted


@pytest.mark.parametrize("name", MEASURES)
def test_empty_sides_have_the_stated_score(name):
    none, some = np.zeros((9, 9), int), blocks((9, 9), (1, 1))

    assert np.isnan(MEASURES[name](none, none))
    assert MEASURES[name](some, none) == 0.0
    assert MEASURES[name](none, some) == 0.0


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("shape", [(12, 9), (5, 12, 9)])
def test_touching_objects_with_gaps_between_ids_are_found_in_any_dimension(name, shape):
    places = [(0,) * len(shape), (0,) * (len(shape) - 1) + (4,)]
    truth = blocks(shape, *places, ids=[3, 900_000])
    renamed = blocks(shape, *places, ids=[70, 2])

    assert MEASURES[name](renamed, truth) == 1.0


def test_touching_objects_that_are_merged_lose_by_each_rule():
    truth = blocks((4, 8), (0, 0), (0, 4))
    merged = np.ones((4, 8), int)

    found = {name: measure(merged, truth) for name, measure in MEASURES.items()}

    assert found == {"pq": 0.0, "aji": 0.5, "aji_plus": 1 / 3, "dice": 2 / 3, "f1": 0.0,
                     "near": pytest.approx(2 / 3)}  # fmt: skip


def test_swapping_sides_changes_aji_alone():
    rng = np.random.default_rng(0)
    one, two = (np.kron(rng.integers(0, 5, (5, 5)), np.ones((3, 3), int)) for _ in range(2))
    two = np.roll(two, 1, axis=0)

    changed = {name for name, m in MEASURES.items() if m(one, two) != pytest.approx(m(two, one))}

    assert changed <= {"aji"}


def test_each_class_is_scored_as_if_alone():
    truth = blocks((20, 20), (0, 0), (8, 8), (16, 0))
    said = blocks((20, 20), (0, 0), (8, 8), (0, 14))
    types = {1: 1, 2: 1, 3: 2}, {1: 1, 2: 2, 3: 4}

    found = metrics.panoptic_quality_by_class(said, truth, types[1], types[0])

    assert {kind: one.pq for kind, one in found.items()} == {
        1: pytest.approx(2 / 3), 2: 0.0, 4: 0.0
    }  # fmt: skip
    assert metrics.mean_panoptic_quality(said, truth, types[1], types[0]) == pytest.approx(1 / 3)
    assert metrics.panoptic_quality(said, truth).pq == pytest.approx(2 / 3)


def test_an_empty_truth_has_no_mean_over_classes():
    none, some = np.zeros((9, 9), int), blocks((9, 9), (1, 1))

    assert np.isnan(metrics.mean_panoptic_quality(some, none, {1: 1}, {}))


def test_any_score_of_a_pairing_is_had_by_class():
    truth = blocks((20, 20), (0, 0), (8, 8))
    pairing = pair_up(truth, truth)

    part = pairing_of_class(pairing, {1: 1, 2: 2}, {1: 1, 2: 2}, 2)

    assert part.truth_ids.tolist() == [2]
    assert metrics.instance.aggregated_jaccard(part) == 1.0


def test_an_object_without_a_class_is_refused():
    truth = blocks((9, 9), (1, 1))

    with pytest.raises(LabelError, match="the first is 1"):
        metrics.panoptic_quality_by_class(truth, truth, {1: 1}, {})


def test_distance_is_measured_in_the_unit_of_the_spacing():
    truth, said = blocks((5, 20), (0, 0)), blocks((5, 20), (0, 5))

    def found(radius, **options):
        return metrics.detection_at_distance(said, truth, radius, **options).tp

    assert (found(4.9), found(5.0)) == (0, 1)
    assert (found(2.4, spacing=(1.0, 0.5)), found(2.5, spacing=(1.0, 0.5))) == (0, 1)
    with pytest.raises(GeometryError, match="must be 2 positive"):
        found(1.0, spacing=(1.0, 0.0))


@pytest.mark.parametrize("name", ["matched_instance", "unmatched_instance"])
def test_published_spine_agrees_with_masks_compared_one_by_one(shared_data, name):
    folder = shared_data / "radiology" / "panoptica_spine_instances" / name
    if not folder.is_dir():
        pytest.skip("The spine of panoptica's examples is not among the shared data.")
    said, true = (
        np.asarray(nibabel.load(folder / f"{side}.nii.gz").dataobj).astype(np.int64)
        for side in ("pred", "ref")
    )
    numbers = [[int(n) for n in np.unique(ids) if n] for ids in (true, said)]
    ious = []
    for one in numbers[0]:
        mask = true == one
        for two in np.unique(said[mask]):
            other = said == two
            iou = (mask & other).sum() / (mask | other).sum() if two else 0.0
            ious += [iou] if iou > 0.5 else []

    found = metrics.panoptic_quality(said, true)

    both = len(numbers[0]) + len(numbers[1])
    assert found.dq == pytest.approx(2 * len(ious) / both)
    assert found.sq == pytest.approx(np.mean(ious))
    # What the tutorials of panoptica print for both: 19 of 22 vertebrae.
    assert found.dq == pytest.approx(0.8636363636363636, abs=1e-12)
    assert found.sq == pytest.approx(0.8328184295330796, abs=1e-12)
    assert found.pq == pytest.approx(0.719252280051296, abs=1e-12)
