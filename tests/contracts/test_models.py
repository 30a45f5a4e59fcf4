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
    "unet_original": {"features": (4, 8, 8)},
    "unetpp": {"features": (4, 8, 8), "deep_supervision": True},
    "segformer": {"features": 16},
    "medsegformer": {"size": "nano"},
}
"""Options that keep each network small."""
THIN = {
    2: [[1, 1], [1, 2], [2, 2], [2, 1], [1, 2]],
    3: [[1, 1, 1], [1, 2, 2], [2, 2, 2], [1, 2, 2], [1, 1, 1]],
}
"""Strides that spare an axis, by number of axes."""
NUM_STRIDES = {"unet": 3, "unet_original": 3, "unetpp": 3, "resunetpp": 2}
"""Rows of `strides` that the small network has; the others' encoders have 5 or 4."""


def spoken(answer):
    """All that a network says while it trains."""
    if isinstance(answer, list):
        return answer
    extra = [] if answer.log_variance is None else [answer.log_variance]
    return [*answer.logits, *extra, *(points.logits for points in answer.points)]


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

    sum(entry.square().mean() for entry in spoken(model(image))).backward()

    idle = [key for key, value in model.named_parameters() if value.grad is None]
    assert not idle


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dims", [2, 3])
def test_strides_may_spare_an_axis(name, dims):
    count = NUM_STRIDES.get(name, 4 if "segformer" in name else 5)
    model = build_model(name, 1, 2, dims, **SMALL[name], strides=THIN[dims][:count]).eval()
    image = torch.randn(1, 1, *(5, 21, 18)[-dims:])

    logits = model(image)[0]

    assert logits.shape == (1, 2, *image.shape[2:])
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("strides", [[[1, 1]], [[1, 1, 1]] * 7])
def test_strides_that_do_not_fit_are_refused(name, strides):
    with pytest.raises(PlanError, match="strides"):
        build_model(name, 1, 2, 2, **SMALL[name], strides=strides)


@pytest.mark.parametrize("name", MODELS)
def test_exported_program_gives_the_same_logits(name):
    torch.manual_seed(0)
    model = build_model(name, 1, 2, 2, **SMALL[name]).eval()
    image = torch.randn(1, 1, 32, 32)

    program = torch.export.export(model, (image,))

    assert torch.allclose(program.module()(image)[0], model(image)[0], atol=1e-5)


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
