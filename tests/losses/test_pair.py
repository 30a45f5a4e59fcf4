"""The one place where targets become ones and zeros."""

import pytest
import torch

from delineate.core.errors import ShapeError, UnknownNameError
from delineate.losses.pair import average_classes, compare, log_likelihood, per_class, promote


def test_ignored_voxels_are_nothing_on_both_sides():
    target = torch.tensor([[[0, 1], [-1, 2]]])

    pair = compare(torch.randn(1, 3, 2, 2), target)

    assert pair.chances[0, :, 1, 0].tolist() == [0, 0, 0]
    assert pair.truth[0, :, 1, 0].tolist() == [0, 0, 0]
    assert pair.truth[0, :, 1, 1].tolist() == [0, 0, 1]
    assert pair.first == 1


def test_layers_have_no_background():
    pair = compare(torch.zeros(1, 2, 1, 1), torch.tensor([1, -1]).reshape(1, 2, 1, 1))

    assert pair.first == 0
    assert pair.chances.flatten().tolist() == [0.5, 0]
    assert pair.truth.flatten().tolist() == [1, 0]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [(torch.bfloat16, torch.float32), (torch.float16, torch.float32), (torch.float64,) * 2],
)
def test_precision_rises_and_never_falls(given, wanted):
    assert promote(torch.zeros(2, dtype=given)).dtype == wanted


def test_likelihood_is_the_logarithm_of_the_truth_s_chance():
    logits, target = torch.randn(1, 3, 2, 2), torch.tensor([[[0, 1], [-1, 2]]])

    likelihood = log_likelihood(logits, target)

    chances = logits.softmax(1)[0]
    expected = [chances[0, 0, 0].log(), chances[1, 0, 1].log(), 0, chances[2, 1, 1].log()]
    assert likelihood.flatten().tolist() == pytest.approx([float(value) for value in expected])


def test_likelihood_of_layers_is_that_of_each_layer():
    logits = torch.tensor([0.0, 2.0, 5.0]).reshape(1, 3, 1)
    target = torch.tensor([1, 0, -1]).reshape(1, 3, 1)

    likelihood = log_likelihood(logits, target)

    assert likelihood.flatten().tolist() == pytest.approx([-0.693147, -2.126928, 0], abs=1e-5)


def test_average_leaves_out_what_it_is_told_to():
    costs, present = torch.tensor([9.0, 1.0, 3.0]), torch.tensor([True, True, False])

    kept = average_classes(costs, present, first=1)
    skipped = average_classes(costs, present, first=1, absent="skip")
    weighed = average_classes(costs, present, class_weights=[0.0, 1.0, 3.0])
    nothing = average_classes(costs, ~present & present, absent="skip")

    assert [float(value) for value in (kept, skipped, weighed, nothing)] == [2, 1, 2.5, 0]


def test_wrong_number_of_weights_and_unknown_words_are_refused():
    costs = torch.ones(3)

    with pytest.raises(ShapeError, match="3 numbers"):
        per_class([1.0, 2.0], costs)
    with pytest.raises(UnknownNameError, match="keep"):
        average_classes(costs, costs > 0, absent="kep")
