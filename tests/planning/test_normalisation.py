"""Intensities are scaled by what they mean."""

import pytest

from delineate.planning import Machine
from delineate.planning.normalisation import choose_normalisation


def test_ct_is_windowed_to_its_labelled_tissue(thick_ct, draft):
    plan = choose_normalisation(thick_ct, draft(thick_ct), Machine())

    assert plan.normalisation == (
        {"kind": "window", "low": -20.0, "high": 190.0, "mean": 85.0, "std": 52.5},
    )
    assert "called 'CT'" in plan.reasons["normalisation"]


def test_values_as_low_as_air_are_taken_for_ct_whatever_the_name(make_fingerprint, draft):
    found = make_fingerprint(
        [(60, 64, 64)], [(1.0, 1.0, 1.0)], channels=("scan",), whole=(-1000, 900)
    )

    plan = choose_normalisation(found, draft(found), Machine())

    assert plan.normalisation[0]["kind"] == "window"
    assert "falls to -1000" in plan.reasons["normalisation"]


@pytest.mark.parametrize("name", ["MRI", "T1", "PET", "doctor", "vector"])
def test_everything_else_is_scaled_by_its_own_mean_and_spread(make_fingerprint, draft, name):
    found = make_fingerprint([(60, 64, 64)], [(1.0, 1.0, 1.0)], channels=(name,))

    plan = choose_normalisation(found, draft(found), Machine())

    assert plan.normalisation == ({"kind": "zscore"},)


def test_each_channel_gets_its_own_rule(make_fingerprint, draft):
    found = make_fingerprint(
        [(60, 64, 64)], [(1.0, 1.0, 1.0)], channels=("CT", "PET"), whole=(-300, 900)
    )

    plan = choose_normalisation(found, draft(found), Machine())

    assert [rule["kind"] for rule in plan.normalisation] == ["window", "zscore"]


@pytest.mark.parametrize(("top", "high"), [(1.0, 1.0), (250, 255.0), (60000, 65535.0)])
def test_colours_are_scaled_by_the_range_that_holds_them(make_fingerprint, draft, top, high):
    found = make_fingerprint(
        [(64, 64)],
        [(1.0, 1.0)],
        channels=("red", "green", "blue"),
        whole=(0, top),
        is_physical=False,
    )

    plan = choose_normalisation(found, draft(found), Machine())

    assert plan.normalisation == ({"kind": "range", "low": 0.0, "high": high},) * 3
