import ast
import inspect
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from delineate.core.errors import PlanError
from delineate.core.labels import LabelTable
from delineate.core.plan import VERSION, Plan

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1)
NUMBERS = st.floats(-1e6, 1e6) | st.integers(-(10**9), 10**9)
VALUES = st.booleans() | NUMBERS | TEXTS | st.lists(NUMBERS, max_size=3)
OPTIONS = st.dictionaries(TEXTS, VALUES | st.dictionaries(TEXTS, VALUES, max_size=2), max_size=3)


def make_plan(**values):
    given_values = {
        "dataset": "Task04_Hippocampus",
        "layout": "nnunet",
        "labels": LabelTable.of_names({"anterior": 1, "posterior": 2}),
        "channels": ("MRI",),
        "dims": 3,
        "canonical": True,
        "spacing_mm": (1.0, 1.0, 1.0),
        "normalisation": ({"kind": "zscore"},),
        "patch": (40, 56, 40),
        "batch_size": 8,
        "model": "unet",
        "model_options": {"width": 32, "levels": 3},
        "loss": "dice_ce",
    }
    return Plan(**{**given_values, **values})


@st.composite
def plans(draw):
    """Plans with any values that a rule or a user may put there."""
    plan = make_plan(
        dataset=draw(TEXTS),
        channels=tuple(draw(st.lists(TEXTS, min_size=1, max_size=3))),
        spacing_mm=tuple(draw(st.lists(st.floats(1e-3, 50), min_size=2, max_size=3))),
        model_options=draw(OPTIONS),
        augmentation=draw(OPTIONS),
        learning_rate=draw(st.floats(1e-8, 1)),
        bf16=draw(st.booleans()),
        folds=tuple(map(tuple, draw(st.lists(st.lists(TEXTS, max_size=4), max_size=3)))),
        flips=tuple(draw(st.lists(st.integers(0, 2), max_size=3))),
    )
    names = draw(st.sets(st.sampled_from(["dims", "bf16", "folds", "dataset", "augmentation"])))
    return replace(plan, reasons={name: draw(TEXTS) for name in names})


@given(plans())
def test_what_is_written_is_read_back(plan):
    text = plan.to_yaml()

    again = Plan.from_yaml(text)

    assert again == plan
    assert again.hash() == plan.hash()
    assert again.to_yaml() == text


@given(plans(), st.floats(1e-6, 1), st.integers(1, 500))
def test_a_value_that_is_edited_by_hand_is_taken_and_the_rest_stays(plan, rate, size):
    raw = yaml.safe_load(plan.to_yaml())
    # A stranger's YAML leaves text such as 0E0 unquoted, which then is a number to us.
    assume(Plan.from_yaml(yaml.safe_dump(raw, allow_unicode=True)) == plan)

    raw["learning_rate"], raw["batch_size"] = rate, size
    edited = Plan.from_yaml(yaml.safe_dump(raw, allow_unicode=True))

    assert edited == replace(plan, learning_rate=rate, batch_size=size)


def test_scalars_stand_on_a_line_and_lists_inline():
    plan = make_plan().deciding("Fits into memory.", batch_size=4)

    lines = plan.to_yaml().splitlines()

    assert "dataset: Task04_Hippocampus" in lines
    assert "patch: [40, 56, 40]" in lines
    at = lines.index("batch_size:")
    assert lines[at + 1 : at + 3] == ["  value: 4", "  why: Fits into memory."]


def test_deciding_keeps_the_reason_of_each_field():
    plan = make_plan()

    decided = plan.deciding("Thick slices.", dims=2, patch=(64, 64)).deciding(
        "Small.", patch=(32, 32)
    )

    assert (decided.dims, decided.patch) == (2, (32, 32))
    assert decided.reasons == {"dims": "Thick slices.", "patch": "Small."}
    assert plan.reasons == {}


