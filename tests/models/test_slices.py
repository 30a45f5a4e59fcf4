"""Late fusion wraps any 2-D network; its parts are what their names say."""

import pytest
import torch
from torch import nn

from delineate.models import MODELS, build_model
from delineate.models.base import Answer
from delineate.models.slices import SLICE_WIDTH, WIDTH, LateFusion

SMALL = {"unet": {"features": (4, 8)}}


def build(name="unet", *, channels=2, slices=3):
    network = build_model(name, WIDTH, 4, 2, **SMALL.get(name, {}))
    return LateFusion(network, channels, slices)


@pytest.mark.parametrize("name", MODELS)
def test_every_network_of_the_table_can_be_wrapped_and_learns_in_every_part(name):
    model = build(name)

    answer = model(torch.randn(2, 6, 64, 64))
    if not isinstance(answer, Answer):
        answer = Answer(logits=answer)
    parts = [*answer.logits, *(entry.logits for entry in answer.points)]
    sum(entry.square().mean() for entry in parts).backward()

    assert model.eval()(torch.randn(1, 6, 60, 64))[0].shape == (1, 4, 60, 64)
    assert [key for key, value in model.named_parameters() if value.grad is None] == []


def test_every_slice_passes_the_same_stem():
    model = build().eval()
    first, second = torch.randn(2, 1, 2, 8, 8)
    seen = []
    model.stem.register_forward_hook(lambda _module, _args, features: seen.append(features))

    model(torch.cat([first, second, first], dim=1))

    assert torch.equal(seen[0][0], seen[0][2])
    assert not torch.equal(seen[0][0], seen[0][1])


def test_slices_are_mixed_by_a_convolution_of_1_x_1_x_k():
    model = build(slices=5).eval()
    volume = nn.Conv3d(SLICE_WIDTH, WIDTH, (5, 1, 1))
    kernel = model.mix.weight.detach().reshape(WIDTH, 5, SLICE_WIDTH).transpose(1, 2)
    volume.load_state_dict({"weight": kernel[..., None, None], "bias": model.mix.bias.detach()})
    image, seen = torch.randn(3, 10, 8, 8), []
    model.mix.register_forward_hook(lambda _module, _args, mixed: seen.append(mixed))

    model(image)

    features = model.stem(image.reshape(15, 2, 8, 8)).reshape(3, 5, SLICE_WIDTH, 8, 8)
    expected = volume(features.transpose(1, 2))[:, :, 0]
    assert torch.allclose(seen[0], expected, atol=1e-5)


def test_the_order_of_the_slices_counts():
    torch.manual_seed(0)
    model, image = build(channels=1).eval(), torch.randn(1, 3, 16, 16)

    assert not torch.allclose(model(image)[0], model(image.flip(1))[0])


def test_weights_are_taken_up_by_a_new_one():
    image = torch.randn(1, 6, 16, 16)
    trained, fresh = build(), build().eval()
    trained(torch.randn(4, 6, 16, 16))
    trained.eval()

    fresh.load_state_dict(trained.state_dict())

    assert torch.equal(fresh(image)[0], trained(image)[0])


def test_priority_reaches_the_network_behind_the_stem():
    torch.manual_seed(0)
    model = build("medsegformer").train()
    priority = torch.full((1, 64, 64), 1e-6)
    priority[:, :2, :2] = 1e6

    def corner(*hints):
        torch.manual_seed(1)
        places = model(torch.zeros(1, 6, 64, 64), *hints).points[0].places[0]
        return int(((places // 64 < 2) & (places % 64 < 2)).sum())

    assert model.takes_priority
    assert not build("unet").takes_priority
    assert corner(priority) == 4
    assert corner() < 4
