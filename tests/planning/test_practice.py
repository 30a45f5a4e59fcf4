"""Practice follows from how rare labels are and from what may be mirrored or turned."""

import pytest

from delineate.core.labels import LabelTable
from delineate.planning import Machine
from delineate.planning.practice import (
    choose_augmentation,
    choose_loss,
    choose_sampling,
    has_sides,
)

KEYS = {
    "rotate_degrees", "scale", "mirror_axes", "translate", "elastic", "gamma", "brightness",
    "contrast", "noise", "blur", "lowres", "bias_field",
}  # fmt: skip


@pytest.mark.parametrize(
    ("patch", "share", "foreground"),
    [
        ((48, 64, 48), 0.03, 0.0),  # holds the largest image
        ((40, 56, 40), 0.03, 0.25),  # holds the median image
        ((16, 16, 16), 0.2, 0.33),
        ((16, 16, 16), 0.01, 0.5),
        ((16, 16, 16), 0.0001, 0.67),
    ],
)
def test_the_rarer_a_label_the_more_patches_aim_at_it(
    make_fingerprint, draft, patch, share, foreground
):
    sizes = [(36, 50, 35), (36, 50, 35), (47, 59, 43)]
    found = make_fingerprint(sizes, [(1.0, 1.0, 1.0)] * 3, classes=(("lesion", share),))

    plan = choose_sampling(found, draft(found, patch=patch), Machine())

    assert plan.foreground == foreground


def test_slices_of_a_volume_are_aimed_at_even_if_a_patch_holds_one(bowel_mr, draft):
    plan = choose_sampling(bowel_mr, draft(bowel_mr, dims=2, patch=(272, 272)), Machine())

    assert plan.foreground == 0.5


def test_a_class_below_half_a_permille_gets_tversky(thick_ct, hippocampus, draft):
    rare = choose_loss(thick_ct, draft(thick_ct), Machine())
    common = choose_loss(hippocampus, draft(hippocampus), Machine())

    assert (rare.loss, rare.loss_options) == ("tversky_ce", {"alpha": 0.3, "beta": 0.7})
    assert (common.loss, common.loss_options) == ("dice_ce", {})
    assert "tumour, fills 0.03 %" in rare.reasons["loss"]


def test_a_class_that_no_case_shows_does_not_count_as_rare(make_fingerprint, draft):
    found = make_fingerprint(
        [(64, 64, 64)], [(1.0, 1.0, 1.0)], classes=(("organ", 0.1), ("absent", 0.0))
    )

    assert choose_loss(found, draft(found), Machine()).loss == "dice_ce"


@pytest.mark.parametrize("fixture", ["hippocampus", "thick_ct", "bowel_mr", "tiles"])
def test_every_augmentation_has_exactly_the_keys_that_training_reads(request, draft, fixture):
    found = request.getfixturevalue(fixture)

    augmentation = choose_augmentation(found, draft(found), Machine()).augmentation

    assert set(augmentation) == KEYS
    assert set(augmentation["elastic"]) == {"probability", "sigma", "magnitude"}
    assert len(augmentation["rotate_degrees"]) == (3 if found.is_volume else 1)


def test_voxels_of_unequal_sides_are_turned_less_out_of_plane(thick_ct, bowel_mr, draft):
    thick, medium = (
        choose_augmentation(found, draft(found), Machine()).augmentation
        for found in (thick_ct, bowel_mr)
    )

    assert thick["rotate_degrees"] == [15.0, 0.0, 0.0]
    assert thick["elastic"]["probability"] == 0
    assert medium["rotate_degrees"] == [15.0, 7.5, 7.5]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("kidney_left", True), ("LeftKidney", True), ("Right lung", True), ("lung_R", True),
        ("liver", False), ("bright spot", False), ("cleft", False), ("kidneyRight", True),
    ],
)  # fmt: skip
def test_names_that_say_a_side_are_recognised(name, expected):
    assert has_sides(LabelTable.of_names({name: 1})) is expected


