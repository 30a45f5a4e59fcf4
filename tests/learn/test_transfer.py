"""Beginning with another model's weights."""

from dataclasses import replace

import pytest
import torch

from delineate.core.errors import PlanError
from delineate.core.plan import Plan
from delineate.infer.bundle import build_network, load_bundle
from delineate.learn.transfer import plan_like, take_weights
from delineate.models import build_model


@pytest.fixture(scope="module")
def bundle():
    return load_bundle("hippocampus")


def fresh(plan, num_outputs, **changes):
    options = {**plan.model_options, **changes}
    return build_model(plan.model, len(plan.channels), num_outputs, plan.dims, **options)


def test_everything_but_another_number_of_outputs_is_handed_on(bundle):
    model = fresh(bundle.plan, 7)
    outputs = {name for name, value in model.state_dict().items() if value.shape[:1] == (7,)}

    count = take_weights(model, bundle)

    theirs, own = bundle.model.state_dict(), model.state_dict()
    assert outputs
    assert count == len(own) - len(outputs)
    assert all(torch.equal(own[name], theirs[name]) for name in own if name not in outputs)


def test_another_network_is_refused(bundle):
    features = [7 * (place + 1) for place in range(len(bundle.plan.model_options["features"]))]

    with pytest.raises(PlanError, match="is another network: "):
        take_weights(fresh(bundle.plan, 3, features=features), bundle)


def test_a_plan_takes_the_network_of_the_model_that_it_starts_from(bundle):
    mine = bundle.plan.deciding("For the test.", model_options={"features": [4, 8]})

    assert plan_like(mine, bundle).model_options == bundle.plan.model_options


def test_several_equal_slices_begin_with_what_one_slice_gave(bundle):
    options = {"features": [4, 8], "deep_supervision": False}
    flat = replace(
        bundle.plan, dims=2, patch=(16, 16), channels=("MR", "T2"), model_options=options
    )
    start = replace(bundle, plan=flat, model=build_network(flat).eval())
    model = build_network(replace(flat, slices=5)).eval()
    image = torch.randn(2, 2, 16, 16)

    count = take_weights(model, start, slices=5)

    assert count == len(model.state_dict())
    assert torch.allclose(model(image.repeat(1, 5, 1, 1))[0], start.model(image)[0], atol=1e-5)


@pytest.mark.parametrize(("own", "wanted"), [(1, (5, 2)), (3, (3, 1))])
def test_slices_come_with_the_network_unless_the_plan_has_its_own(bundle, own, wanted):
    flat = replace(bundle.plan, dims=2, patch=(16, 16))
    start = replace(bundle, plan=replace(flat, slices=5, slice_step=2))

    made = plan_like(replace(flat, slices=own), start)

    assert (made.slices, made.slice_step) == wanted


def test_a_model_of_volumes_does_not_start_one_of_pictures(bundle):
    flat = load_bundle("nuclei").plan

    assert isinstance(flat, Plan)
    with pytest.raises(PlanError, match="works along 3 axes, but these images have 2"):
        plan_like(flat, bundle)
