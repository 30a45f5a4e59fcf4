"""Every row of `MODELS` keeps the same contract."""

import pytest
import torch

from delineate.core.errors import PlanError, UnknownNameError
from delineate.models import MODELS, build_model

SMALL = {
    "unet": {"features": (4, 8, 8)},
    "resunetpp": {"features": (4, 8, 8), "rates": (1, 2)},
    "deeplabv3": {"encoder": "resnet18", "width": 0.125, "features": 8, "rates": (1, 2)},
    "deeplabv3plus": {
        "encoder": "mobilenet_v2",
        "width": 0.125,
        "features": 8,
        "early": 4,
        "rates": (1, 2),
    },
    "fpn": {"width": 0.125, "pyramid": 8, "features": 16, "dropout": 0.0},
    "unet_encoder": {"width": 0.125, "features": (8, 8, 8, 4, 4)},
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(("channels", "classes"), [(1, 2), (3, 5)])
@pytest.mark.parametrize("size", [(16, 12, 8), (7, 13, 9), (1, 1, 1)])
def test_logits_have_the_shape_of_the_image(name, dims, channels, classes, size):
    model = build_model(name, channels, classes, dims, **SMALL[name]).eval()
    image = torch.randn(2, channels, *size[-dims:])

    logits = model(image)

    assert [tuple(entry.shape) for entry in logits] == [(2, classes, *size[-dims:])]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dims", [2, 3])
def test_every_parameter_gets_a_gradient(name, dims):
    model = build_model(name, 1, 2, dims, **SMALL[name])
    image = torch.randn(2, 1, *[16] * dims)

    sum(entry.square().mean() for entry in model(image)).backward()

    idle = [key for key, value in model.named_parameters() if value.grad is None]
    assert not idle


@pytest.mark.parametrize("name", MODELS)
def test_same_seed_gives_same_weights(name):
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(build_model(name, 1, 2, 2, **SMALL[name]).state_dict())

    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


@pytest.mark.parametrize("name", MODELS)
def test_padding_does_not_depend_on_the_batch(name):
    torch.manual_seed(0)
    model = build_model(name, 1, 2, 2, **SMALL[name]).eval()
    image = torch.randn(3, 1, 11, 14)

    together = model(image)[0]
    alone = torch.cat([model(row[None])[0] for row in image])

    assert torch.allclose(together, alone, atol=1e-5)


def test_unknown_model_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'unet'"):
        build_model("unett", 1, 2, 2)


def test_unknown_option_is_an_error_that_names_it():
    with pytest.raises(PlanError, match="model_options"):
        build_model("unet", 1, 2, 2, colour="red")
