"""What a run learns from and is judged by."""

from dataclasses import replace
from pathlib import Path

import pytest

from delineate.core.plan import Plan
from delineate.datasets.phantoms import Phantoms
from delineate.learn.provision import provide


class Wish:
    fold, hold_out, leave_out, labelled, unlabelled, mpp, seed = (
        "0",
        None,
        None,
        None,
        None,
        None,
        0,
    )

    def __init__(self, out: Path, **values):
        self.out = out
        self.__dict__.update(values)


@pytest.fixture
def bodies():
    return Phantoms(num_patients=6, seed=0, shape=(8, 16, 16))


@pytest.fixture
def folded(plan, bodies):
    ids = bodies.ids()
    return replace(plan, labels=bodies.labels, folds=((ids[0],), tuple(ids[1:])))


def test_cases_that_keep_no_labels_train_as_images(bodies, folded, tmp_path):
    provision = provide(Wish(tmp_path, labelled=0.4), folded, bodies)

    assert len(provision.training) == 2
    assert set(provision.images.ids) == set(bodies.ids()[1:]) - set(provision.training)
    assert provision.validation == (bodies.ids()[0],)


def test_all_that_is_needed_is_prepared(bodies, folded, tmp_path):
    provision = provide(Wish(tmp_path, labelled=0.4), folded, bodies)

    provision.fill(bodies)

    assert all(provision.store.has(case_id) for case_id in bodies.ids())


def test_plan_is_written_only_where_tissues_divide(bodies, folded, tmp_path):
    provide(Wish(tmp_path), folded, bodies).fill(bodies)

    assert not (tmp_path / "plan.yaml").exists()


def test_division_by_tissue_is_written_into_the_plan(bodies, folded, tmp_path, monkeypatch):
    first = bodies.ids()[0]
    monkeypatch.setattr(
        Phantoms, "tissue", lambda self, id: "liver" if id == first else "spleen", raising=False
    )

    provision = provide(Wish(tmp_path, hold_out="liver"), folded, bodies)
    provision.fill(bodies)

    told = Plan.load(tmp_path / "plan.yaml")
    assert told.folds == ((first,), tuple(bodies.ids()[1:]))
    assert "held out as whole tissues" in told.reasons["folds"]
