"""Plans for objects told apart."""

from dataclasses import replace

import pytest

from delineate.core.errors import PlanError
from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.planning import RULES, Machine, make_plan
from delineate.planning.nuclei import OBJECT_RULES

TYPES = LabelTable.of_names({"epithelial": 1, "inflammatory": 2})


@pytest.fixture
def nuclei(make_fingerprint):
    """Tiles at 0.2525 um to the pixel, with many epithelial and few inflammatory nuclei."""
    spacing = (0.0002525, 0.0002525)
    found = make_fingerprint(
        [(1000, 1000)] * 6, [spacing] * 6, channels=("red", "green", "blue"), is_physical=True
    )
    shares = tuple(
        replace(found.classes[0], name=name, num_objects=count)
        for name, count in (("epithelial", 8000), ("inflammatory", 500))
    )
    return replace(found, classes=shares, diameter_um=6.1)


def planned(found, **options):
    return make_plan(
        found, dataset="cells", layout="tissue", labels=TYPES, task="instances", **options
    )


def test_nearly_forty_times_is_forty_times(nuclei):
    plan = planned(nuclei)

    assert plan.spacing_mm == (0.00025, 0.00025)
    assert "6.1 um" in plan.reasons["spacing_mm"]


def test_every_rule_decides_and_the_plan_survives_its_file(nuclei):
    plan = planned(nuclei)

    assert set(OBJECT_RULES) <= set(RULES)
    assert set(RULES) <= set(plan.reasons)
    assert Plan.from_yaml(plan.to_yaml()) == plan
    assert (plan.task, plan.loss, plan.dims) == ("instances", "nuclei", 2)


def test_rarer_types_weigh_more(nuclei):
    plan = planned(nuclei)

    common, rare = plan.loss_options["class_weights"]
    assert rare == pytest.approx(4 * common, rel=0.01)
    assert common + rare == pytest.approx(2, abs=0.01)


def test_single_type_needs_no_weights(nuclei):
    alone = replace(nuclei, classes=nuclei.classes[:1])

    assert "class_weights" not in planned(alone).loss_options


def test_unknown_resolution_is_refused_with_the_mend(nuclei):
    with pytest.raises(PlanError, match="--mpp"):
        planned(replace(nuclei, is_physical=False))


def test_short_budget_gets_a_smaller_network_and_smaller_patches(nuclei):
    short = planned(nuclei, machine=Machine(budget_s=60))
    long = planned(nuclei, machine=Machine(budget_s=3600))

    assert short.model_options["features"][0] < long.model_options["features"][0]
    assert short.patch < long.patch


def test_plans_of_regions_keep_the_hash_that_they_had_before_tasks_were_told_apart(nuclei):
    plan = planned(nuclei)

    assert replace(plan, decoder="hv").hash() == plan.hash()
    assert replace(plan, task="regions").hash() != plan.hash()