def test_the_hash_follows_decisions_and_not_their_reasons():
    plan = make_plan()

    same = replace(plan, reasons={"dims": "x"}, folds=(("a",),), fingerprint={"num_cases": 3})

    assert plan.hash() == same.hash()
    assert plan.hash() == make_plan(spacing_mm=(1, 1, 1)).hash()
    assert plan.hash() != make_plan(patch=(40, 56, 48)).hash()


def test_small_numbers_may_be_written_as_people_write_them():
    text = make_plan().to_yaml().replace("learning_rate: 0.002", "learning_rate: 1e-3")

    plan = Plan.from_yaml(text.replace("augmentation: {}", "augmentation: {noise: 5e-2}"))

    assert plan.learning_rate == 0.001
    assert plan.augmentation == {"noise": 0.05}


def test_numpy_numbers_that_a_rule_left_are_written_as_numbers():
    plan = make_plan(spacing_mm=tuple(np.array([1.5, 1, 1])), learning_rate=np.float64(0.01))

    again = Plan.from_yaml(plan.to_yaml())

    assert again.spacing_mm == (1.5, 1.0, 1.0)
    assert again.learning_rate == 0.01


@pytest.mark.parametrize(
    ("line", "edited"),
    [
        ("dims: 3", "dims: 2.5"),
        ("dims: 3", "dims: true"),
        ("dims: 3", "dims: three"),
        ("bf16: true", "bf16: 1"),
        ("dataset: Task04_Hippocampus", "dataset:"),
        ("patch: [40, 56, 40]", "patch: 40"),
        ("patch: [40, 56, 40]", "patch: [40, 56, wide]"),
        ("channels: [MRI]", "channels: MRI"),
        ("augmentation: {}", "augmentation: strong"),
        ("folds: []", "folds: 3"),
    ],
)
def test_a_value_of_a_wrong_type_is_named(line, edited):
    text = make_plan().to_yaml()
    assert line in text

    with pytest.raises(PlanError, match=r"run/plan\.yaml has a wrong value.*Correct it"):
        Plan.from_yaml(text.replace(line, edited), where="run/plan.yaml")


def test_labels_that_are_no_table_are_named():
    raw = yaml.safe_load(make_plan().to_yaml())

    with pytest.raises(PlanError, match="wrong value"):
        Plan.from_yaml(yaml.safe_dump({**raw, "labels": ["liver"]}))


def test_unknown_and_missing_keys_are_named():
    text = make_plan().to_yaml()

    with pytest.raises(PlanError, match=r"unknown keys \['modle'\]"):
        Plan.from_yaml(text.replace("model: unet", "modle: unet"))
    with pytest.raises(PlanError, match=r"lacks \['batch_size'\]"):
        Plan.from_yaml(text.replace("batch_size: 8", ""))


def test_what_is_no_plan_is_refused():
    with pytest.raises(PlanError, match="no valid YAML"):
        Plan.from_yaml("{dataset: a}\n\n{layout: b}")
    with pytest.raises(PlanError, match="holds no plan"):
        Plan.from_yaml("- a\n- b\n")


def test_a_plan_of_a_later_version_is_refused():
    text = make_plan().to_yaml().replace(f"version: {VERSION}", f"version: {VERSION + 1}")

    with pytest.raises(PlanError, match="Update Delineate"):
        Plan.from_yaml(text)


def test_a_file_is_saved_and_loaded_and_its_absence_said(tmp_path):
    plan = make_plan()

    plan.save(tmp_path / "run" / "plan.yaml")

    assert Plan.load(tmp_path / "run" / "plan.yaml") == plan
    with pytest.raises(PlanError, match="delineate plan DATA --out RUN"):
        Plan.load(tmp_path / "absent.yaml")


def test_every_field_explains_itself():
    body = ast.parse(inspect.getsource(Plan)).body[0].body

    documented = {
        entry.target.id
        for entry, text in pairwise(body)
        if isinstance(entry, ast.AnnAssign) and isinstance(text, ast.Expr)
    }

    assert documented == {entry.name for entry in fields(Plan)}
