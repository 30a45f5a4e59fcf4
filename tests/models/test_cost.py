import pytest
import torch
from torch import nn
from torch.nn import functional

from delineate.models import build_model
from delineate.models.cost import count_parameters, measure_cost


class Alone(nn.Module):
    """A layer as a network: its answer in a list."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, image):
        return [self.layer(image)]


class Attention(nn.Module):
    """32 tokens of 16 channels that attend to each other, in 2 heads."""

    def forward(self, image):
        tokens = image.reshape(1, 2, 32, 8)
        return [functional.scaled_dot_product_attention(tokens, tokens, tokens)]


@pytest.mark.parametrize(
    ("layer", "size", "macs"),
    [
        (nn.Conv2d(4, 6, 3, padding=1), (4, 8, 8), 8 * 8 * 4 * 6 * 9),
        (nn.Conv2d(4, 4, 3, padding=1, groups=4), (4, 8, 8), 8 * 8 * 4 * 9),
        (nn.Conv3d(2, 3, 3, stride=2, padding=1), (2, 8, 8, 8), 4 * 4 * 4 * 2 * 3 * 27),
        (nn.ConvTranspose2d(4, 6, 2, stride=2), (4, 8, 8), 8 * 8 * 4 * 6 * 4),
        (nn.Linear(5, 7), (3, 5), 3 * 5 * 7),
        (nn.BatchNorm2d(4), (4, 8, 8), 0),
    ],
)
def test_multiplications_of_a_layer_are_those_of_its_formula(layer, size, macs):
    image = torch.randn(1, *size)

    cost = measure_cost(Alone(layer), image)

    assert cost.macs == macs


def test_fused_attention_counts_queries_with_keys_and_scores_with_values():
    image = torch.randn(1, 16, 32)

    cost = measure_cost(Attention(), image)

    assert cost.macs == 2 * 32 * 32 * 16


def test_memory_is_what_is_alive_at_the_worst_moment():
    layers = [nn.Linear(1000, 3000, bias=False), nn.Linear(3000, 500, bias=False)]
    network = Alone(nn.Sequential(layers[0], nn.Tanh(), layers[1]))
    image = torch.randn(1, 1000)

    cost = measure_cost(network, image)

    # parameters, image, and the wide tensor before and after the activation
    assert cost.peak_bytes == 4 * (4_500_000 + 1000 + 3000 + 3000)


def test_the_published_u_net_costs_what_others_count():
    network = build_model("unet", 3, 6, 2, features=(64, 128, 256, 512, 1024))
    image = torch.randn(1, 3, 64, 64)

    cost = measure_cost(network, image)

    assert cost.macs == pytest.approx(48.2e9 / 16, rel=0.01)
    assert cost.parameters == count_parameters(network) == pytest.approx(31.04e6, rel=0.01)
    assert cost.outputs == ((1, 6, 64, 64),)


@pytest.mark.parametrize("trains", [True, False])
def test_the_mode_of_the_network_is_put_back(trains):
    network = Alone(nn.Linear(2, 2)).train(trains)

    measure_cost(network, torch.randn(1, 2))

    assert network.training is trains
