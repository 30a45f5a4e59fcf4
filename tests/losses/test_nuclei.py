"""The loss of nuclei networks: what it forgives, what it punishes, and what it ignores."""

import pytest
import torch

from delineate.core.errors import ShapeError
from delineate.losses import get_loss
from delineate.losses.nuclei import count_types, nuclei_loss


def truth_of(*, types=2):
    """One square object with a known type and one whose type is unknown; a rim is ignored."""
    target = torch.zeros(1, 4, 12, 12)
    target[:, 3] = -1
    for place, (row, kind) in enumerate(((2, types - 1), (7, -1))):
        inside = (slice(row, row + 4), slice(2, 8))
        target[0, 0][inside] = 1
        target[0, 1][inside] = (row + 1.5 - torch.arange(row, row + 4))[:, None] / 10
        target[0, 2][inside] = (4.5 - torch.arange(2, 8))[None] / 10
        target[0, 3][inside] = kind
        assert place < 2
    target[0, 0, :, -1] = -1
    return target


def perfect(target, *, types=2):
    logits = torch.zeros(1, 3 + types, 12, 12)
    logits[:, 0] = torch.where(target[:, 0] > 0, 20.0, -20.0)
    logits[:, 1:3] = target[:, 1:3]
    for kind in range(types):
        logits[:, 3 + kind] = torch.where(target[:, 3] == kind, 20.0, -20.0)
    return logits


def test_perfect_answer_costs_nearly_nothing():
    target = truth_of()

    loss = nuclei_loss(perfect(target), target)

    assert 0 <= float(loss) < 1e-3


@pytest.mark.parametrize("channel", [0, 1, 2, 4])
def test_each_head_that_errs_costs_something(channel):
    target = truth_of()
    logits = perfect(target)
    logits[:, channel] = -logits[:, channel] + (0.3 if channel in (1, 2) else 0)

    loss = nuclei_loss(logits, target)

    assert float(loss) > 0.05


def test_ignored_pixels_and_unknown_types_cost_nothing():
    target = truth_of()
    logits = perfect(target)
    before = float(nuclei_loss(logits, target))
    logits[0, 0, :, -1] = 20.0  # the rim
    logits[0, 3:, 7:11, 2:8] = torch.tensor([20.0, -20.0])[:, None, None]  # the untyped object

    after = float(nuclei_loss(logits, target))

    assert after == pytest.approx(before, abs=1e-6)


def test_offsets_outside_objects_cost_nothing():
    target = truth_of()
    logits = perfect(target)
    before = float(nuclei_loss(logits, target))
    logits[:, 1:3] += (target[:, :1] <= 0) * 5.0

    after = float(nuclei_loss(logits, target))

    assert after == pytest.approx(before, abs=1e-6)


def test_gradient_term_sees_a_wave_that_the_mean_does_not():
    target = truth_of()
    logits = perfect(target)
    logits[:, 1] += 0.2 * (torch.arange(12) % 2 * 2 - 1)[None, None]

    with_term = nuclei_loss(logits, target, gradient_weight=1.0)
    without = nuclei_loss(logits, target, gradient_weight=0.0)

    assert float(with_term - without) > 0.05


def test_gradient_agrees_with_differences():
    torch.manual_seed(0)
    target = truth_of().double()
    logits = torch.randn(1, 5, 12, 12, dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradcheck(lambda values: nuclei_loss(values, target), logits)


def test_batch_without_any_known_type_still_reaches_the_type_head():
    target = truth_of()
    target[:, 3] = -1
    logits = torch.randn(1, 5, 12, 12, requires_grad=True)

    nuclei_loss(logits, target).backward()

    assert torch.isfinite(logits.grad).all()


def test_heavier_class_costs_more():
    target = truth_of(types=2)
    logits = perfect(target)
    logits[0, 3:, 2:6, 2:5] = 0  # half of the typed object is in doubt

    even = get_loss("nuclei", class_weights=[1.0, 1.0])(logits, target)
    same = get_loss("nuclei", class_weights=[0.1, 1.0])(logits, target)

    assert float(even) == pytest.approx(float(same))  # one class alone: its weight cancels


def test_wrong_grid_and_wrong_number_of_weights_are_refused():
    target = truth_of()

    with pytest.raises(ShapeError, match="make_targets"):
        nuclei_loss(perfect(target)[..., :-1], target)
    with pytest.raises(ShapeError, match="class_weights must be 2"):
        nuclei_loss(perfect(target), target, class_weights=[1.0])


def test_types_have_weights_of_errors_of_their_own():
    target = truth_of()
    logits = perfect(target)
    logits[0, 3, 2:4, 2:8] = 25.0  # half of the typed object is taken for the first type

    calm = nuclei_loss(logits, target, type_beta=0.0)
    even = nuclei_loss(logits, target, type_beta=0.5)
    harsh = nuclei_loss(logits, target, type_beta=torch.tensor([0.5, 1.0]))

    # 12 of 24 pixels are missed: the index is 13 / 13, 13 / 19 and 13 / 25; type_weight is 0.5.
    assert float(even - calm) == pytest.approx(0.5 * 6 / 19, abs=1e-2)
    assert float(harsh - calm) == pytest.approx(0.5 * 12 / 25, abs=1e-2)


def test_types_are_counted_within_objects_of_known_type():
    target = truth_of()
    logits = perfect(target)
    logits[0, 3, 2:4, 2:8] = 60.0
    logits[0, 3, 7:11] = 60.0  # the untyped object

    hit, extra, missed = count_types(logits, target)

    assert hit.tolist() == pytest.approx([0, 12], abs=1e-4)
    assert extra.tolist() == pytest.approx([12, 0], abs=1e-4)
    assert missed.tolist() == pytest.approx([0, 12], abs=1e-4)
