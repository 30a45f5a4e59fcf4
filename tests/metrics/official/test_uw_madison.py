import numpy as np
import pytest
from scipy.spatial.distance import directed_hausdorff

from delineate.core.errors import ShapeError, UnknownNameError
from delineate.metrics.official.uw_madison import UWMadison, distance


def volumes(seed, shape=(6, 9, 8)):
    rng = np.random.default_rng(seed)
    return rng.random(shape) < 0.05, rng.random(shape) < 0.05


def slow_distance(one, two):
    places = [np.argwhere(mask) / np.array(mask.shape) for mask in (one, two)]
    both = max(directed_hausdorff(*places)[0], directed_hausdorff(*places[::-1])[0])
    return both / np.sqrt(one.ndim)


@pytest.mark.parametrize("seed", range(8))
def test_distance_equals_that_of_all_voxels(seed):
    one, two = volumes(seed)

    assert distance(one, two) == pytest.approx(slow_distance(one, two))


def test_voxels_in_a_hole_of_the_other_mask_count():
    shell = np.ones((9, 9, 9), bool)
    shell[2:-2, 2:-2, 2:-2] = False
    filled = np.ones((9, 9, 9), bool)

    assert distance(filled, shell) == pytest.approx(slow_distance(filled, shell))
    assert distance(filled, shell) == pytest.approx(3 / 9 / np.sqrt(3))


@pytest.mark.parametrize("variant", ["unit_cube", "volume", "mle_bench"])
def test_a_perfect_answer_scores_one_and_a_missing_organ_is_at_distance_one(variant):
    truth = np.zeros((2, 4, 8, 8), bool)
    truth[0, 1:3, 2:5, 2:5] = True
    perfect, missing = UWMadison(variant), UWMadison(variant)

    perfect.add(truth, truth)
    missing.add(np.zeros_like(truth), truth)

    assert perfect.result().scores == {"score": 1.0, "dice": 1.0, "hausdorff": 0.0}
    wanted = 0.5 if variant == "volume" else 1.0  # there the organ in neither mask is at 0
    assert missing.result().scores["hausdorff"] == wanted
    assert missing.result().scores["dice"] == 0.0
    assert missing.result().counts["one_empty"] == 1


def test_readings_average_dice_over_slices_or_scans():
    truth = np.zeros((1, 3, 4, 4), bool)
    truth[0, 0] = True
    truth[0, 1, 0, 0] = True
    prediction = truth.copy()
    prediction[0, 1] = False
    by_slice, by_scan = UWMadison(), UWMadison("volume")

    for scorer in (by_slice, by_scan):
        scorer.add(prediction, truth)

    assert by_slice.result().scores["dice"] == 0.5  # the third slice is empty in both
    assert by_slice.result().counts["dice_left_out"] == 1
    assert by_scan.result().scores["dice"] == 32 / 33


def test_volume_looks_from_the_prediction_only():
    truth = np.zeros((1, 10, 10, 10), bool)
    truth[0, 0, 0, 0] = truth[0, 9, 9, 9] = True
    prediction = np.zeros_like(truth)
    prediction[0, 0, 0, 0] = True

    assert distance(prediction[0], truth[0], "volume") == 0.0
    assert distance(truth[0], prediction[0], "volume") == pytest.approx(0.9)
    assert distance(prediction[0], truth[0]) == pytest.approx(0.9)


def test_mle_bench_takes_all_organs_for_one_mask():
    truth = np.zeros((2, 4, 8, 8), bool)
    truth[0, 1, 2:4, 2:4] = truth[1, 2, 5:7, 5:7] = True
    swapped = truth[::-1]
    joined, apart = UWMadison("mle_bench"), UWMadison()

    for scorer in (joined, apart):
        scorer.add(swapped, truth)

    assert joined.result().scores["hausdorff"] == 0.0
    assert apart.result().scores["hausdorff"] > 0.1


def test_mle_bench_gives_up_on_predictions_more_than_ten_times_too_large():
    truth = np.zeros((1, 4, 11), bool)
    truth[0, 0, :2] = True
    ten, more = (np.arange(44).reshape(1, 4, 11) < num for num in (20, 21))

    assert distance(ten, truth, "mle_bench") == pytest.approx(slow_distance(ten, truth))
    assert distance(more, truth, "mle_bench") == 1.0
    assert distance(more, truth) < 1.0


def test_wrong_words_and_shapes_are_refused():
    with pytest.raises(UnknownNameError, match="unit_cube"):
        UWMadison("cube")
    with pytest.raises(ShapeError, match="organs first"):
        UWMadison().add(np.zeros((2, 2, 2), bool), np.zeros((2, 2, 2), bool))