def test_what_lies_as_bodies_do_is_mirrored_only_where_it_is_flat_and_no_label_names_a_side(
    make_fingerprint, bowel_mr, draft
):
    flat = make_fingerprint([(64, 64)], [(1.0, 1.0)])
    sided = make_fingerprint(
        [(64, 64, 64)], [(1.0, 1.0, 1.0)], classes=(("kidney_left", 0.1), ("kidney_right", 0.1))
    )

    turned = choose_augmentation(bowel_mr, draft(bowel_mr), Machine())
    slices = choose_augmentation(bowel_mr, draft(bowel_mr, dims=2, patch=(64, 64)), Machine())
    unknown = choose_augmentation(bowel_mr, draft(bowel_mr, canonical=False), Machine())
    image = choose_augmentation(flat, draft(flat), Machine())
    bound = choose_augmentation(sided, draft(sided, canonical=False), Machine())

    plans = (turned, slices, unknown, image, bound)
    axes = [plan.augmentation["mirror_axes"] for plan in plans]
    assert axes == [[], [], [0, 1, 2], [1], []]
    assert "not the same from left to right" in turned.reasons["augmentation"]
    assert "'kidney_left' names a side" in bound.reasons["augmentation"]


@pytest.mark.parametrize(
    ("machine", "is_milder"),
    [
        (Machine(budget_s=599), True),
        (Machine(budget_s=600), False),
        (Machine(budget_s=60, device="cuda"), False),
        (Machine(budget_s=60, num_steps=100), False),
        (Machine(budget_s=None), False),
    ],
)
def test_augmentation_is_milder_with_less_than_ten_minutes_on_a_cpu(
    hippocampus, draft, machine, is_milder
):
    plan = choose_augmentation(hippocampus, draft(hippocampus), machine)

    found = {key: plan.augmentation[key] for key in ("rotate_degrees", "scale", "gamma", "lowres")}
    usual = {"rotate_degrees": [15.0] * 3, "scale": [0.85, 1.18], "gamma": [0.7, 1.4]}
    milder = {"rotate_degrees": [9.0] * 3, "scale": [0.907, 1.104], "gamma": [0.807, 1.224]}
    assert found == ({**milder, "lowres": 0.06} if is_milder else {**usual, "lowres": 0.1})
    assert (plan.augmentation["elastic"]["probability"] == 0) is is_milder
    assert ("Ranges are narrower" in plan.reasons["augmentation"]) is is_milder


@pytest.mark.parametrize("fixture", ["hippocampus", "thick_ct", "bowel_mr", "tiles"])
def test_milder_ranges_lie_within_the_usual_ones(request, draft, fixture):
    found = request.getfixturevalue(fixture)

    milder, usual = (
        choose_augmentation(found, draft(found), Machine(budget_s=budget)).augmentation
        for budget in (300, 1800)
    )

    assert set(milder) == set(usual)
    for name in ("scale", "gamma", "contrast"):
        assert usual[name][0] < milder[name][0] < 1 < milder[name][1] < usual[name][1]
    for name in ("brightness", "noise", "bias_field", "lowres"):
        assert milder[name] <= 0.6 * usual[name] + 1e-3


def test_colour_tiles_are_turned_and_mirrored_every_way(tiles, draft):
    normalisation = ({"kind": "range", "low": 0.0, "high": 255.0},) * 3

    for budget in (300, 1800):  # with little time, too
        plan = draft(tiles, normalisation=normalisation)
        augmentation = choose_augmentation(tiles, plan, Machine(budget_s=budget)).augmentation

        assert augmentation["mirror_axes"] == [0, 1]
        assert augmentation["rotate_degrees"] == [180.0]
        assert augmentation["noise"] < 0.05


def test_a_bias_field_is_for_mr_only(hippocampus, thick_ct, draft):
    window = ({"kind": "window", "low": 0, "high": 1, "mean": 0, "std": 1},)

    mr = choose_augmentation(hippocampus, draft(hippocampus), Machine()).augmentation
    plan = draft(thick_ct, normalisation=window)
    ct = choose_augmentation(thick_ct, plan, Machine()).augmentation

    assert mr["bias_field"] > 0
    assert ct["bias_field"] == 0
