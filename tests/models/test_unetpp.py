"""UNet++: published size, its triangle of nodes, and answers of shallower networks."""

import pytest
import torch
from torch.nn import functional

from delineate.core.errors import PlanError
from delineate.models.unetpp import UNetPP


def test_published_number_of_parameters():
    # The paper says 9.04 million. A pair a -> b has 9 (a b + b b) + 4 b, a raise 4 a b + b.
    features = (32, 64, 128, 256, 512)
    expected = 32 + 1
    for i, wide in enumerate(features):
        before = features[i - 1] if i else 3
        expected += 9 * (before * wide + wide * wide) + 4 * wide
        for j in range(1, 5 - i):
            expected += 9 * ((j + 1) * wide * wide + wide * wide) + 4 * wide
            expected += 4 * features[i + 1] * wide + wide

    model = UNetPP(3, 1, 2)

    total = sum(value.numel() for value in model.parameters())
    assert total == expected
    assert round(total / 1e6, 2) in (9.04, 9.05)


def test_nodes_follow_the_equation_of_the_paper():
    torch.manual_seed(0)
    model = UNetPP(2, 3, 2, features=(4, 6, 8, 10)).eval()
    image = torch.randn(1, 2, 16, 24)

    def node(i, j):
        if j == 0:
            below = image if i == 0 else functional.max_pool2d(node(i - 1, 0), 2)
            return model.nodes[f"{i}_0"](below)
        raised = model.up[f"{i}_{j}"](node(i + 1, j - 1))
        return model.nodes[f"{i}_{j}"](torch.cat([*(node(i, k) for k in range(j)), raised], 1))

    assert torch.allclose(model(image)[0], model.heads["3"](node(0, 3)), atol=1e-6)


def test_shallower_networks_learn_too_and_at_full_size():
    model = UNetPP(1, 2, 2, features=(4, 4, 8, 8), deep_supervision=True)
    image = torch.randn(2, 1, 17, 24)

    shapes = [tuple(entry.shape) for entry in model(image)]

    assert shapes == [(2, 2, 17, 24)] * 3
    assert len(model.eval()(image)) == 1


def test_pruned_network_answers_as_its_head_does_and_leaves_the_rest_alone():
    torch.manual_seed(0)
    options = {"features": (4, 4, 8, 8), "deep_supervision": True}
    whole = UNetPP(1, 2, 2, **options)
    pruned = UNetPP(1, 2, 2, **options, level=1)
    pruned.load_state_dict(whole.state_dict())
    for name, value in pruned.named_parameters():
        if name.startswith(("nodes.2_", "nodes.3_", "nodes.1_1", "up.0_2")):
            torch.nn.init.constant_(value, torch.nan)
    image = torch.randn(2, 1, 16, 16)

    shallow = pruned.eval()(image)[0]

    whole.eval()
    first = whole.nodes["0_0"](image)
    raised = whole.up["0_1"](whole.nodes["1_0"](functional.max_pool2d(first, 2)))
    expected = whole.heads["1"](whole.nodes["0_1"](torch.cat([first, raised], 1)))
    assert torch.allclose(shallow, expected, atol=1e-6)


@pytest.mark.parametrize(("level", "is_deep"), [(0, True), (4, True), (2, False)])
def test_level_without_a_head_is_refused(level, is_deep):
    with pytest.raises(PlanError, match="level must lie between"):
        UNetPP(1, 2, 2, features=(4, 4, 4, 4), level=level, deep_supervision=is_deep)


def test_thin_axis_stays_unhalved():
    strides = [[1, 1, 1], [1, 2, 2], [2, 2, 2]]
    model = UNetPP(1, 2, 3, features=(4, 4, 8), strides=strides).eval()

    assert model(torch.randn(1, 1, 5, 9, 8))[0].shape == (1, 2, 5, 9, 8)
